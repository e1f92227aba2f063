"""What must be true of a site at rest, however it got there.

Nothing here uses the gateway's code: a fault in it cannot hide from a check that shares it.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from time import monotonic
from typing import Any

from gateway.settings import Settings
from tests.faults.dicom_invariants import WRONG_DICOM_ROWS
from tests.faults.evidence import Evidence, gather_evidence
from tests.faults.journal import journal_violations
from tests.faults.people_invariants import WRONG_PEOPLE_ROWS
from tests.faults.revision_invariants import WRONG_REVISIONS

WRONG_ROWS = {
    "unit without an end": "SELECT uuid, status FROM upload_units WHERE status NOT IN ('DONE', 'ERROR', 'CANCELLED')",
    "unit whose end and error differ": """
        SELECT uuid, status, error FROM upload_units WHERE (status = 'ERROR') <> (error IS NOT NULL)""",
    "unit that has an item although it is not done": """
        SELECT uuid, status FROM upload_units WHERE item_uuid IS NOT NULL AND status <> 'DONE'""",
    "unit whose item is still a placeholder": """
        SELECT upload_units.uuid FROM upload_units JOIN items ON items.uuid = item_uuid WHERE is_placeholder""",
    "item of two units of a job": """
        SELECT job_uuid, item_uuid FROM upload_units WHERE item_uuid IS NOT NULL AND NOT is_skipped
        GROUP BY job_uuid, item_uuid HAVING COUNT(*) > 1""",
    "re-encoding unit without an end": "SELECT uuid FROM reencode_units WHERE status = 'PENDING'",
    "re-encoded video without a rendition": """
        SELECT uuid, item_uuid FROM reencode_units WHERE status = 'REENCODED' AND item_uuid IS NOT NULL
        AND item_uuid NOT IN (SELECT item_uuid FROM renditions)""",
    "expected bytes of a unit that has ended": "SELECT item_uuid, unit_uuid FROM uploads WHERE unit_uuid IS NOT NULL",
    "placeholder that expects no bytes": """
        SELECT uuid, name FROM items WHERE is_placeholder AND uuid NOT IN (SELECT item_uuid FROM uploads)""",
    "manifest that was not read": "SELECT job_uuid FROM manifests",
    "job without an end": """
        SELECT uuid, kind, status FROM jobs WHERE status NOT IN ('DONE', 'ERROR', 'CANCELLED')
        OR outcome IS NULL OR finished_at IS NULL OR units_pending_count <> 0""",
    "upload job with wrong counts": """
        SELECT uuid, units_done_count, units_error_count, units_cancelled_count FROM jobs WHERE kind = 'UPLOAD'
        AND (units_done_count, units_error_count, units_cancelled_count) <> (
            SELECT COUNT(*) FILTER (WHERE status = 'DONE'), COUNT(*) FILTER (WHERE status = 'ERROR'),
                COUNT(*) FILTER (WHERE status = 'CANCELLED')
            FROM upload_units WHERE job_uuid = jobs.uuid)""",
    "re-encoding job with wrong counts": """
        SELECT uuid, units_done_count, units_error_count, units_cancelled_count FROM jobs WHERE kind = 'REENCODE'
        AND (units_done_count, units_error_count, units_cancelled_count) <> (
            SELECT COUNT(*) FILTER (WHERE status IN ('REENCODED', 'LEFT_ALONE')),
                COUNT(*) FILTER (WHERE status = 'ERROR'), COUNT(*) FILTER (WHERE status = 'CANCELLED')
            FROM reencode_units WHERE job_uuid = jobs.uuid)""",
    "unit about a study without an end": "SELECT uuid FROM dicom_job_units WHERE status = 'PENDING'",
    "job about a study with wrong counts": """
        SELECT uuid, kind, units_done_count, units_error_count, units_cancelled_count FROM jobs
        WHERE dicom_phase IS NOT NULL AND (units_done_count, units_error_count, units_cancelled_count) <> (
            SELECT COUNT(*) FILTER (WHERE status IN ('DONE', 'LEFT_OUT')), COUNT(*) FILTER (WHERE status = 'ERROR'),
                COUNT(*) FILTER (WHERE status = 'CANCELLED')
            FROM dicom_job_units WHERE job_uuid = jobs.uuid)""",
    "copy of two units": """
        SELECT copy_uuid FROM dicom_job_units WHERE copy_uuid IS NOT NULL GROUP BY copy_uuid HAVING COUNT(*) > 1""",
    "unit without the copy that it has made": """
        SELECT dicom_job_units.uuid FROM dicom_job_units JOIN jobs ON jobs.uuid = job_uuid
        WHERE jobs.kind = 'DICOM_COPY' AND dicom_job_units.status = 'DONE' AND copy_uuid IS NULL""",
    "folder that a copying job has left": "SELECT job_uuid, folder_uuid FROM folder_copies",
    "item that a copying job has left": "SELECT job_uuid, item_uuid FROM item_copies",
    "sync that counts fewer units than its upload jobs": """
        SELECT uuid FROM jobs WHERE kind = 'CLOUD_SYNC' AND units_done_count + units_error_count < (
            SELECT COALESCE(SUM(units_done_count + units_error_count), 0) FROM jobs AS part
            WHERE part.cloud_sync_job_uuid = jobs.uuid)""",
    "sync with wrong counts of pages or jobs": """
        SELECT uuid FROM jobs WHERE kind = 'CLOUD_SYNC'
        AND (scan_pages_processing_pending <> 0 OR upload_jobs_pending <> 0)""",
    "job whose number was never drawn": """
        SELECT uuid, sequence FROM jobs
        WHERE sequence NOT BETWEEN 1 AND (SELECT value FROM sequences WHERE name = 'jobs')""",
    "number of two jobs": "SELECT sequence FROM jobs GROUP BY sequence HAVING COUNT(*) > 1",
    "folder without counters": "SELECT uuid FROM folders WHERE uuid NOT IN (SELECT folder_uuid FROM folder_counters)",
    "folder that a deletion has left": "SELECT folder_uuid FROM leaving_folders",
    "dataset that a deletion has left": "SELECT dataset_uuid FROM leaving_datasets",
    "tag that a deletion has left": "SELECT uuid FROM organisation_tags WHERE deletion_uuid IS NOT NULL",
    "path that is not that of the parent and the folder": """
        SELECT folders.uuid, folders.path FROM folders LEFT JOIN folders AS parent ON parent.uuid = folders.parent_uuid
        WHERE folders.path <> COALESCE(parent.path, '') || REPLACE(CAST(folders.uuid AS text), '-', '')""",
    "folder whose visibility is neither its own nor that of the folder above": """
        SELECT folders.uuid FROM folders LEFT JOIN folders AS parent ON parent.uuid = folders.parent_uuid
        WHERE folders.is_public <> COALESCE(folders.visibility = 'PUBLIC', parent.is_public, FALSE)""",
    "item that a mirror dataset lacks or has twice": """
        SELECT datasets.uuid, items.uuid AS item_uuid FROM datasets
        JOIN items ON items.folder_uuid = datasets.backing_folder_uuid AND NOT items.is_placeholder
        LEFT JOIN data_rows ON data_rows.dataset_uuid = datasets.uuid AND data_rows.item_uuid = items.uuid
        GROUP BY datasets.uuid, items.uuid HAVING COUNT(data_rows.uuid) <> 1""",
    "item of a mirror dataset that is not in its folder": """
        SELECT data_rows.uuid FROM data_rows JOIN datasets ON datasets.uuid = data_rows.dataset_uuid
        JOIN items ON items.uuid = data_rows.item_uuid WHERE items.folder_uuid <> datasets.backing_folder_uuid""",
    "item that is wrong about having shares": """
        SELECT uuid, is_shared FROM items
        WHERE is_shared <> EXISTS (SELECT 1 FROM item_shares WHERE item_uuid = items.uuid)""",
    "share that differs from its item": """
        SELECT item_uuid, item_shares.folder_uuid FROM item_shares JOIN items ON items.uuid = item_uuid
        WHERE item_shares.name_key <> items.name_key OR item_shares.natural_key <> items.natural_key
        OR item_shares.created_at <> items.created_at OR item_shares.last_edited_at <> items.last_edited_at
        OR COALESCE(item_shares.file_size, -1) <> COALESCE(items.file_size, -1)
        OR item_shares.is_tombstone <> items.is_tombstone OR item_shares.is_placeholder <> items.is_placeholder""",
    "share in the item's own folder": """
        SELECT item_uuid FROM item_shares JOIN items ON items.uuid = item_uuid
        WHERE item_shares.folder_uuid = items.folder_uuid""",
    "share in a cloud-synced folder": """
        SELECT item_uuid FROM item_shares JOIN folders ON folders.uuid = folder_uuid WHERE remote_url IS NOT NULL""",
    "folder without the mark of shares below it": """
        SELECT folders.uuid FROM folders JOIN folders AS below ON below.path LIKE folders.path || '%'
        JOIN item_shares ON item_shares.folder_uuid = below.uuid WHERE NOT folders.has_shares""",
    "stored object that was to be removed": "SELECT key FROM stored_objects WHERE is_leaving",
    "stored object that nothing uses": """
        SELECT key FROM stored_objects WHERE NOT EXISTS (SELECT 1 FROM items WHERE object_key = key)
        AND NOT EXISTS (SELECT 1 FROM bitstreams WHERE object_key = key)
        AND NOT EXISTS (SELECT 1 FROM renditions WHERE object_key = key)
        AND NOT EXISTS (SELECT 1 FROM uploads WHERE stored_key = key)""",
    "stored object without a checksum": "SELECT key FROM stored_objects WHERE crc32 IS NULL",
    "encapsulated file that nobody extracts": """
        SELECT item_uuid FROM encapsulated_files JOIN items ON items.uuid = item_uuid
        WHERE NOT is_stored AND items.object_key IS NOT NULL""",
    "thumbnail that nobody makes": "SELECT object_key FROM thumbnails WHERE unavailable_reason = 'PENDING'",
    **WRONG_DICOM_ROWS,
    **WRONG_REVISIONS,
    **WRONG_PEOPLE_ROWS,
}
"""Rows that must not exist, by what each of them would be."""

PERIODIC = ("sweep", "recount", "start_daily_syncs")
"""Tasks that always wait for their next run."""
QUEUED = {
    True: """
        SELECT name, failed_at IS NOT NULL AS failed, lease_until IS NOT NULL AS leased, error,
            run_at > DATETIME('now', '+1 day') AS is_late FROM queued_tasks""",
    False: """
        SELECT task_name AS name, status = 'failed' AS failed, status = 'doing' AS leased, args ->> 'error' AS error,
            scheduled_at > NOW() + INTERVAL '1 day' AS is_late FROM procrastinate_jobs""",
}
"""The tasks in the queue, of SQLite and of PostgreSQL."""

KINDS = {
    "videos": "VIDEO",
    "images": "IMAGE",
    "audios": "AUDIO",
    "plain_texts": "PLAIN_TEXT",
    "pdfs": "PDF",
    "niftis": "NIFTI",
    "time_series": "TIMESERIES",
    "dicom_files": "DICOM_FILE",
    "image_groups": "IMAGE_GROUP",
    "image_sequences": "IMAGE_SEQUENCE",
    "dicom_series": "DICOM_SERIES",
    "scenes": "SCENE",
    "other_files": "FILE",
    "groups": "GROUP",
}
"""The kind of item that each counter of a folder counts."""


def wrong_rows(evidence: Evidence) -> Iterator[str]:
    """Yield the rows that must not exist."""
    for description, statement in WRONG_ROWS.items():
        for row in evidence.select(statement):
            yield f"{description}: {row}"


def wrong_counters(evidence: Evidence) -> Iterator[str]:
    """Yield the counters of folders that differ from the number of rows."""
    true: dict[str, Counter[str]] = {}
    counters = {kind: name for name, kind in KINDS.items()}
    for row in evidence.select(
        """SELECT folder_uuid, item_type, is_tombstone, is_placeholder,
        url IS NOT NULL OR file_count IS NOT NULL AS has_file, COUNT(*) AS number,
        SUM(COALESCE(file_count, 1)) AS files, COALESCE(SUM(file_size), 0) AS size, SUM(older_size) AS older FROM items
        GROUP BY folder_uuid, item_type, is_tombstone, is_placeholder, url IS NOT NULL OR file_count IS NOT NULL"""
    ):
        total = true.setdefault(row["folder_uuid"], Counter())
        if row["is_tombstone"] or row["is_placeholder"]:
            total["tombstones" if row["is_tombstone"] else "placeholders"] += row["number"]
            continue
        total[counters[row["item_type"]]] += row["number"]
        if row["has_file"]:
            total.update(files=row["files"], total_size=int(row["size"]), older_size=int(row["older"]))
    for name, statement in (
        ("folders", "SELECT parent_uuid AS uuid, COUNT(*) AS number FROM folders GROUP BY parent_uuid"),
        (
            "upload_jobs",
            "SELECT folder_uuid AS uuid, COUNT(*) AS number FROM jobs WHERE kind = 'UPLOAD' GROUP BY folder_uuid",
        ),
        (
            "shared_items",
            "SELECT folder_uuid AS uuid, COUNT(*) AS number FROM item_shares GROUP BY folder_uuid",
        ),
    ):
        for row in evidence.select(statement):
            true.setdefault(row["uuid"], Counter())[name] = row["number"]
    for row in evidence.select("SELECT * FROM folder_counters"):
        folder = row.pop("folder_uuid")
        expected = {name: true.get(folder, Counter())[name] for name in row}
        wrong = {name: (row[name], expected[name]) for name in row if row[name] != expected[name]}
        if wrong:
            yield f"folder {folder} with counters, and rows, of {wrong}"


def wrong_keys(evidence: Evidence) -> Iterator[str]:
    """Yield the keys of metadata that are not counted as often as items of the folder have them."""
    types = {str: "TEXT", bool: "BOOLEAN", int: "LONG", float: "DOUBLE"}
    true, counted = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for row in evidence.select("SELECT * FROM items WHERE NOT is_tombstone AND NOT is_placeholder"):
        metadata = row["client_metadata"]
        for key, value in (json.loads(metadata) if isinstance(metadata, str) else metadata).items():
            if type(value) in types:
                true[row["folder_uuid"], key, types[type(value)]] += 1
    for row in evidence.select("SELECT * FROM metadata_keys"):
        counted[row["folder_uuid"], row["key"], row["value_type"]] = row["items"]
    for use in {*true, *counted}:
        if true[use] != counted[use]:
            yield f"key {use} of {true[use]} items, counted as {counted[use]}"


def wrong_dataset_counters(evidence: Evidence) -> Iterator[str]:
    """Yield the storage locations for which a dataset does not have the right number of data rows."""
    linked = """
        SELECT data_rows.dataset_uuid, items.storage_location, COUNT(*) AS data_rows
        FROM data_rows JOIN items ON items.uuid = data_rows.item_uuid
        GROUP BY data_rows.dataset_uuid, items.storage_location
    """
    true, counted = (
        {(row["dataset_uuid"], row["storage_location"]): row["data_rows"] for row in evidence.select(statement)}
        for statement in (linked, "SELECT * FROM dataset_counters")
    )
    for dataset, location in {*true, *counted}:
        stored, actual = counted.get((dataset, location)), true.get((dataset, location))
        if stored != actual:
            yield f"dataset {dataset} with {actual} data rows at {location}, of which it says {stored}"


def wrong_objects(evidence: Evidence) -> Iterator[str]:
    """Yield the objects without a row, the rows without an object, and the objects of a wrong size."""
    left = dict(evidence.sizes)
    for row in evidence.select("SELECT key, file_size FROM stored_objects"):
        size = left.pop(row["key"], None)
        if size != row["file_size"]:
            yield f"stored object {row['key']} of {size} instead of {row['file_size']} bytes"
    for key in evidence.column("SELECT object_key FROM uploads"):
        left.pop(key, None)
    for row in evidence.select("SELECT object_key, unavailable_reason FROM thumbnails"):
        sizes = [left.pop(f"{row['object_key']}-{size}", None) for size in ("small", "medium", "large")]
        if row["unavailable_reason"] is None and not any(sizes):
            yield f"thumbnail {row['object_key']} without an object"
    for row in evidence.select("SELECT object_key, file_size FROM encapsulated_files WHERE is_stored"):
        size = left.pop(row["object_key"], None)
        if size != row["file_size"]:
            yield f"extracted file {row['object_key']} of {size} instead of {row['file_size']} bytes"
    for key in left:
        yield f"object {key} without a row"


def wrong_tasks(evidence: Evidence) -> Iterator[str]:
    """Yield the tasks that are left in the queue, but for those that always wait in it."""
    for row in evidence.select(QUEUED[evidence.is_embedded]):
        if row["failed"]:
            yield f"task {row['name']} that has failed: {row['error']}"
        elif row["leased"]:
            yield f"task {row['name']} that a worker still has"
        elif row["name"] not in PERIODIC and not (row["name"] == "remove_objects" and row["is_late"]):
            yield f"task {row['name']} in the queue: {row['error']}"


def broken_references(evidence: Evidence) -> Iterator[str]:
    """Yield what SQLite itself finds wrong in its file; PostgreSQL enforces it at all times."""
    if evidence.is_embedded:
        for row in evidence.select("PRAGMA foreign_key_check"):
            yield f"broken reference: {row}"
        for problem in evidence.column("PRAGMA integrity_check"):
            if problem != "ok":
                yield f"damaged file: {problem}"


CHECKS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    wrong_rows,
    wrong_counters,
    wrong_keys,
    wrong_dataset_counters,
    wrong_objects,
    wrong_tasks,
    broken_references,
    journal_violations,
)


def unexplained_items(evidence: Evidence, known: Collection[str]) -> Iterator[str]:
    """Yield the items that no unit made, but for those that the test knows of, by hexadecimal UUID."""
    made = set(evidence.column("SELECT item_uuid FROM upload_units WHERE status = 'DONE' AND item_uuid IS NOT NULL"))
    made |= set(evidence.column("SELECT copy_uuid FROM dicom_job_units WHERE copy_uuid IS NOT NULL"))
    for row in evidence.select("SELECT group_uuid, item_uuid FROM group_members"):
        if row["group_uuid"] in made:
            made.add(row["item_uuid"])
    # Units are deleted with the folder of their job; items may have been moved out of it before.
    made |= set(
        evidence.column(
            """SELECT object_uuid FROM changes WHERE action = 'INGEST'
            AND folder_uuid NOT IN (SELECT uuid FROM folders)"""
        )
    )
    for row in evidence.select("SELECT uuid, name FROM items WHERE NOT is_placeholder"):
        if row["uuid"] not in made and row["uuid"] not in known:
            yield f"item that no unit made: {row}"


def violations(settings: Settings, known: Collection[str] = ()) -> list[str]:
    """Return everything that is wrong with a site.

    `known` are the items, by hexadecimal UUID, that were created by something else than units.
    """
    with gather_evidence(settings) as evidence:
        found = [each for check in CHECKS for each in check(evidence)]
        return [*found, *unexplained_items(evidence, known)]


async def check_at_rest(settings: Settings, seconds: float = 60, known: Collection[str] = ()) -> None:
    """Assert that a site comes to rest in this time, and that nothing is wrong with it then."""
    await come_to_rest(lambda: violations(settings, known), seconds)


async def come_to_rest(find: Callable[[], list[str]], seconds: float) -> None:
    """Assert that no violations are found any more after this time, without blocking the event loop."""
    deadline = monotonic() + seconds
    while found := await asyncio.to_thread(find):
        if monotonic() > deadline:
            raise AssertionError(f"{len(found)} violations:\n" + "\n".join(map(_line, found[:50])))
        await asyncio.sleep(0.2)


def _line(text: Any) -> str:
    return " ".join(str(text).split())[:500]
