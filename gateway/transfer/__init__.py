"""Sending directories to a site and fetching them back, over its public API alone.

`upload_tree` in `upload.py` and `download_tree` in `download.py` are the two entry points. Nothing
here imports the server or the database: scripts can use it wherever a site can be reached.
"""
