"""Visibility of folders: the one in effect is kept on each, and nothing is published by accident.

Roots are private unless they say otherwise. Whoever changes visibilities, or moves folders, has
locked the tree exclusively.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.inherited import spread
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import FolderVisibility
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import ItemRecord, items
from gateway.models.shares import item_shares


async def spread_visibility(transaction: Transaction, folder_uuid: UUID) -> int:
    """Bring the visibility in effect up to date for a folder and all below it.

    Returns:
        The number of folders that have become public or private.
    """
    return await spread(transaction, folder_uuid, folders.c.is_public, public_in_effect)


async def visibility_after_move(
    transaction: Transaction, folder: FolderRecord, parent: FolderRecord | None
) -> None:
    """Give a folder that has moved, and all below it, the visibility of its new place.

    A folder with a visibility of its own keeps it.
    """
    is_public = parent is not None and parent.is_public
    if folder.visibility is None and folder.is_public != is_public:
        await spread_visibility(transaction, folder.uuid)


async def folders_published_in(
    transaction: Transaction, uuids: Collection[UUID], target: FolderRecord | None
) -> set[UUID]:
    """Return those of the folders that would become public below another one."""
    if target is None or not target.is_public:
        return set()
    statement = sa.select(folders.c.uuid).where(
        in_keys(folders.c.uuid, uuids), folders.c.visibility.is_(None), ~folders.c.is_public
    )
    return {row.uuid for row in await transaction.rows(statement, FolderRecord)}


async def items_published_in(
    transaction: Transaction, uuids: Collection[UUID], folder_uuid: UUID
) -> set[UUID]:
    """Return those of the items that would become public in a folder, whether moved or shared.

    They are in no public folder yet, and this one is public.
    """
    target, home, place = folders.alias("target"), folders.alias("home"), folders.alias("place")
    is_public = sa.exists().where(target.c.uuid == folder_uuid, target.c.is_public)
    shared = sa.exists().where(
        item_shares.c.item_uuid == items.c.uuid,
        place.c.uuid == item_shares.c.folder_uuid,
        place.c.is_public,
    )
    statement = (
        sa.select(items.c.uuid)
        .join(home, home.c.uuid == items.c.folder_uuid)
        .where(in_keys(items.c.uuid, uuids), is_public, ~home.c.is_public)
        .where(sa.or_(~items.c.is_shared, ~shared))
    )
    return {row.uuid for row in await transaction.rows(statement, ItemRecord)}


async def publishes_copies_of(
    transaction: Transaction, sources: Collection[UUID], folder_uuid: UUID
) -> bool:
    """Return whether copies in a folder would be public, although not all of the sources are."""
    target = folders.alias("target")
    is_public = sa.exists().where(target.c.uuid == folder_uuid, target.c.is_public)
    closed = sa.select(folders.c.uuid).where(
        in_keys(folders.c.uuid, sources), ~folders.c.is_public, is_public
    )
    return await transaction.first(closed.limit(1), FolderRecord) is not None


def public_in_effect(
    folder: sa.FromClause, above: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Return whether a folder is public: as set on it, otherwise as the one above it."""
    return sa.case(
        (folder.c.visibility == FolderVisibility.PUBLIC, sa.true()),
        (folder.c.visibility == FolderVisibility.PRIVATE, sa.false()),
        else_=above,
    )
