"""Studies, series and instances are what the items say, after any changes in any order.

Shows AMB-STUDY-05, AMB-TAG-11 and AMB-TAG-12: the rows behind them.
"""

import asyncio
import random
from collections import defaultdict
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.folders import move_folder
from gateway.catalog.items import delete_items, lock_items, move_items, set_tombstones
from gateway.catalog.ledger.dicom_instances import Arrival, files_read
from gateway.database.dialects import lock_tree
from gateway.database.engine import Database
from gateway.kinds.dicom_object import STUDY_TAGS, DicomObject
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.models.base import new_row
from gateway.models.dicom import (
    dicom_headers,
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_study_places,
    dicom_tags,
    study_attachments,
)
from gateway.models.folders import folders
from gateway.models.items import ItemRecord, items
from tests.fixtures.sites import Site

WORKERS = 8
KEY = [
    dicom_studies.c[name].label(f"key_{name}")
    for name in ("root_folder_uuid", "study_uid", "patient_id", "patient_id_issuer")
]
Key = tuple[Any, ...]


def dicom_object(header: dict[str, Any]) -> DicomObject:
    """Return an object with these attributes, and an empty document."""
    return {
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "has_pixels": True,
        "header": header,
        "document": "eJyrrgUAAXUA+Q==",
        "document_size": 2,
        "is_complete": True,
        "errors": 0,
        "omitted": [],
        "character_sets": [],
        "encapsulated": None,
    }


class Hospital:
    """Makes random changes, and remembers what each file says."""

    def __init__(self, site: Site, viewer: Viewer, seed: int) -> None:
        self.site, self.viewer, self.random = site, viewer, random.Random(seed)
        self.folders: list[UUID] = []
        self.headers: dict[UUID, dict[str, Any]] = {}

    async def build(self) -> None:
        """Create two root folders with two subfolders each."""
        for name in "ab":
            root = await self.site.folder(f"{name}{self.random.random()}")
            self.folders.append(UUID(root))
            self.folders += [UUID(await self.site.folder(name, root)) for name in "12"]

    async def arrive(self, count: int) -> None:
        """Ingest some files into a folder."""
        folder, pick = self.random.choice(self.folders), self.random.choice
        rows, arrivals = [], []
        for _ in range(count):
            header = {"patient_id": pick(["p1", "p2", ""]), "study_date": pick(["2026-01-01", "2026-01-02", None])}
            header |= {"patient_name": pick(["Doe^J", None]), "modality": pick(["CT", "CT", "MR"])}
            header = {name: value for name, value in header.items() if value}
            series = self.random.randrange(3)
            row = new_row(
                ItemRecord,
                folder_uuid=folder,
                item_type=StorageItemType.DICOM_FILE,
                name="x",
                name_key="x",
                sha256=pick("abc"),
                file_size=self.random.randrange(1, 1000),
                dicom_study_uid=f"1.{series % 2}",
                dicom_series_uid=f"2.{series}",
                dicom_instance_uid=f"3.{self.random.randrange(6)}",
                url="file:x",
            )
            facts = MediaFacts(row["sha256"], row["file_size"], "application/dicom", frame_count=pick([1, 4]))
            for name in ("dicom_study_uid", "dicom_series_uid", "dicom_instance_uid"):
                object.__setattr__(facts, name, row[name])
            rows.append(row)
            arrivals.append(Arrival(row["uuid"], folder, facts, self.object_of(row["uuid"], header)))
            self.headers[row["uuid"]] = {**header, "frames": facts.frame_count}
        async with self.site.services.database.writing() as transaction:
            await transaction.execute(sa.insert(items), rows)
            await files_read(transaction, arrivals)

    def object_of(self, _item_uuid: UUID, header: dict[str, Any]) -> DicomObject:
        """Return what is read of a file."""
        return dicom_object(header)

    async def change(self) -> None:
        """Move, delete, bury or restore some items, or move a folder."""
        some = self.random.sample(sorted(self.headers), min(4, len(self.headers)))
        action = self.random.randrange(5)
        async with self.site.services.database.writing() as transaction:
            await lock_tree(transaction.connection, exclusive=action == 4)
            if action == 4:
                child, roots = self.random.choice(self.folders[1::3]), self.folders[::3]
                await move_folder(transaction, self.viewer.user_uuid, child, self.random.choice(roots))
                return
            rows = await lock_items(transaction, some)
            if action == 0:
                await move_items(transaction, self.viewer.user_uuid, rows, self.random.choice(self.folders))
            elif action == 1:
                await delete_items(transaction, self.site.services.queue, None, rows)
            else:
                await set_tombstones(transaction, None, rows, action == 2)


