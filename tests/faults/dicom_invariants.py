"""DICOM rows that must not exist: studies and series are what the items form."""

WRONG_DICOM_ROWS = {
    "DICOM file without an instance or tags": """
        SELECT uuid FROM items WHERE item_type = 'DICOM_FILE' AND dicom_instance_uid IS NOT NULL AND NOT is_placeholder
        AND (uuid NOT IN (SELECT item_uuid FROM dicom_instances) OR uuid NOT IN (SELECT item_uuid FROM dicom_tags))""",
    "instance that differs from its item": """
        SELECT item_uuid FROM dicom_instances JOIN items ON items.uuid = item_uuid
        WHERE is_live = is_tombstone OR sop_instance_uid <> dicom_instance_uid
        OR dicom_instances.file_size <> items.file_size""",
    "instance in a series that its item is not of": """
        SELECT item_uuid FROM dicom_instances JOIN items ON items.uuid = item_uuid
        JOIN dicom_series ON dicom_series.uuid = series_uuid JOIN dicom_studies ON dicom_studies.uuid = study_uuid
        WHERE dicom_series.folder_uuid <> items.folder_uuid OR series_uid <> dicom_series_uid
        OR study_uid <> dicom_study_uid""",
    "SOP instance UID without its current instance": """
        SELECT series_uuid, sop_instance_uid FROM dicom_instances GROUP BY series_uuid, sop_instance_uid
        HAVING SUM(CASE WHEN is_current THEN 1 ELSE 0 END) <> MAX(CASE WHEN is_live THEN 1 ELSE 0 END)""",
    "series with wrong counts": """
        SELECT uuid FROM dicom_series WHERE (instances, superseded, frames, file_size) <> (
            SELECT COUNT(*) FILTER (WHERE is_current), COUNT(*) FILTER (WHERE is_live AND NOT is_current),
                COALESCE(SUM(CASE WHEN is_current THEN one.frames END), 0),
                COALESCE(SUM(CASE WHEN is_current THEN one.file_size END), 0)
            FROM dicom_instances AS one WHERE series_uuid = dicom_series.uuid)""",
    "series without instances": """
        SELECT uuid FROM dicom_series WHERE uuid NOT IN (SELECT series_uuid FROM dicom_instances)""",
    "series in a study of another root folder": """
        SELECT dicom_series.uuid FROM dicom_series JOIN folders ON folders.uuid = folder_uuid
        JOIN dicom_studies ON dicom_studies.uuid = study_uuid
        WHERE SUBSTR(path, 1, 32) <> REPLACE(CAST(root_folder_uuid AS text), '-', '')""",
    "study without series and attachments": """
        SELECT uuid FROM dicom_studies WHERE uuid NOT IN (SELECT study_uuid FROM dicom_series)
        AND uuid NOT IN (SELECT study_uuid FROM study_attachments)""",
    "folder of a part that is no place of its study": """
        SELECT uuid FROM dicom_series WHERE instances > 0 AND NOT EXISTS (SELECT 1 FROM dicom_study_places AS known
        WHERE known.study_uuid = dicom_series.study_uuid AND known.folder_uuid = dicom_series.folder_uuid)""",
    "place of a study that has no part there": """
        SELECT uuid FROM dicom_study_places WHERE NOT EXISTS (SELECT 1 FROM dicom_series AS part
        WHERE part.study_uuid = dicom_study_places.study_uuid AND part.folder_uuid = dicom_study_places.folder_uuid)
        AND NOT EXISTS (SELECT 1 FROM study_attachments JOIN items ON items.uuid = item_uuid
        WHERE study_attachments.study_uuid = dicom_study_places.study_uuid
        AND items.folder_uuid = dicom_study_places.folder_uuid)""",
    "header that no instance has": """
        SELECT digest FROM dicom_headers WHERE NOT EXISTS (SELECT 1 FROM dicom_instances AS one
        WHERE one.series_uuid = dicom_headers.series_uuid AND one.header_digest = dicom_headers.digest)""",
}
"""Rows that must not exist, by what each of them would be."""

DICOM_SEEDS = {
    "DICOM file without an instance or tags": "DELETE FROM dicom_tags",
    "instance that differs from its item": "UPDATE dicom_instances SET is_live = NOT is_live",
    "instance in a series that its item is not of": """
        UPDATE dicom_series SET folder_uuid = (SELECT uuid FROM folders WHERE name = 'emptied')""",
    "SOP instance UID without its current instance": "UPDATE dicom_instances SET is_current = NOT is_current",
    "series with wrong counts": "UPDATE dicom_series SET frames = frames + 1",
    "series without instances": "DELETE FROM dicom_instances",
    "series in a study of another root folder": """
        UPDATE dicom_studies SET root_folder_uuid = (SELECT uuid FROM folders WHERE name = 'emptied')""",
    "study without series and attachments": "DELETE FROM dicom_series",
    "folder of a part that is no place of its study": "DELETE FROM dicom_study_places",
    "place of a study that has no part there": """
        UPDATE dicom_study_places SET folder_uuid = (SELECT uuid FROM folders WHERE name = 'emptied')""",
    "header that no instance has": "UPDATE dicom_headers SET digest = 'x' || digest",
}
"""What makes a site violate each of these."""
