"""Writing the objects of a bucket into a cloud-synced folder, for a sync.

- `prefix_folders`: subfolders for the prefixes of a bucket
- `apply_diff`: new, changed, vanished and returned objects become items and upload units

The state of a sync is in `gateway.catalog.sync_jobs`; listing is a task.
"""
