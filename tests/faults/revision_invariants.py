"""What must be true of the revisions of items at rest: no revision without bytes, and no bytes without a revision."""

_OF_REVISION = (
    "files.item_uuid = item_revisions.item_uuid AND first_revision <= number "
    "AND (last_revision IS NULL OR last_revision >= number)"
)
_OLDER = """
    SELECT MAX(file_size) AS size FROM bitstreams WHERE item_uuid = items.uuid AND object_key IS NOT NULL
    GROUP BY object_key HAVING MAX(CASE WHEN last_revision IS NULL THEN 1 ELSE 0 END) = 0
"""

WRONG_REVISIONS = {
    "item whose newest revision is another one": """
        SELECT uuid, revision_number FROM items WHERE file_count IS NOT NULL AND revision_number <> (
            SELECT COALESCE(MAX(number), 0) FROM item_revisions WHERE item_uuid = items.uuid)""",
    "item that does not know of its revisions": """
        SELECT uuid FROM items WHERE file_count IS NULL AND (revision_number <> 1 OR older_size <> 0
            OR uuid IN (SELECT item_uuid FROM item_revisions) OR uuid IN (SELECT item_uuid FROM bitstreams))""",
    "item with a wrong number of files": """
        SELECT uuid, file_count FROM items WHERE file_count <> (
            SELECT COUNT(*) FROM bitstreams WHERE item_uuid = items.uuid AND last_revision IS NULL)""",
    "item with a wrong size of older files": f"""
        SELECT uuid, older_size FROM items
        WHERE older_size <> (SELECT COALESCE(SUM(size), 0) FROM ({_OLDER}) AS older)""",
    "item that differs from its only file": """
        SELECT items.uuid FROM items JOIN bitstreams ON item_uuid = items.uuid AND last_revision IS NULL
        WHERE file_count = 1 AND (COALESCE(items.url, '') <> bitstreams.url
            OR COALESCE(items.object_key, '') <> COALESCE(bitstreams.object_key, ''))""",
    "revision with a wrong number of files": f"""
        SELECT uuid, file_count FROM item_revisions
        WHERE file_count <> (SELECT COUNT(*) FROM bitstreams AS files WHERE {_OF_REVISION})""",
    "file of no revision": f"""
        SELECT uuid FROM bitstreams AS files WHERE NOT EXISTS (SELECT 1 FROM item_revisions WHERE {_OF_REVISION})""",
    "file without bytes": """
        SELECT uuid, url FROM bitstreams WHERE object_key IS NULL AND url LIKE 'storegraph:%'""",
    "item with two chosen thumbnails": """
        SELECT item_uuid FROM bitstreams WHERE is_thumbnail AND last_revision IS NULL
        GROUP BY item_uuid HAVING COUNT(*) > 1""",
}
"""Rows that must not exist, by what each of them would be."""

REVISION_SEEDS = {
    "item whose newest revision is another one": "UPDATE items SET revision_number = revision_number + 1",
    "item that does not know of its revisions": "UPDATE items SET file_count = NULL",
    "item with a wrong number of files": "UPDATE items SET file_count = file_count + 1",
    "item with a wrong size of older files": "UPDATE items SET older_size = older_size + 1",
    "item that differs from its only file": "UPDATE items SET url = url || 'x' WHERE file_count = 1",
    "revision with a wrong number of files": "UPDATE item_revisions SET file_count = file_count + 1",
    "file of no revision": "DELETE FROM item_revisions",
    "file without bytes": "UPDATE bitstreams SET object_key = NULL",
    "item with two chosen thumbnails": "UPDATE bitstreams SET is_thumbnail = (1 = 1)",
}
"""What makes a site violate each of these."""