async def check_studies(site: Site, headers: dict[UUID, dict[str, Any]]) -> int:
    """Compare all rows with what the items say, and return the number of studies."""
    database = site.services.database
    rows = await database.rows(
        sa.select(items, folders.c.path).join(folders, folders.c.uuid == items.c.folder_uuid).order_by(items.c.uuid),
        sa.Row,
    )
    files = [row for row in rows if row.uuid in headers]
    series: dict[Key, list[Any]] = defaultdict(list)
    studies: dict[Key, list[Any]] = defaultdict(list)
    for row in files:
        said = headers[row.uuid]
        study = (UUID(row.path[:32]), row.dicom_study_uid, said.get("patient_id", ""), "")
        series[(*study, row.folder_uuid, row.dicom_series_uid)].append(row)
        studies[study] += [] if row.is_tombstone else [row]
    await check_series(database, series, headers)
    await check_study_rows(database, studies, headers)
    places = {key[:5] for key, members in series.items() if not all(row.is_tombstone for row in members)}
    of_study = dicom_study_places.join(dicom_studies, dicom_study_places.c.study_uuid == dicom_studies.c.uuid)
    dates = dicom_studies.c.study_date.label("date"), dicom_study_places.c.study_date.label("ordered")
    stored = await database.rows(
        sa.select(*KEY, dicom_study_places.c.folder_uuid, *dates).select_from(of_study), sa.Row
    )
    assert {tuple(row[:5]) for row in stored} == places and len(stored) == len(places)
    assert all(row.date == row.ordered for row in stored)
    for table in (dicom_instances, dicom_tags):
        kept = await database.rows(sa.select(table.c.item_uuid), sa.Row)
        assert {row.item_uuid for row in kept} == {row.uuid for row in files}
    used = sa.select(dicom_instances.c.series_uuid, dicom_instances.c.header_digest).distinct()
    kept = await database.rows(sa.select(dicom_headers.c.series_uuid, dicom_headers.c.digest), sa.Row)
    assert {tuple(row) for row in kept} == {tuple(row) for row in await database.rows(used, sa.Row)}
    return len(studies)


async def check_series(database: Database, series: dict[Key, list[Any]], headers: dict[UUID, dict[str, Any]]) -> None:
    """Compare series, their counts and a value of theirs with the items of each."""
    joined = dicom_series.join(dicom_studies, dicom_studies.c.uuid == dicom_series.c.study_uuid)
    rows = await database.rows(sa.select(*KEY, dicom_series).select_from(joined), sa.Row)
    stored = {(*row[:4], row.folder_uuid, row.series_uid): row for row in rows}
    assert stored.keys() == series.keys()
    for key, members in series.items():
        live = [row for row in members if not row.is_tombstone]
        current: dict[str, Any] = {}
        seen = set()
        for row in live:
            if (row.dicom_instance_uid, row.sha256) not in seen:
                current[row.dicom_instance_uid] = row
            seen.add((row.dicom_instance_uid, row.sha256))
        row = stored[key]
        assert (row.instances, row.superseded) == (len(current), len(live) - len(current))
        assert row.frames == sum(headers[row.uuid]["frames"] for row in current.values())
        assert row.file_size == sum(row.file_size for row in current.values())
        assert not live or row.modality == first(live, headers, "modality")


