"""Starting an upload job: each unit is bound to its placeholders, and tasks are enqueued for all of them."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visible import sees_item
from gateway.catalog.changes import Changed, record
from gateway.catalog.counters import count
from gateway.catalog.items import chosen_items
from gateway.catalog.texts import name_in_url
from gateway.catalog.uploads import UNNAMED_TYPE, ExpectedFile, add_placeholders, expected_item, uploads_of
from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.errors import DomainError, Path, Refusal, bad_input, not_found
from gateway.jobs.queue import Queue
from gateway.kinds import StorageItemType
from gateway.models.base import new_row
from gateway.models.items import items, stored_objects
from gateway.models.uploads import UploadJob, UploadUnit, upload_jobs, upload_units, uploads

INGEST = "ingest"
UNITS_A_TASK = 100
OBJECT_URL = "storegraph:///"
"""What the URL of an object in our own store begins with; its key follows."""


@dataclass(slots=True)
class Source:
    """One file of a unit: a placeholder, or the URL of an object, stored by us or lying elsewhere.

    `facts` are to be taken instead of reading.
    """

    path: Path
    item_type: StorageItemType
    placeholder_uuid: UUID | None
    object_url: str | None
    title: str | None
    client_metadata: dict[str, Any] | None
    facts: dict[str, Any] | None


@dataclass(slots=True)
class UnitPlan:
    """An item to be made: of one source if it is a file, of several if it is a group of files."""

    item_type: StorageItemType
    sources: list[Source]
    title: str | None = None
    client_metadata: dict[str, Any] | None = None

    @property
    def is_group(self) -> bool:
        """Whether the item consists of others."""
        return self.item_type in (StorageItemType.IMAGE_GROUP, StorageItemType.DICOM_SERIES)


async def start_job(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    folder_uuid: UUID,
    plans: Sequence[UnitPlan],
    ignore_errors: bool,
) -> UUID:
    """Write the job with its units and have them worked on; raises a `Refusal` with all that is wrong with sources."""
    job = UploadJob(
        folder_uuid=folder_uuid,
        user_uuid=viewer.user_uuid,
        ignore_errors=ignore_errors,
        units_pending_count=len(plans),
    )
    sources = [source for plan in plans for source in plan.sources]
    await _bind(transaction, viewer, folder_uuid, sources)
    units = [_unit(job.uuid, position, plan) for position, plan in enumerate(plans)]
    await transaction.execute(sa.insert(upload_jobs).values(job.model_dump()))
    await transaction.execute(sa.insert(upload_units), units)
    await _claim(transaction, plans, units)
    await count(transaction, {folder_uuid: Counter(upload_jobs=1)})
    await enqueue_units(transaction, queue, job.uuid, range(len(units)))
    made = Changed("CREATE", "UploadJob", job.uuid, folder_uuid, after={"units": len(units)})
    await record(transaction, viewer.user_uuid, [made])
    return job.uuid


async def enqueue_units(
    transaction: Transaction, queue: Queue, job_uuid: UUID, positions: Sequence[int], *, once: bool = False
) -> None:
    """Have units worked on, so many by each task; with `once`, unless the same tasks wait since the last such call."""
    for start in range(0, len(positions), UNITS_A_TASK):
        some = list(positions[start : start + UNITS_A_TASK])
        key = f"{INGEST}.{job_uuid.hex}.{some[0]}" if once else None
        await queue.enqueue(transaction, INGEST, {"job": job_uuid.hex, "positions": some}, key=key)


async def _bind(transaction: Transaction, viewer: Viewer, folder_uuid: UUID, sources: Sequence[Source]) -> None:
    """Let every source have a placeholder: the one it names, or one made for the object or URL that it names."""
    errors: list[DomainError] = []
    await _check_placeholders(transaction, folder_uuid, [one for one in sources if one.placeholder_uuid], errors)
    named = [one for one in sources if one.object_url is not None]
    linked = [one for one in named if is_ours(one.object_url)]
    elsewhere = [one for one in named if not is_ours(one.object_url)]
    objects = await _readable_objects(transaction, viewer, [_key_in(one) for one in linked])
    errors += [not_found("object in our own store", *one.path) for one in linked if _key_in(one) not in objects]
    if errors:
        raise Refusal(errors)
    made = [_expected(viewer, folder_uuid, one, objects[_key_in(one)]) for one in linked]
    made += [_expected_elsewhere(viewer, folder_uuid, one) for one in elsewhere]
    await add_placeholders(transaction, viewer.user_uuid, folder_uuid, made)


async def _check_placeholders(
    transaction: Transaction, folder_uuid: UUID, sources: Sequence[Source], errors: list[DomainError]
) -> None:
    uuids = {source.placeholder_uuid for source in sources if source.placeholder_uuid}
    rows = {row.uuid: row for row in await chosen_items(transaction, uuids) if row.folder_uuid == folder_uuid}
    expected = await uploads_of(transaction, uuids)
    free = {uuid for uuid, upload in expected.items() if upload.unit_uuid is None}
    for source in sources:
        row = rows.get(source.placeholder_uuid)
        if row is None or row.uuid not in expected:
            errors.append(not_found("placeholder in this folder", *source.path))
        elif row.uuid not in free:
            errors.append(bad_input("This placeholder is used already.", *source.path))
        elif row.item_type is not source.item_type:
            said = f"This placeholder was announced as {row.item_type}, not {source.item_type}."
            errors.append(bad_input(said, *source.path))
        else:
            free.remove(row.uuid)


def is_ours(url: str | None) -> bool:
    """Whether a URL names an object in our own store."""
    return url is not None and url.startswith(OBJECT_URL)


def _key_in(source: Source) -> str:
    """The key in the URL of an object in our own store."""
    return (source.object_url or "").removeprefix(OBJECT_URL)


async def _readable_objects(transaction: Transaction, viewer: Viewer, keys: Collection[str]) -> dict[str, Any]:
    """The stored objects with these keys that the viewer can read, each with a name and type from such an item.

    They are held, so that they do not leave before they are referred to.
    """
    having = items.alias()
    first = sa.select(having.c.uuid).where(having.c.object_key == stored_objects.c.key, sees_item(viewer, having))
    first = first.order_by(having.c.uuid).limit(1)
    found = (
        sa.select(stored_objects, items.c.name, items.c.mime_type)
        .select_from(stored_objects)
        .join(items, items.c.uuid == first.correlate(stored_objects).scalar_subquery())
        .where(
            among(transaction.connection.dialect.name, stored_objects.c.key, set(keys)), ~stored_objects.c.is_leaving
        )
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
        .with_for_update(read=True, key_share=True, of=stored_objects)
    )
    return {row.key: row for row in await transaction.rows(found)}


def _expected(viewer: Viewer, folder_uuid: UUID, source: Source, found: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A placeholder for a stored object, and its upload, which is there already."""
    file = ExpectedFile(
        found.name, source.item_type, found.file_size, found.mime_type or UNNAMED_TYPE, found.sha256, {}
    )
    row, upload = expected_item(viewer.user_uuid, folder_uuid, file, found.key)
    source.placeholder_uuid = row["uuid"]
    return row, upload


