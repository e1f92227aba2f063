"""Plans of the units that turn the files of an import into items."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.placeholders import uploads_of
from gateway.catalog.ingestion.unit_plan import UnitPlan, UnitSource, UnitTarget
from gateway.catalog.rules.paths import in_nfc
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.errors import Path, not_found
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.uploads import uploads


class _ImportedFile(NamedTuple):
    item_uuid: UUID
    item_type: StorageItemType | None
    folder_uuid: UUID
    file_name: str
    import_group: str | None
    target_uuid: UUID | None


async def plans_of_import(
    transaction: Transaction,
    folder_uuid: UUID,
    import_uuid: UUID,
    *path: str | int,
    without: Collection[UUID] = (),
) -> list[UnitPlan]:
    """Return the plans of the files of an import below a folder that no job has taken, in order.

    `without` are the placeholders that are left out.

    Raises:
        DomainError: `NOT_FOUND` at `path` if there are none.
    """
    top = folders.alias()
    waiting = (
        sa.select(
            *(uploads.c[name] for name in ("item_uuid", "item_type", "file_name")),
            *(uploads.c[name] for name in ("import_group", "target_uuid")),
            items.c.folder_uuid,
        )
        .join(items, items.c.uuid == uploads.c.item_uuid)
        .join(folders, folders.c.uuid == items.c.folder_uuid)
        .join(top, within(folders.c.path, top.c.path))
        .where(
            uploads.c.import_uuid == import_uuid,
            uploads.c.unit_uuid.is_(None),
            top.c.uuid == folder_uuid,
            ~in_keys(uploads.c.item_uuid, without),
        )
        .order_by(uploads.c.import_position)
    )
    rows = await transaction.rows(waiting, _ImportedFile)
    if not rows:
        raise not_found("import with files that no job has taken", import_uuid, *path)
    units: dict[tuple[UUID, str | None], list[_ImportedFile]] = {}
    for row in rows:
        whole = row.folder_uuid if row.import_group else row.item_uuid
        units.setdefault((row.target_uuid or whole, row.import_group), []).append(row)
    return [_plan(files, path) for files in units.values()]


def _plan(files: Sequence[_ImportedFile], path: Path) -> UnitPlan:
    """Return the plan of a file, or of the files of a directory, in the order of their names."""
    first = files[0]
    sources = [
        _source(file, path) for file in sorted(files, key=lambda file: in_nfc(file.file_name))
    ]
    kind = first.item_type or StorageItemType.FILE
    if first.target_uuid:
        replaces = first.import_group is None
        target = UnitTarget(first.target_uuid, path, replaces, None, "")
        return UnitPlan(StorageItemType.FILE, sources, path=path, target=target)
    if first.import_group is None:
        return UnitPlan(kind, sources, path=path)
    series, home = StorageItemType.DICOM_SERIES, first.folder_uuid
    return UnitPlan(series, sources, first.import_group, home=home, path=path)


def _source(file: _ImportedFile, path: Path) -> UnitSource:
    return UnitSource(
        path=path,
        item_type=file.item_type,
        placeholder_uuid=file.item_uuid,
        object_url=None,
        title=None,
        client_metadata=None,
        facts=None,
    )


async def adopt_targets(transaction: Transaction, plans: Sequence[UnitPlan]) -> None:
    """Set the targets of plans of single files that were announced as a revision of an item."""
    single = {
        uuid: plan
        for plan in plans
        if len(plan.sources) == 1
        and not (plan.is_group or plan.target)
        and (uuid := plan.sources[0].placeholder_uuid)
    }
    for upload in (await uploads_of(transaction, single)).values():
        if upload.target_uuid:
            plan = single[upload.item_uuid]
            path = plan.sources[0].path
            plan.target = UnitTarget(upload.target_uuid, path, True, None, "")
            plan.item_type = StorageItemType.FILE
