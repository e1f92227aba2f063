"""Starting an upload job: each unit is bound to its placeholders, and tasks are enqueued for all of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visible import sees_item
from gateway.catalog.changes import Changed, record
from gateway.catalog.counters import count
from gateway.catalog.uploads import ExpectedFile, add_placeholders, placeholder, uploads_of
from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.errors import DomainError, Path, Refusal, bad_input, not_found
from gateway.jobs.queue import Queue
from gateway.kinds import StorageItemType
from gateway.models.items import Item, items, stored_objects
from gateway.models.uploads import Upload, UploadJob, UploadUnit, upload_jobs, upload_units, uploads
from gateway.stores.keys import new_key

INGEST = "ingest"
UNITS_A_TASK = 100
OBJECT_URL = "storegraph:///"
"""What the URL of an object in our own store begins with; its key follows."""


@dataclass(slots=True)
class Source:
    """One file of a unit: a placeholder, or the URL of a stored object; `facts` are to be taken instead of reading."""

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


@dataclass(slots=True)
class _Binding:
    """Placeholders that sources stand for, found or made, and what is wrong with the others."""

    errors: list[DomainError] = field(default_factory=list)
    made: list[Item] = field(default_factory=list)
    expected: list[Upload] = field(default_factory=list)


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
    await transaction.execute(sa.insert(upload_units), [unit.model_dump() for unit in units])
    await _claim(transaction, plans, units)
    await count(transaction, {folder_uuid: Counter(upload_jobs=1)})
    for start in range(0, len(units), UNITS_A_TASK):
        await queue.enqueue(transaction, INGEST, {"job": job.uuid.hex, "start": start, "stop": start + UNITS_A_TASK})
    made = Changed("CREATE", "UploadJob", job.uuid, folder_uuid, after={"units": len(units)})
    await record(transaction, viewer.user_uuid, [made])
    return job.uuid


async def _bind(transaction: Transaction, viewer: Viewer, folder_uuid: UUID, sources: Sequence[Source]) -> None:
    """Let every source have a placeholder: the one it names, or one made for the object that it names."""
    binding = _Binding()
    await _check_placeholders(transaction, folder_uuid, [one for one in sources if one.placeholder_uuid], binding)
    linked = [one for one in sources if one.object_url]
    objects = await _readable_objects(transaction, viewer, linked)
    for source in linked:
        found = objects.get((source.object_url or "").removeprefix(OBJECT_URL))
        if found is None:
            binding.errors.append(not_found("object in our own store", *source.path))
            continue
        _make_placeholder(viewer, folder_uuid, source, found, binding)
    if binding.errors:
        raise Refusal(binding.errors)
    await add_placeholders(transaction, viewer.user_uuid, folder_uuid, binding.made, binding.expected)


async def _check_placeholders(
    transaction: Transaction, folder_uuid: UUID, sources: Sequence[Source], binding: _Binding
) -> None:
    uuids = [source.placeholder_uuid for source in sources if source.placeholder_uuid]
    expected = await uploads_of(transaction, uuids)
    chosen = among(transaction.connection.dialect.name, items.c.uuid, uuids)
    rows = {row.uuid: row for row in await transaction.rows(sa.select(items).where(chosen))}
    seen: set[UUID] = set()
    for source in sources:
        uuid = source.placeholder_uuid
        row, upload = rows.get(uuid), expected.get(uuid)  # type: ignore[arg-type]  # sources here have one
        if row is None or upload is None or row.folder_uuid != folder_uuid:
            binding.errors.append(not_found("placeholder in this folder", *source.path))
        elif upload.unit_uuid is not None or uuid in seen:
            binding.errors.append(bad_input("This placeholder is used already.", *source.path))
        elif row.item_type is not source.item_type:
            said = f"This placeholder was announced as {row.item_type}, not {source.item_type}."
            binding.errors.append(bad_input(said, *source.path))
        seen.add(row.uuid if row else folder_uuid)


async def _readable_objects(transaction: Transaction, viewer: Viewer, sources: Sequence[Source]) -> dict[str, Any]:
    """The stored objects that these URLs mean and the viewer can read, each with the name of an item that has it."""
    keys = {(source.object_url or "").removeprefix(OBJECT_URL) for source in sources}
    found = (
        sa.select(stored_objects, items.c.name, items.c.mime_type)
        .join(items, items.c.object_key == stored_objects.c.key)
        .where(
            among(transaction.connection.dialect.name, stored_objects.c.key, keys),
            ~stored_objects.c.is_leaving,
            sees_item(viewer),
        )
        .order_by(items.c.uuid.desc())
    )
    return {row.key: row for row in await transaction.rows(found)}


def _make_placeholder(viewer: Viewer, folder_uuid: UUID, source: Source, found: Any, binding: _Binding) -> None:
    file = ExpectedFile(
        found.name, source.item_type, found.file_size, found.mime_type or "application/octet-stream", found.sha256, {}
    )
    row = placeholder(viewer.user_uuid, folder_uuid, file)
    source.placeholder_uuid = row.uuid
    binding.made.append(row)
    binding.expected.append(
        Upload(
            item_uuid=row.uuid,
            object_key=new_key(),
            file_name=file.name,
            file_size=file.file_size,
            mime_type=file.mime_type,
            sha256=file.sha256,
            stored_key=found.key,
        )
    )


def _unit(job_uuid: UUID, position: int, plan: UnitPlan) -> UploadUnit:
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
    return UploadUnit(job_uuid=job_uuid, position=position, title=title, spec=spec, item_uuid=item)


async def _claim(transaction: Transaction, plans: Sequence[UnitPlan], units: Sequence[UploadUnit]) -> None:
    """From now on these uploads belong to their units."""
    mine = sa.bindparam("mine", type_=uploads.c.item_uuid.type)
    unit = sa.bindparam("unit", type_=uploads.c.unit_uuid.type)
    statement = sa.update(uploads).where(uploads.c.item_uuid == mine).values(unit_uuid=unit)
    pairs = zip(plans, units, strict=True)
    claims = [{"mine": source.placeholder_uuid, "unit": row.uuid} for plan, row in pairs for source in plan.sources]
    await transaction.execute(statement, claims)
