"""Jobs of former versions, from three tables, are in one table after the migration."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from gateway.database.migrate import migrate
from gateway.kinds.enums import JobKind, JobOutcome, JobStatus
from gateway.models.jobs import jobs
from gateway.models.reencoding import reencode_units
from gateway.models.sequences import sequences
from gateway.models.syncs import skipped_objects
from gateway.models.uploads import manifests, upload_units
from tests.fixtures.former_databases import Former, engine_of, migrate_to_former

UNITS = ("PENDING", "DONE", "ERROR", "CANCELLED")


def fill(former: Former) -> dict[str, UUID]:
    """Insert jobs of all kinds in several states, and return their UUIDs by name."""
    user = former.put("users", email="a@example.org", email_key="a@example.org", site_role="MEMBER")
    folder = former.put("folders", path="0" * 32, folder_type="GENERIC")
    item = former.put("items", folder_uuid=folder, item_type="VIDEO", file_size=7, client_metadata={})
    common = {"folder_uuid": folder, "user_uuid": user}
    uuids = {
        "sync": former.put("cloud_sync_jobs", **common, status="PENDING", ends_as="DONE", sequence=40),
        "old sync": former.put(
            "cloud_sync_jobs", **common, status="ERROR", ends_as="ERROR", error="gone", upload_jobs_units_done=3
        ),
        "waiting": former.put("upload_jobs", **common, status="PENDING", units_pending_count=2),
    }
    uuids["upload"] = former.put(
        "upload_jobs",
        **common,
        cloud_sync_job_uuid=uuids["old sync"],
        status="DONE",
        sequence=9,
        file_name="a.csv",
        ignore_errors=True,
        **{f"units_{state.lower()}_count": 1 for state in UNITS[1:]},
    )
    former.put("manifests", job_uuid=uuids["waiting"], object_key="k")
    former.put("skipped_objects", job_uuid=uuids["old sync"], key="a.zip", reason="OTHER_FORMAT")
    for position, status in enumerate(UNITS):
        error = "broken" if status == "ERROR" else None
        values = {"position": position, "status": status, "error": error, "is_bound": True, "spec": {"sources": []}}
        former.put("upload_units", job_uuid=uuids["upload"], sequence=9, **values)
    for name, status, states in (
        ("encoding", "SUBMITTED", ("PENDING", "REENCODED")),
        ("encoded", "ERROR", ("LEFT_ALONE", "ERROR")),
        ("cancelled", "CANCELLED", ("CANCELLED", "CANCELLED")),
    ):
        counts = {"units_pending_count": states.count("PENDING"), "units_error_count": states.count("ERROR")}
        values = {"user_uuid": user, "title": name, "status": status, "progress": 0.5, "units_total_count": 2}
        uuids[name] = former.put("reencode_jobs", **values, **counts)
        for position, state in enumerate(states):
            former.put("reencode_units", job_uuid=uuids[name], position=position, status=state, item_uuid=item)
    return uuids


def test_jobs_of_all_kinds_are_carried_over(empty_url: str) -> None:
    engine = engine_of(empty_url)
    with engine.begin() as connection:
        migrate_to_former(connection, "one_table_of_jobs")
        uuids = fill(Former(connection))
    migrate(empty_url)
    with engine.begin() as connection:
        rows = {row.uuid: row for row in connection.execute(sa.select(jobs))}
        found = {name: rows[uuid] for name, uuid in uuids.items()}
        assert len(rows) == len(uuids)
        check_states(found)
        assert {row.job_uuid for row in connection.execute(sa.select(upload_units))} == {uuids["upload"]}
        sizes = connection.execute(sa.select(reencode_units.c.file_size)).all()
        assert {row.file_size for row in sizes} == {7}
        assert len(sizes) == 6
        numbers = sorted(row.sequence for row in rows.values())
        assert numbers == [*range(41, 48)], "above all former numbers, by which units were numbered"
        [value] = connection.execute(sa.select(sequences.c.value).where(sequences.c.name == "jobs")).one()
        assert value == numbers[-1]
    check_references(engine, uuids)
    engine.dispose()


def check_states(found: dict[str, Any]) -> None:
    """Check kinds, states, counts and what only some kinds have."""
    sync, upload, encoded = found["sync"], found["upload"], found["encoded"]
    assert {name: (row.kind, row.status, row.outcome) for name, row in found.items()} == {
        "sync": (JobKind.CLOUD_SYNC, JobStatus.PENDING, None),
        "old sync": (JobKind.CLOUD_SYNC, JobStatus.ERROR, JobOutcome.FAILED),
        "waiting": (JobKind.UPLOAD, JobStatus.PENDING, None),
        "upload": (JobKind.UPLOAD, JobStatus.DONE, JobOutcome.SUCCEEDED_WITH_ERRORS),
        "encoding": (JobKind.REENCODE, JobStatus.PENDING, None),
        "encoded": (JobKind.REENCODE, JobStatus.ERROR, JobOutcome.SUCCEEDED_WITH_ERRORS),
        "cancelled": (JobKind.REENCODE, JobStatus.CANCELLED, JobOutcome.CANCELLED),
    }
    counts = {
        name: tuple(getattr(row, f"units_{state.lower()}_count") for state in UNITS) for name, row in found.items()
    }
    assert counts == {
        "sync": (0, 0, 0, 0),
        "old sync": (0, 3, 0, 0),
        "waiting": (2, 0, 0, 0),
        "upload": (0, 1, 1, 1),
        "encoding": (1, 1, 0, 0),
        "encoded": (0, 1, 1, 0),
        "cancelled": (0, 0, 0, 2),
    }
    assert {name for name, row in found.items() if row.started_at is None} == {"sync", "waiting"}
    assert {name for name, row in found.items() if row.attempt == 0} == {"sync", "waiting"}
    assert (sync.ends_as, sync.skipped_keys, sync.title) == (JobStatus.DONE, [], None)
    assert (upload.file_name, upload.ignore_errors, upload.error) == ("a.csv", True, "broken")
    assert upload.cloud_sync_job_uuid == found["old sync"].uuid
    assert (encoded.title, encoded.progress, encoded.folder_uuid) == ("encoded", 0.5, None)
    assert found["old sync"].error == "gone"


def check_references(engine: sa.Engine, uuids: dict[str, UUID]) -> None:
    """Check that a job is deleted with its parts, and that a folder has one running sync at most."""
    with engine.begin() as connection:
        second = sa.select(jobs).where(jobs.c.uuid == uuids["sync"])
        row = {**connection.execute(second).one()._mapping, "uuid": uuid4()}
        with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
            connection.execute(sa.insert(jobs).values(row))
        connection.execute(sa.delete(jobs).where(jobs.c.cloud_sync_job_uuid.is_not(None)))
        connection.execute(sa.delete(jobs))
        for table in (manifests, upload_units, skipped_objects, reencode_units):
            assert connection.execute(sa.select(table)).all() == [], table.name
