"""The values that series have of indexed tags are those of the documents, whatever happens."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.dicom_indexed_tags import add_indexed_tag, remove_indexed_tag
from gateway.catalog.items import delete_items, lock_items
from gateway.catalog.ledger import dicom_values
from gateway.catalog.ledger.dicom_instances import Arrival, files_read
from gateway.dicom.documents import pack, unpack
from gateway.dicom.indexed_values import IndexedElement, values_in
from gateway.kinds.dicom_object import DicomObject
from gateway.kinds.media_facts import MediaFacts
from gateway.models.dicom import dicom_instances, dicom_series, dicom_tags
from gateway.models.dicom_indexed_tags import (
    DicomIndexedTagRecord,
    dicom_indexed_tags,
    dicom_tag_values,
)
from gateway.models.items import items
from gateway.models.jobs import JobRecord, jobs
from gateway.tasks import index_dicom_tag
from gateway.tasks.index_dicom_tag import index_dicom_tag as run_task
from tests.catalog.racing import waiting
from tests.catalog.test_dicom_studies import Hospital, dicom_object
from tests.fixtures.sites import Site

ELEMENTS = [
    IndexedElement("00180050", "", "DS"),
    IndexedElement("00081030", "", "LO"),
    IndexedElement("00081111:00080550", "", "UI"),
    IndexedElement("0019100C", "ACME", "IS"),
]
SEVERAL_WRITERS = ["scaled"]
"""On SQLite nobody else writes while a transaction does."""


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make steps and batches so small that a few instances need several."""
    monkeypatch.setattr(index_dicom_tag, "INSTANCES", 7)
    monkeypatch.setattr(index_dicom_tag, "VALUES", 3)
    monkeypatch.setattr(index_dicom_tag, "_MAX_PAUSE", 0)
    monkeypatch.setattr(dicom_values, "MAX_INFLATED", 1500)


class TaggedHospital(Hospital):
    """Gives files tags, adds and removes indexed tags, and fills in their values step by step."""

    def object_of(self, item_uuid: UUID, header: dict[str, Any]) -> DicomObject:
        pick = self.random.choice
        document: dict[str, Any] = {
            "00180050": {"vr": "DS", "Value": [pick([1, 1.5, "2.0", "thick"])]},
            "00081030": {"vr": "LO", "Value": pick([["Head"], ["HEAD", "neck"], [""]])},
            "00190010": {"vr": "LO", "Value": [pick(["ACME", "OTHER"])]},
            "0019100C": {"vr": "IS", "Value": [self.random.randrange(3)]},
            "00081111": {"vr": "SQ", "Value": [{"00080550": {"vr": "UI", "Value": [pick(["1.2", "1.3"])]}}] * 2},
        }
        packed = pack({tag: document[tag] for tag in document if self.random.random() < 0.8})
        return {**dicom_object(header), "document": packed.text, "document_size": packed.size}

    async def read_again(self) -> None:
        """Replace the tags of some items."""
        some = self.random.sample(sorted(self.headers), min(3, len(self.headers)))
        async with self.site.services.database.writing() as transaction:
            arrivals = []
            for row in await lock_items(transaction, some):
                if row.is_tombstone:
                    continue
                facts = MediaFacts(row.sha256, row.file_size or 0, "application/dicom", frame_count=1)
                for name in ("dicom_study_uid", "dicom_series_uid", "dicom_instance_uid"):
                    object.__setattr__(facts, name, getattr(row, name))
                said = self.object_of(row.uuid, self.headers[row.uuid])
                arrivals.append(Arrival(row.uuid, row.folder_uuid, facts, said))
            await files_read(transaction, arrivals)

    async def change_tags(self) -> None:
        """Add or remove an indexed tag, or take a step with one."""
        element, queue = self.random.choice(ELEMENTS), self.site.services.queue
        tags = await indexed_tags(self.site)
        async with self.site.services.database.writing() as transaction:
            if not any(tag.tag == element.tag and not tag.is_removed for tag in tags):
                await add_indexed_tag(transaction, queue, self.viewer.user_uuid, element)
            elif self.random.random() < 0.3:
                await remove_indexed_tag(transaction, queue, self.viewer.user_uuid, *element[:2])
        for tag in tags:
            await index_dicom_tag._take_step(self.site.services, tag.uuid)


async def indexed_tags(site: Site) -> list[DicomIndexedTagRecord]:
    return await site.services.database.rows(sa.select(dicom_indexed_tags), DicomIndexedTagRecord)


async def finish(site: Site) -> None:
    """Run the tasks of all indexed tags to their end."""
    for tag in await indexed_tags(site):
        while not await index_dicom_tag._take_step(site.services, tag.uuid):
            pass


