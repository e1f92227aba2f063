"""The invariants hold on a site that is used, and each violation is found."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from gateway.media import samples
from tests.faults.dicom_invariants import DICOM_SEEDS
from tests.faults.evidence import Evidence, gather_evidence
from tests.faults.invariants import CHECKS, WRONG_ROWS, check_at_rest, unexplained_items
from tests.faults.people_invariants import PEOPLE_SEEDS
from tests.faults.revision_invariants import REVISION_SEEDS
from tests.fixtures.communities import create_community
from tests.fixtures.encapsulated import pdf_in_dicom
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import add_files, empty_item, revise
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job, upload, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = "'0193b1c0000070008000000000000001'"
"""UUID of no object, in SQL."""

RUN = "0193b1c0-0000-7000-8000-000000000002"


@dataclass(frozen=True)
class Copy:
    """A row to insert: the first of a table that meets a condition, with other values, in SQL."""

    table: str
    values: Mapping[str, str]
    where: str = "1 = 1"

    def statement(self, evidence: Evidence) -> str:
        [row] = evidence.select(f"SELECT * FROM {self.table} WHERE {self.where} LIMIT 1")
        names, values = ", ".join(row), ", ".join(self.values.get(name, name) for name in row)
        key = next(iter(row))
        chosen = f"{key} = (SELECT {key} FROM {self.table} WHERE {self.where} LIMIT 1)"
        return f"INSERT INTO {self.table} ({names}) SELECT {values} FROM {self.table} WHERE {chosen}"


Step = str | Copy
JOB = {"uuid": OTHER, "units_done_count": "0", "units_error_count": "0", "sequence": "1"}
REENCODED = """
    INSERT INTO reencode_units (uuid, job_uuid, position, item_uuid, object_key, status, progress)
    SELECT uuid, (SELECT uuid FROM jobs LIMIT 1), 0, uuid, 'key', '{}', 1 FROM items WHERE item_type = 'IMAGE' LIMIT 1
"""
STUDY_UNIT = """
    INSERT INTO dicom_job_units (uuid, job_uuid, position, item_uuid, source, status, copy_uuid)
    SELECT uuid, (SELECT uuid FROM jobs LIMIT 1), (SELECT COUNT(*) FROM items AS other WHERE other.uuid < items.uuid),
    uuid, 0, '{}', {} FROM items WHERE item_type = 'IMAGE' LIMIT 2
