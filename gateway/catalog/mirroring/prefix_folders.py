"""The subfolders of a linked folder: each mirrors a prefix, and is made when there is something to put into it."""

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
from gateway.models.folders import folders

_AT_ONCE = 50
"""Folders made in one transaction."""


def prefix_of(key: str) -> str:
    """What a key has up to its last slash, which is what the folder of its item mirrors."""
    return key[: key.rfind("/") + 1]


def prefixes_above(prefix: str, top: str) -> list[str]:
    """A prefix and those above it, the shortest first, without the one that the linked folder itself mirrors."""
    parts = prefix[len(top) :].split("/")[:-1]
    return [top + "/".join(parts[:depth]) + "/" for depth in range(1, len(parts) + 1)]


async def prefix_folders(
    database: Database,
    user_uuid: UUID | None,
    linked: Any,
    account: CloudAccount,
    top: ObjectLocation,
    prefixes: Collection[str],
) -> dict[str, UUID]:
    """The folders that mirror these prefixes of what a folder is linked to; those that are not there are made."""
    wanted = {each for prefix in prefixes for each in prefixes_above(prefix, top.key)}
    urls = {object_url(account, ObjectLocation(top.bucket, prefix)): prefix for prefix in wanted}
    async with database.reading() as connection:
        known = {
            urls[row.remote_url]: row.uuid for row in await connection.execute(_there(linked, urls))
        }
    missing = sorted(wanted - known.keys())  # what is above comes first
    for start in range(0, len(missing), _AT_ONCE):
        some = {
            object_url(account, ObjectLocation(top.bucket, prefix)): prefix
            for prefix in missing[start : start + _AT_ONCE]
        }
        async with database.writing() as transaction:
            await _make(transaction, user_uuid, linked, some, top.key, known)
    return {top.key: linked.uuid, **known}


async def _make(
    transaction: Transaction,
    user_uuid: UUID | None,
    linked: Any,
    urls: Mapping[str, str],
    top: str,
    known: dict[str, UUID],
) -> None:
    """Make folders, and note them. While the linked folder is held, nobody else does."""
    await lock_tree(transaction.connection, exclusive=False)
    held = sa.select(folders.c.uuid).where(folders.c.uuid == linked.uuid)
    await transaction.rows(held.with_for_update(key_share=True))
    there = await transaction.rows(_there(linked, urls))
    known |= {urls[row.remote_url]: row.uuid for row in there}
    await lock_counters(transaction, {linked.uuid, *known.values()})
    for url, prefix in urls.items():
        if prefix in known:
            continue
        link = Link(StorageFolderType.SYNTHETIC, linked.integration_uuid, url)
        parent = (
            known.get(prefix_of(prefix[:-1]), linked.uuid)
            if prefix_of(prefix[:-1]) != top
            else linked.uuid
        )
        known[prefix] = await create_folder(
            transaction, user_uuid, name_of(prefix), parent_uuid=parent, link=link
        )


def name_of(key: str) -> str:
    """What the item of a key, or the folder of a prefix, is called: its last part; a slash if that is empty."""
    return key.removesuffix("/").rpartition("/")[2][:MAX_NAME] or "/"


def _there(linked: Any, urls: Collection[str]) -> sa.Select[Any]:
    mine = sa.and_(within(folders.c.path, linked.path), in_keys(folders.c.remote_url, urls))
    return sa.select(folders.c.uuid, folders.c.remote_url).where(
        mine, folders.c.uuid != linked.uuid
    )
