"""Rules for values: pure functions that return a value in its stored form, or raise an error.

- `names`: names, descriptions and metadata of all objects
- `metadata_types`: types of metadata keys, and whether metadata fits them
- `client_facts`: media facts that clients provide instead of having files read
- `layouts`: default layouts of data groups
- `scene_documents`: items and URLs that a scene document names
- `time_series_settings`: display settings of time series
- `lists`: lists without duplicates

Imports no SQL, and nothing of the catalog.
"""