"""
UNDONE = "uuid = (SELECT uuid FROM upload_units WHERE status = 'ERROR')"
DONE = "uuid = (SELECT uuid FROM upload_units WHERE status = 'DONE' LIMIT 1)"
IMAGE = "uuid = (SELECT uuid FROM items WHERE item_type = 'IMAGE' AND object_key IS NOT NULL LIMIT 1)"

SEEDS: dict[str, list[Step]] = {
    "unit without an end": [f"UPDATE upload_units SET status = 'PENDING' WHERE {DONE}"],
    "unit whose end and error differ": [f"UPDATE upload_units SET error = NULL WHERE {UNDONE}"],
    "unit that has an item although it is not done": [f"UPDATE upload_units SET status = 'CANCELLED' WHERE {DONE}"],
    "unit whose item is still a placeholder": ["UPDATE items SET is_placeholder = NOT is_placeholder"],
    "item of two units of a job": [
        Copy("upload_units", {"uuid": OTHER, "position": "99"}, "item_uuid IS NOT NULL AND NOT is_skipped")
    ],
    "re-encoding unit without an end": [REENCODED.format("PENDING")],
    "re-encoded video without a rendition": [REENCODED.format("REENCODED")],
    "expected bytes of a unit that has ended": [f"UPDATE uploads SET unit_uuid = {OTHER}"],
    "placeholder that expects no bytes": ["DELETE FROM uploads"],
    "manifest that was not read": [f"INSERT INTO manifests (job_uuid, object_key) VALUES ({OTHER}, 'key')"],
    "job without an end": ["UPDATE jobs SET outcome = NULL"],
    "upload job with wrong counts": ["UPDATE jobs SET units_done_count = units_done_count + 1"],
    "re-encoding job with wrong counts": [Copy("jobs", {**JOB, "kind": "'REENCODE'", "units_done_count": "1"})],
    "sync that counts fewer units than its upload jobs": [
        Copy("jobs", {**JOB, "kind": "'CLOUD_SYNC'"}),
        f"UPDATE jobs SET cloud_sync_job_uuid = {OTHER} WHERE units_done_count > 0",
    ],
    "sync with wrong counts of pages or jobs": [
        Copy("jobs", {**JOB, "kind": "'CLOUD_SYNC'", "upload_jobs_pending": "1"})
    ],
    "job whose number was never drawn": ["UPDATE jobs SET sequence = 0"],
    "number of two jobs": ["UPDATE jobs SET sequence = 1"],
    "folder without counters": ["DELETE FROM folder_counters"],
    "folder that a deletion has left": [
        f"INSERT INTO leaving_folders (folder_uuid, job_uuid) VALUES ({OTHER}, {OTHER})"
    ],
    "folder that a copying job has left": [
        "INSERT INTO folder_copies (job_uuid, folder_uuid, depth, step) SELECT uuid, uuid, 0, 'ITEMS' FROM jobs"
    ],
    "item that a copying job has left": [
        "INSERT INTO item_copies (job_uuid, item_uuid, is_data_group) SELECT uuid, uuid, FALSE FROM jobs"
    ],
    "dataset that a deletion has left": [f"INSERT INTO leaving_datasets (dataset_uuid) VALUES ({OTHER})"],
    "tag that a deletion has left": [
        f"""INSERT INTO organisation_tags (uuid, name, name_key, description, created_at, deletion_uuid)
        VALUES ({OTHER}, 'a', 'a', '', '2026-01-01', {OTHER})"""
    ],
    "folder whose visibility is neither its own nor that of the folder above": ["UPDATE folders SET is_public = TRUE"],
    "path that is not that of the parent and the folder": ["UPDATE folders SET path = 'x' || path"],
    "item that a mirror dataset lacks or has twice": ["DELETE FROM data_rows"],
    "item of a mirror dataset that is not in its folder": [
        "UPDATE items SET folder_uuid = (SELECT uuid FROM folders WHERE name = 'emptied')"
    ],
    "item that is wrong about having shares": ["UPDATE items SET is_shared = NOT is_shared"],
    "share that differs from its item": ["UPDATE item_shares SET name_key = 'x' || name_key"],
    "share in the item's own folder": ["UPDATE items SET folder_uuid = (SELECT folder_uuid FROM item_shares LIMIT 1)"],
    "share in a cloud-synced folder": ["UPDATE folders SET remote_url = 's3://bucket'"],
    "folder without the mark of shares below it": ["UPDATE folders SET has_shares = NOT has_shares"],
    "share without its journal entry": ["DELETE FROM changes WHERE action = 'SHARE'"],
    "stored object that was to be removed": ["UPDATE stored_objects SET is_leaving = NOT is_leaving"],
    "stored object that nothing uses": [f"UPDATE items SET object_key = NULL WHERE {IMAGE}"],
    "stored object without a checksum": ["UPDATE stored_objects SET crc32 = NULL"],
    "encapsulated file that nobody extracts": ["UPDATE encapsulated_files SET is_stored = NOT is_stored"],
    "extracted file": ["UPDATE encapsulated_files SET file_size = file_size + 1"],
    "thumbnail that nobody makes": ["UPDATE thumbnails SET unavailable_reason = 'PENDING'"],
    "with counters, and rows, of": ["UPDATE folder_counters SET images = images + 1"],
    "of which it says": ["UPDATE dataset_counters SET data_rows = data_rows + 1"],
    "counted as": ["UPDATE metadata_keys SET items = items + 1"],
    "bytes": ["UPDATE stored_objects SET file_size = file_size + 1"],
    "without a row": ["DELETE FROM thumbnails"],
    "numbers of two changes": ["UPDATE change_places SET sequence = 2 WHERE sequence = 1"],
    "numbers of no change": ["UPDATE sequences SET value = value + 1"],
    "numbers that were never drawn": ["UPDATE sequences SET value = value - 1"],
    "with two numbers": [
        "UPDATE change_places SET sequence = 1 WHERE folder_uuid IN (SELECT uuid FROM folders WHERE name = 'emptied')"
    ],
    "which does not exist": [f"INSERT INTO change_places VALUES ({OTHER}, {OTHER}, 1)"],
    "change without a number": ["DELETE FROM change_places"],
    "without its journal entry": ["DELETE FROM changes WHERE object_type = 'UploadJob'"],
    "data row": ["DELETE FROM changes WHERE object_type = 'DataRow'"],
    "data row linked twice": [Copy("changes", {"uuid": OTHER}, "action = 'LINK'")],
    "that the journal says is there": ["DELETE FROM data_rows"],
    "created again": ["UPDATE changes SET action = 'CREATE' WHERE action = 'MOVE'"],
    "change of something that is not there": ["DELETE FROM changes WHERE action = 'CREATE'"],
    "by the journal": ["DELETE FROM changes WHERE action = 'MOVE'"],
    "ingested 2 times by 1 units": [Copy("changes", {"uuid": OTHER}, "action = 'INGEST'")],
    "item that no unit made": ["UPDATE upload_units SET item_uuid = NULL"],
    "unit about a study without an end": [STUDY_UNIT.format("PENDING", "NULL")],
    "job about a study with wrong counts": ["UPDATE jobs SET dicom_phase = 'REMOVING'"],
    "copy of two units": [STUDY_UNIT.format("DONE", OTHER)],
    "unit without the copy that it has made": [
        STUDY_UNIT.format("DONE", "NULL"),
        "UPDATE jobs SET kind = 'DICOM_COPY'",
    ],
    **{violation: [statement] for violation, statement in {**DICOM_SEEDS, **PEOPLE_SEEDS, **REVISION_SEEDS}.items()},
}
"""What makes a site violate each invariant."""
QUEUE_SEEDS = {
    "that has failed": (
        "UPDATE queued_tasks SET failed_at = '2026-01-01'",
        "UPDATE procrastinate_jobs SET status = 'failed'",
    ),
    "that a worker still has": (
        "UPDATE queued_tasks SET lease_until = '2026-01-01'",
        "UPDATE procrastinate_jobs SET status = 'doing'",
    ),
    "in the queue": (
        "UPDATE queued_tasks SET name = 'run_batch'",
        "UPDATE procrastinate_jobs SET task_name = 'run_batch'",
    ),
    "task remove_objects in the queue": (
        "UPDATE queued_tasks SET run_at = '2026-01-01'",
        "UPDATE procrastinate_jobs SET scheduled_at = NULL",
    ),
}
"""The same for the queue, on SQLite and on PostgreSQL."""


def found_in(evidence: Evidence) -> list[str]:
    """Return the violations of all invariants."""
    found = [each for check in CHECKS for each in check(evidence)]
    return [*found, *unexplained_items(evidence, ())]


@pytest.fixture(scope="module")
def filled() -> set[str]:
    """URLs of the sites that have been filled."""
    return set()


@pytest_asyncio.fixture(loop_scope="module")
async def evidence(shared_site: Site, filled: set[str]) -> AsyncIterator[Evidence]:
    """A site in use, in a transaction that is rolled back, without checks of references."""
    if shared_site.url not in filled:
        await fill(shared_site)
        filled.add(shared_site.url)
    with gather_evidence(shared_site.services.settings) as evidence:
        if not evidence.is_embedded:
            evidence.select("SET session_replication_role = replica")
        yield evidence


async def fill(site: Site) -> None:
    """Upload, move and delete, so that every invariant is about something."""
    folder, other = await site.folder("mirrored"), await site.folder("emptied")
    await site.done("createDataset", {"title": "mirror", "backingFolderUuid": folder}, "dataset { uuid }")
    files = [File(f"{seed}.png", "IMAGE", samples.png(seed=seed)) for seed in range(4)]
    files += [File(f"{number}.dcm", "DICOM_FILE", samples.dicom_file(instance_number=number)) for number in (1, 2)]
    files.append(File("report.dcm", "DICOM_FILE", pdf_in_dicom(samples.pdf(1))))
    files += [File("broken.png", "IMAGE", b"broken"), File("a.txt", "PLAIN_TEXT", b"text")]
    await upload(site, folder, files, ignoreErrors=True)
    frames = await send_files(site, other, [File(f"{n}.png", "IMAGE", samples.png(seed=10 + n)) for n in range(3)])
    group = {"images": [{"placeholderUuid": uuid} for uuid in frames[:2]], "title": "both"}
    job = await wait_for_job(site, await start_upload_job(site, other, {"imageGroups": [group]}))
    await site.done("moveStorageFolders", {"folderUuids": [other], "newParentUuid": folder}, "results { uuid }")
    [group_uuid] = [each["itemUuid"] for each in job["itemsWithNames"]]
    moved = {"itemUuids": [group_uuid], "newParentUuid": folder, "allowMirrorDatasetChanges": True}
    await site.done("moveStorageItems", moved, "results { uuid }")
    deleted = {"itemUuids": [group_uuid], "allowMirrorDatasetChanges": True}
    await site.done("deleteStorageItems", deleted, "results { uuid }")
    below = await site.folder("below", other)
    await upload(site, below, [File("b.txt", "PLAIN_TEXT", b"below")])
    await site.done("deleteStorageFolder", {"folderUuid": below, "recursive": True}, "job { uuid }")
    [item] = await send_files(site, other, [File("c.png", "IMAGE", samples.png(seed=20))])
    await wait_for_job(site, await start_upload_job(site, other, {"images": [{"placeholderUuid": item}]}))
    shown = await site.folder("shown", await site.folder("showcase"))
    await site.done("shareStorageItems", {"itemUuids": [item], "folderUuid": shown}, "folder { uuid }")
    await site.done(
        "updateStorageItem", {"itemUuid": item, "name": "d.png", "clientMetadata": {"site": "A"}}, "item { uuid }"
    )
    community = await create_community(site)
    run = {"communityUuid": community["uuid"], "producer": {"displayName": "nightly"}, "submission": {"uuid": RUN}}
    run |= {"scalars": [{"metricName": "dice", "value": 0.5}]}
    [scalar] = (await site.done("addMetricScalars", run, "scalarUuids"))["scalarUuids"]
    await site.done("linkItemToMetric", {"scalarUuid": scalar, "itemUuid": item, "label": "plot"}, "link { label }")
    several = await empty_item(site, other)
    for names in ("ab", "b", "c"):
        await add_files(site, other, several, [File(name, "FILE", f"{name} {names}".encode()) for name in names])
    await site.done("restoreItemRevision", {"itemUuid": several, "number": 1}, "item { uuid }")
    one = await upload_items(site, other, [File("one", "FILE", b"1")])
    await revise(site, other, one[0], [File("one", "FILE", b"2")])
    await check_at_rest(site.services.settings)


def find(evidence: Evidence) -> list[str]:
    """Return the violations of all invariants."""
    found = [each for check in CHECKS for each in check(evidence)]
    return [*found, *unexplained_items(evidence, ())]


async def test_a_site_at_rest_violates_nothing(evidence: Evidence) -> None:
    assert find(evidence) == []


async def test_each_wrong_row_has_a_seed() -> None:
    assert WRONG_ROWS.keys() <= SEEDS.keys()


async def test_each_violation_is_found(evidence: Evidence) -> None:
    statements: dict[str, list[Step]] = {
        **SEEDS,
        **{violation: [either[not evidence.is_embedded]] for violation, either in QUEUE_SEEDS.items()},
    }
    missed = []
    for violation, steps in statements.items():
        evidence.select("SAVEPOINT intact")
        for step in steps:
            evidence.select(step if isinstance(step, str) else step.statement(evidence))
        if not any(violation in each for each in find(evidence)):
            missed.append(violation)
        evidence.select("ROLLBACK TO intact")
    assert missed == []


async def test_lost_and_foreign_objects_are_found(evidence: Evidence) -> None:
    [key] = evidence.column("SELECT object_key FROM items WHERE item_type = 'PLAIN_TEXT'")
    sizes = {name: size for name, size in evidence.sizes.items() if name != key}
    found = find(replace(evidence, sizes={**sizes, "foreign": 1}))
    assert found == [f"stored object {key} of None instead of 4 bytes", "object foreign without a row"]


async def test_a_thumbnail_without_an_object_is_found(evidence: Evidence) -> None:
    [key, *_] = evidence.column("SELECT object_key FROM thumbnails WHERE unavailable_reason IS NULL")
    sizes = {name: size for name, size in evidence.sizes.items() if not name.startswith(key)}
    assert find(replace(evidence, sizes=sizes)) == [f"thumbnail {key} without an object"]


async def test_a_broken_reference_is_found(evidence: Evidence) -> None:
    if evidence.is_embedded:
        evidence.select(f"UPDATE items SET folder_uuid = {OTHER}")
        assert [each for each in find(evidence) if each.startswith("broken reference")]
