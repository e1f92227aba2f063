"""Rows that every change of the catalog must also write, in the same transaction.

A function that changes folders, items or datasets updates the counters, the mirror datasets and
the journal with it.

- `row_edits`: lock and update single rows, with search keys and journal entries
- `journal`: who changed what, and the notification of subscribers
- `counters`: counters of folders
- `dataset_counters`: numbers of a dataset's data rows by storage location
- `dicom_instances`, `dicom_series`, `dicom_studies`, `study_attachments`: what DICOM files form
- `counted_rows`: tables of numbers that have a row for what there is at least one of
- `item_uses`: which folders have items that groups elsewhere, or datasets, may use
- `metadata_keys`: keys of metadata in use, counted with the items of folders
- `mirror_datasets`: data rows of datasets that mirror a folder
- `sequences`: numbers by which readers follow changes, given in the order of commits
- `stored_objects`: removal of bytes that nothing refers to any more

Imports nothing of the catalog but `rules`.
"""