async def check_values(site: Site) -> int:
    """Compare the values of series with those of the documents, and return the number of values."""
    selected = (
        sa.select(
            dicom_instances.c.item_uuid, dicom_instances.c.series_uuid, dicom_instances.c.is_live, dicom_tags.c.document
        )
        .join(dicom_tags, dicom_tags.c.item_uuid == dicom_instances.c.item_uuid)
        .join(items, items.c.uuid == dicom_instances.c.item_uuid)
    )
    rows = await site.services.database.rows(selected, sa.Row)
    stored = await site.services.database.rows(sa.select(dicom_tag_values), sa.Row)
    for tag in await indexed_tags(site):
        expected: Counter[tuple[UUID, str, float | None]] = Counter()
        for row in rows:
            is_included = tag.is_filled or (tag.filled_until is not None and row.item_uuid <= tag.filled_until)
            if row.is_live and is_included:
                found = values_in(unpack(row.document), IndexedElement(tag.tag, tag.private_creator, tag.vr))
                expected.update((row.series_uuid, *key) for key in found.keys)
                expected.update([(row.series_uuid, "", None)] if not found.is_complete else [])
        mine = [row for row in stored if row.indexed_tag_uuid == tag.uuid]
        if not tag.is_removed:
            assert {(row.series_uuid, row.value_key, row.number): row.instances for row in mine} == expected
    return len(stored)


@pytest.mark.parametrize("seed", range(2))
async def test_values_follow_random_changes(idle_site: Site, viewer: Viewer, seed: int) -> None:
    """Nothing is counted twice or forgotten, also while the values of a tag are being filled in."""
    hospital = TaggedHospital(idle_site, viewer, seed)
    await hospital.build()
    most = 0
    for _ in range(15):
        await hospital.arrive(hospital.random.randrange(1, 8))
        await hospital.change()
        await hospital.read_again()
        await hospital.change_tags()
        most = max(most, await check_values(idle_site))
    await finish(idle_site)
    assert all(tag.is_filled and not tag.is_removed for tag in await indexed_tags(idle_site))
    assert most > 10 and await check_values(idle_site) > 0
    done = await idle_site.services.database.rows(sa.select(jobs), JobRecord)
    assert all(job.finished_at and not job.units_pending_count for job in done)
    assert any(job.units_error_count for job in done) and any(job.units_done_count for job in done)
    async with idle_site.services.database.writing() as transaction:
        rows = await lock_items(transaction, hospital.headers)
        await delete_items(transaction, idle_site.services.queue, None, rows)
    assert await check_values(idle_site) == 0


async def test_values_are_exact_with_concurrent_writers(idle_site: Site, viewer: Viewer) -> None:
    """Five writers change instances while others add tags and fill in their values."""
    hospital = TaggedHospital(idle_site, viewer, 5)
    await hospital.build()
    await hospital.arrive(30)

    async def write() -> None:
        for _ in range(5):
            await hospital.arrive(3)
            await hospital.change()
            await hospital.read_again()

    async def index() -> None:
        for _ in range(12):
            await hospital.change_tags()

    await asyncio.gather(*(write() for _ in range(5)), index())
    await finish(idle_site)
    assert await check_values(idle_site) > 0


@pytest.mark.parametrize("idle_site", SEVERAL_WRITERS, indirect=True)
async def test_filling_waits_for_writers_that_do_not_know_the_tag(idle_site: Site, viewer: Viewer) -> None:
    """Their instances are not visible to the task before their transactions have ended."""
    hospital = TaggedHospital(idle_site, viewer, 1)
    await hospital.build()
    await hospital.arrive(5)
    queue, database = idle_site.services.queue, idle_site.services.database
    element = ELEMENTS[0]
    series = sa.select(dicom_instances).limit(1)
    [known] = await database.rows(series, sa.Row)
    async with database.writing() as slow:
        await slow.execute(sa.delete(dicom_instances).where(dicom_instances.c.item_uuid == known.item_uuid))
        async with database.writing() as transaction:
            tag = await add_indexed_tag(transaction, queue, viewer.user_uuid, element)
        async with waiting(run_task(idle_site.services, tag=tag.uuid.hex)) as filling:
            pass
    await filling
    assert await check_values(idle_site) > 0


async def test_a_step_that_fails_is_made_again(
    idle_site: Site, viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed is not repeated, and the job tells how far it came."""
    hospital = TaggedHospital(idle_site, viewer, 2)
    await hospital.build()
    for _ in range(6):
        await hospital.arrive(5)
    async with idle_site.services.database.writing() as transaction:
        tag = await add_indexed_tag(transaction, idle_site.services.queue, viewer.user_uuid, ELEMENTS[0])
    whole, steps = dicom_values.add_counts, []

    async def stop_in_the_second(*args: Any) -> None:
        await whole(*args)
        steps.append(1)
        if len(steps) == 2:
            raise KeyError("The worker was killed.")

    with monkeypatch.context() as patched:
        patched.setattr(index_dicom_tag, "add_counts", stop_in_the_second)
        with pytest.raises(KeyError):
            await run_task(idle_site.services, tag=tag.uuid.hex)
    [job] = await idle_site.services.database.rows(sa.select(jobs), JobRecord)
    assert 0 < job.units_done_count + job.units_error_count < 10
    await check_values(idle_site)
    await run_task(idle_site.services, tag=tag.uuid.hex)
    await check_values(idle_site)
    [job] = await idle_site.services.database.rows(sa.select(jobs), JobRecord)
    assert (job.units_done_count + job.units_error_count, job.units_pending_count) == (30, 0)
    total = sa.select(sa.func.sum(dicom_series.c.instances + dicom_series.c.superseded).label("live"))
    [row] = await idle_site.services.database.rows(total, sa.Row)
    assert row.live == 30