def _expected_elsewhere(viewer: Viewer, folder_uuid: UUID, source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    """A placeholder for a file that lies elsewhere, of which nothing is known yet."""
    url = source.object_url or ""
    name = source.title or name_in_url(url)
    file = ExpectedFile(name, source.item_type, None, UNNAMED_TYPE, None, {}, url)
    row, upload = expected_item(viewer.user_uuid, folder_uuid, file, None)
    source.placeholder_uuid = row["uuid"]
    return row, upload


def _unit(job_uuid: UUID, position: int, plan: UnitPlan) -> dict[str, Any]:
    spec = {
        "item_type": plan.item_type,
        "client_metadata": plan.client_metadata,
        "sources": [
            {
                "item_uuid": source.placeholder_uuid and source.placeholder_uuid.hex,
                "object_url": source.object_url,
                "title": source.title,
                "client_metadata": source.client_metadata,
                "facts": source.facts,
            }
            for source in plan.sources
        ],
    }
    item = None if plan.is_group else plan.sources[0].placeholder_uuid
    title = plan.title if plan.is_group else plan.sources[0].title
    return new_row(UploadUnit, job_uuid=job_uuid, position=position, title=title, spec=spec, item_uuid=item)


async def _claim(transaction: Transaction, plans: Sequence[UnitPlan], units: Sequence[dict[str, Any]]) -> None:
    """From now on these uploads belong to their units."""
    mine = sa.bindparam("mine", type_=uploads.c.item_uuid.type)
    unit = sa.bindparam("unit", type_=uploads.c.unit_uuid.type)
    statement = sa.update(uploads).where(uploads.c.item_uuid == mine).values(unit_uuid=unit)
    pairs = zip(plans, units, strict=True)
    claims = [{"mine": source.placeholder_uuid, "unit": row["uuid"]} for plan, row in pairs for source in plan.sources]
    await transaction.execute(statement, claims)
