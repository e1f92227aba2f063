"""From bytes to items. The modules, in the order of a unit's life:

entries         what clients write for each unit, inline or in a manifest
entry_plans     entries are validated and become plans
placeholders    files are announced: placeholder items, and signed URLs for their bytes
unit_plan       the plan of a unit, and its stored form
start_job       a job is created, with a unit for each plan
manifests       a job is created from an uploaded manifest, which yields its units later
batches         tasks are enqueued that process the units, batch by batch
begin_units     units of a batch are begun: duplicates are skipped, the others bound
duplicates      the items that a folder already has for a unit's URLs
bind_sources    sources and members are checked; sources that are URLs get placeholders
finish_items    files have been read: placeholders become items
finish_units    all that has been read of units is written in one transaction
file_groups     files are grouped into items of their own
job_state       units and jobs end, and subscribers are notified
"""