async def check_study_rows(
    database: Database, studies: dict[Key, list[Any]], headers: dict[UUID, dict[str, Any]]
) -> None:
    """Compare studies, their values and conflicts with the items of each."""
    rows = await database.rows(sa.select(*KEY, dicom_studies), sa.Row)
    stored = {tuple(row[:4]): row for row in rows}
    assert stored.keys() == studies.keys()
    for key, live in studies.items():
        for name in ("study_date", "patient_name") if live else ():
            assert getattr(stored[key], name) == first(live, headers, name)
            values = {headers[row.uuid].get(name) for row in live} - {None}
            assert (STUDY_TAGS[name] in stored[key].conflicts) == (len(values) > 1)


def first(live: list[Any], headers: dict[UUID, dict[str, Any]], name: str) -> Any:
    """Return the value of the earliest item that has one."""
    return next((value for row in live if (value := headers[row.uuid].get(name))), None)


@pytest.mark.parametrize("seed", range(3))
async def test_rows_follow_random_changes(idle_site: Site, viewer: Viewer, seed: int) -> None:
    hospital = Hospital(idle_site, viewer, seed)
    await hospital.build()
    most = 0
    for _ in range(25):
        await hospital.arrive(hospital.random.randrange(1, 8))
        await hospital.change()
        most = max(most, await check_studies(idle_site, hospital.headers))
    assert most > 4


async def test_rows_are_exact_with_concurrent_writers(idle_site: Site, viewer: Viewer) -> None:
    """Eight writers feed and change the same studies; none of them ends in a deadlock (SUB-107)."""
    hospital = Hospital(idle_site, viewer, 9)
    await hospital.build()

    async def write() -> None:
        for _ in range(8):
            await hospital.arrive(3)
            await hospital.change()

    await asyncio.gather(*(write() for _ in range(WORKERS)))
    await check_studies(idle_site, hospital.headers)


async def test_attachments_keep_a_study(idle_site: Site, viewer: Viewer) -> None:
    """A study of which only a report is left stays, in the folder of the report: SUB-110."""
    hospital = Hospital(idle_site, viewer, 1)
    await hospital.build()
    await hospital.arrive(1)
    [image] = hospital.headers
    database = idle_site.services.database
    report = new_row(ItemRecord, folder_uuid=hospital.folders[0], item_type=StorageItemType.PDF, name="r", name_key="r")
    async with database.writing() as transaction:
        await transaction.execute(sa.insert(items), [report])
        [study] = await transaction.rows(sa.select(dicom_studies), sa.Row)
        attachment = {"item_uuid": report["uuid"], "study_uuid": study.uuid, "created_at": report["created_at"]}
        await transaction.execute(sa.insert(study_attachments), [attachment])
        await delete_items(transaction, idle_site.services.queue, None, await lock_items(transaction, [image]))
    [left] = await database.rows(sa.select(dicom_studies), sa.Row)
    [place] = await database.rows(sa.select(dicom_study_places), sa.Row)
    assert (left.study_uid, left.study_date) == (study.study_uid, study.study_date)
    assert place.folder_uuid == hospital.folders[0]
    other = hospital.folders[3]
    async with database.writing() as transaction:
        rows = await lock_items(transaction, [report["uuid"]])
        await move_items(transaction, viewer.user_uuid, rows, other)
    [moved] = await database.rows(sa.select(dicom_studies), sa.Row)
    assert moved.root_folder_uuid == other and moved.study_uid == study.study_uid
    async with database.writing() as transaction:
        rows = await lock_items(transaction, [report["uuid"]])
        await delete_items(transaction, idle_site.services.queue, None, rows)
    assert not await database.rows(sa.select(dicom_studies), sa.Row)
