"""Subfolders of a cloud-synced folder: each mirrors a prefix, and is created for its first item."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.folders import Link, create_folder
from gateway.catalog.ledger.counters import lock_counters
from gateway.catalog.rules.names import MAX_NAME
from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.clouds.urls import object_url
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Database, Transaction
from gateway.database.tree import within
from gateway.kinds.enums import StorageFolderType
from gateway.models.folders import FolderRecord, folders

_FOLDERS_PER_TRANSACTION = 50


def prefix_of(key: str) -> str:
    """Return the key up to its last slash: the prefix that the folder of its item mirrors."""
    return key[: key.rfind("/") + 1]


def prefixes_above(prefix: str, top: str) -> list[str]:
    """Return a prefix and those above it, shortest first, without the synced folder's own."""
    parts = prefix[len(top) :].split("/")[:-1]
    return [top + "/".join(parts[:depth]) + "/" for depth in range(1, len(parts) + 1)]


def name_of(key: str) -> str:
    """Return the name of the item of a key or the folder of a prefix: its last part, or a slash."""
    return key.removesuffix("/").rpartition("/")[2][:MAX_NAME] or "/"


async def prefix_folders(
    database: Database,
    user_uuid: UUID | None,
    linked: FolderRecord,
    account: CloudAccount,
    top: ObjectLocation,
    prefixes: Collection[str],
) -> dict[str, UUID]:
    """Return the folders that mirror these prefixes below a synced folder; create missing ones.

    Args:
        linked: the synced folder.
        top: the bucket and prefix that it mirrors.

    Returns:
        The folders by prefix, those in between and the synced folder itself included.
    """
    wanted = {part for prefix in prefixes for part in prefixes_above(prefix, top.key)}
    urls = {object_url(account, ObjectLocation(top.bucket, prefix)): prefix for prefix in wanted}
    rows = await database.rows(_folders_at(linked, urls), FolderRecord)
    known = {urls[row.remote_url or ""]: row.uuid for row in rows}
    missing = sorted(wanted - known.keys())  # parents first
    for start in range(0, len(missing), _FOLDERS_PER_TRANSACTION):
        batch = {
            object_url(account, ObjectLocation(top.bucket, prefix)): prefix
            for prefix in missing[start : start + _FOLDERS_PER_TRANSACTION]
        }
        async with database.writing() as transaction:
            await _create_folders(transaction, user_uuid, linked, batch, top.key, known)
    return {top.key: linked.uuid, **known}


async def _create_folders(
    transaction: Transaction,
    user_uuid: UUID | None,
    linked: FolderRecord,
    urls: Mapping[str, str],
    top: str,
    known: dict[str, UUID],
) -> None:
    """Create the folders of prefixes, and add them to `known`.

    The lock on the synced folder keeps others from creating the same ones meanwhile.
    """
    assert linked.integration_uuid  # as all synced folders have
    await lock_tree(transaction.connection, exclusive=False)
    own = sa.select(folders.c.uuid).where(folders.c.uuid == linked.uuid)
    await transaction.rows(own.with_for_update(key_share=True), FolderRecord)
    existing = await transaction.rows(_folders_at(linked, urls), FolderRecord)
    known |= {urls[row.remote_url or ""]: row.uuid for row in existing}
    await lock_counters(transaction, {linked.uuid, *known.values()})
    for url, prefix in urls.items():
        if prefix in known:
            continue
        link = Link(StorageFolderType.SYNTHETIC, linked.integration_uuid, url)
        above = prefix_of(prefix[:-1])
        parent = linked.uuid if above == top else known.get(above, linked.uuid)
        known[prefix] = await create_folder(
            transaction, user_uuid, name_of(prefix), parent_uuid=parent, link=link
        )


def _folders_at(linked: FolderRecord, urls: Collection[str]) -> sa.Select[Any]:
    return sa.select(folders.c.uuid, folders.c.remote_url).where(
        within(folders.c.path, linked.path),
        in_keys(folders.c.remote_url, urls),
        folders.c.uuid != linked.uuid,
    )
