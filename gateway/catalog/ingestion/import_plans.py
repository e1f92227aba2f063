"""Plans of the units that turn the files of an import into items."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.unit_plan import UnitPlan, UnitSource
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
    import_group: str | None


async def plans_of_import(
    transaction: Transaction, folder_uuid: UUID, import_uuid: UUID, *path: str | int
) -> list[UnitPlan]:
    """Return the plans of the files of an import below a folder that no job has taken, in order.

    Raises:
        DomainError: `NOT_FOUND` at `path` if there are none.
    """
    top = folders.alias()
    waiting = (
        sa.select(
            uploads.c.item_uuid, uploads.c.item_type, items.c.folder_uuid, uploads.c.import_group
        )
        .join(items, items.c.uuid == uploads.c.item_uuid)
        .join(folders, folders.c.uuid == items.c.folder_uuid)
        .join(top, within(folders.c.path, top.c.path))
        .where(
            uploads.c.import_uuid == import_uuid,
            uploads.c.unit_uuid.is_(None),
            top.c.uuid == folder_uuid,
        )
        .order_by(uploads.c.import_position)
    )
    rows = await transaction.rows(waiting, _ImportedFile)
    if not rows:
        raise not_found("import with files that no job has taken", import_uuid, *path)
    units: dict[tuple[UUID, str | None], list[_ImportedFile]] = {}
    for row in rows:
        series = (row.folder_uuid, row.import_group) if row.import_group else (row.item_uuid, None)
        units.setdefault(series, []).append(row)
    plans = []
    for (home, title), files in units.items():
        sources = [_source(file, path) for file in files]
        if title is None:
            plans.append(UnitPlan(files[0].item_type or StorageItemType.FILE, sources, path=path))
        else:
            plans.append(
                UnitPlan(StorageItemType.DICOM_SERIES, sources, title, home=home, path=path)
            )
    return plans


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
