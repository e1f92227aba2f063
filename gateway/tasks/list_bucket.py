"""One step of a sync: a page of a bucket's listing, compared with the items that there are of its objects."""

import asyncio
import codecs
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.catalog.integrations import open_integration
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.mirroring.apply_diff import ListedObject, ListingDiff, Sidecar
from gateway.catalog.mirroring.prefix_folders import (
    name_of,
    prefix_folders,
    prefix_of,
    prefixes_above,
)
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.catalog.rules.names import MAX_METADATA, validate_metadata
from gateway.clouds.base import CloudObject, ObjectLocation, ObjectPage
from gateway.clouds.cloud import Cloud
from gateway.clouds.urls import object_url
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.database.tree import MAX_DEPTH, depth
from gateway.errors import DomainError, ErrorCode
from gateway.fetching.errors import FetchError
from gateway.json_values import check_storable, parse_json
from gateway.kinds.item_kinds import item_type_of_file
from gateway.models.items import items

PAGE = 500
"""Objects that are compared in one step, and items that may vanish in one."""
SEEN = ("new_count", "changed_count", "unchanged_count", "returned_count", "skipped_count")
"""What a sync counts that is an object of the bucket."""
_REQUESTS = 16
"""Requests to a cloud at once."""

_seen = (
    items.c.uuid,
    items.c.remote_key,
    items.c.item_type,
    items.c.folder_uuid,
    items.c.is_tombstone,
    items.c.file_size,
    items.c.remote_etag,
    items.c.remote_modified_at,
    items.c.sidecar_etag,
)


@dataclass(frozen=True, slots=True)
class Step:
    """What a step found, what the sync counts more for it, and where it goes on: `cursor` is None after the last page.

    `is_page` says that the page is done; else more has vanished than one step deals with.
    """

    difference: ListingDiff
    added: Mapping[str, int]
    reach: str
    cursor: str | None = None
    is_page: bool = True
    skipped: Sequence[str] = ()
    bad_sidecars: Sequence[str] = ()

    @property
    def objects(self) -> int:
        """How many objects of the bucket were looked at."""
        return sum(self.added.get(name, 0) for name in SEEN)


@dataclass(slots=True)
class Sorted:
    """The objects of a page by their keys, and the metadata beside objects by the keys of those."""

    objects: dict[str, CloudObject] = field(default_factory=dict)
    sidecars: dict[str, CloudObject] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


class Scan:
    """Looks at the bucket of a linked folder for a sync; `job` and `folder` are their rows."""

    def __init__(self, services: Services, job: Any, folder: Any) -> None:
        self._services = services
        self._job = job
        self._folder = folder
        self._suffix: str | None = (folder.metadata_ingestion or {}).get("suffix")
        self._attaches = (
            bool(self._suffix) and not folder.metadata_ingestion["paused"] and not job.is_dry_run
        )
        self._places = asyncio.Semaphore(_REQUESTS)

    async def step(self) -> Step:
        """Look at the next page; raises a `FetchError` where the bucket cannot be read."""
        _, cloud = await open_integration(self._services, self._folder.integration_uuid)
        top = cloud.locate(self._folder.remote_url)
        page = await cloud.list_objects(top, self._job.cursor, PAGE)
        found = self._sort(cloud, top, page)
        reach = (
            None
            if page.next is None
            else max([self._job.reach, *(one.key for one in page.objects)])
        )
        missing = await self._missing(found.objects.keys(), reach)
        if len(missing) > PAGE:
            vanished = await self._vanished(cloud, top, missing[:PAGE])
            difference = ListingDiff(vanished=vanished)
            return Step(
                difference,
                {"vanished_count": len(vanished)},
                missing[PAGE - 1].remote_key,
                is_page=False,
            )
        vanished = await self._vanished(cloud, top, missing)
        return await self._compared(cloud, top, page, found, vanished, reach)

    def _sort(self, cloud: Cloud, top: ObjectLocation, page: ObjectPage) -> Sorted:
        """What there is to do with each object; those that stand for empty folders are nothing to us."""
        found = Sorted()
        for one in page.objects:
            if self._suffix and one.key.endswith(self._suffix):
                found.sidecars[one.key.removesuffix(self._suffix)] = one
            elif one.key.endswith("/"):
                continue
            elif (
                item_type_of_file(name_of(one.key))
                and one.size
                and self._has_room(cloud, top, one.key)
            ):
                found.objects[one.key] = one
            else:
                found.skipped.append(one.key)
        return found

    def _has_room(self, cloud: Cloud, top: ObjectLocation, key: str) -> bool:
        """Whether a key can be named by a URL, and its folder lies no deeper than folders can."""
        try:
            cloud.locate(object_url(cloud.account, ObjectLocation(top.bucket, key)))
        except FetchError:
            return False
        return depth(self._folder.path) + len(prefixes_above(prefix_of(key), top.key)) <= MAX_DEPTH

    async def _missing(self, listed: Collection[str], reach: str | None) -> list[Any]:
        """Items of keys up to `reach`, behind all before, that the page does not list; one more than a step deals with.

        The ranges of all pages make up all keys, in whatever order the store lists them.
        """
        here = [items.c.remote_key > self._job.reach] if self._job.reach else []
        here += [items.c.remote_key <= reach] if reach is not None else []
        statement = sa.select(items.c.uuid, items.c.remote_key).where(
            items.c.linked_folder_uuid == self._folder.uuid,
            *here,
            ~items.c.is_tombstone,
            sa.not_(in_keys(items.c.remote_key, listed)),
        )
        return await self._services.database.rows(
            statement.order_by(items.c.remote_key).limit(PAGE + 1)
        )

    async def _vanished(self, cloud: Cloud, top: ObjectLocation, rows: Sequence[Any]) -> list[UUID]:
        """Those of the items whose objects are gone: not all stores list in order, so each is asked for."""
        there = await asyncio.gather(
            *(self._is_there(cloud, ObjectLocation(top.bucket, row.remote_key)) for row in rows)
        )
        return [row.uuid for row, is_there in zip(rows, there, strict=True) if not is_there]

    async def _is_there(self, cloud: Cloud, place: ObjectLocation) -> bool:
        """Whether there is an object, and it is no metadata of another."""
        if self._suffix and place.key.endswith(self._suffix):
            return False
        try:
            async with self._places:
                await cloud.head(place)
        except FetchError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return False
            raise
        return True

    async def _compared(
        self,
        cloud: Cloud,
        top: ObjectLocation,
        page: ObjectPage,
        found: Sorted,
        vanished: list[UUID],
        reach: str | None,
    ) -> Step:
        """The whole of a page."""
        rows = await self._rows(found)
        new = [one for key, one in found.objects.items() if key not in rows]
        known = [(rows[key], one) for key, one in found.objects.items() if key in rows]
        returned = [row.uuid for row, _ in known if row.is_tombstone]
        changed = {row.uuid: (row, one) for row, one in known if not _is_as_it_was(row, one)}
        added = {
            "new_count": len(new),
            "returned_count": len(returned),
            "changed_count": len(changed.keys() - set(returned)),
            "unchanged_count": len(known) - len(changed.keys() | set(returned)),
            "vanished_count": len(vanished),
            "skipped_count": len(found.skipped),
        }
        sidecars, bad = (
            await self._sidecars(cloud, top, found, rows) if self._attaches else ({}, [])
        )
        added |= {"sidecars_attached_count": len(sidecars), "sidecars_error_count": len(bad)}
        difference = ListingDiff(
            new=[] if self._job.is_dry_run else await self._expected(cloud, top, new, sidecars),
            changed={uuid: _found(cloud, top, one, row) for uuid, (row, one) in changed.items()},
            vanished=vanished,
            returned=returned,
            sidecars={rows[key].uuid: one for key, one in sidecars.items() if key in rows},
        )
        return Step(
            difference,
            added,
            reach or self._job.reach,
            page.next,
            skipped=found.skipped,
            bad_sidecars=bad,
        )

    async def _rows(self, found: Sorted) -> dict[str, Any]:
        """The items of the page's objects, and of those that metadata lies beside, by key."""
        keys = [*found.objects, *(found.sidecars if self._attaches else ())]
        mine = items.c.linked_folder_uuid == self._folder.uuid
        chosen = in_keys(items.c.remote_key, keys)
        return {
            row.remote_key: row
            for row in await self._services.database.rows(sa.select(*_seen).where(mine, chosen))
        }

    async def _expected(
        self,
        cloud: Cloud,
        top: ObjectLocation,
        new: Sequence[CloudObject],
        sidecars: Mapping[str, Sidecar],
    ) -> list[ListedObject]:
        """New objects with the folders that their items go to."""
        prefixes = {prefix_of(one.key) for one in new}
        database, user_uuid = self._services.database, self._job.user_uuid
        homes = await prefix_folders(
            database, user_uuid, self._folder, cloud.account, top, prefixes
        )
        return [
            ListedObject(
                one,
                object_url(cloud.account, ObjectLocation(top.bucket, one.key)),
                kind,
                homes[prefix_of(one.key)],
                sidecars.get(one.key),
            )
            for one in new
            if (kind := item_type_of_file(name_of(one.key)))
        ]

    async def _sidecars(
        self, cloud: Cloud, top: ObjectLocation, found: Sorted, rows: Mapping[str, Any]
    ) -> tuple[dict[str, Sidecar], list[str]]:
        """The metadata that is not attached yet, by the keys of the objects that it is for; and what is no metadata.

        Nothing is noted of the latter, so that every sync tries it again until it is good.
        """
        wanted = {
            key: one
            for key, one in found.sidecars.items()
            if (key in rows and rows[key].sidecar_etag != _mark(one))
            or (key in found.objects and key not in rows)
        }
        terms = await load_metadata_validator(self._services.database, self._services.settings)
        read = await asyncio.gather(
            *(self._sidecar(cloud, top, one, terms) for one in wanted.values())
        )
        good = {key: one for key, one in zip(wanted, read, strict=True) if one}
        return good, [one.key for key, one in wanted.items() if key not in good]

    async def _sidecar(
        self, cloud: Cloud, top: ObjectLocation, one: CloudObject, terms: MetadataValidator
    ) -> Sidecar | None:
        """What an object says as metadata; None if it is not JSON of an object that fits the terms, or too much."""
        if not 0 < one.size <= MAX_METADATA:
            return None
        async with self._places:
            data = (await cloud.read(ObjectLocation(top.bucket, one.key), 0, one.size)).data
        try:
            given = parse_json(data.removeprefix(codecs.BOM_UTF8))
            check_storable(given)
            metadata = validate_metadata(given)
        except (orjson.JSONDecodeError, DomainError):
            return None
        return None if given is None or terms.error(metadata) else Sidecar(_mark(one), metadata)


def _is_as_it_was(row: Any, one: CloudObject) -> bool:
    if one.etag:
        return bool(row.remote_etag == one.etag)
    return bool((row.remote_modified_at, row.file_size) == (one.last_modified, one.size))


def _mark(one: CloudObject) -> str:
    """What tells one state of an object from the next."""
    return one.etag or f"{one.last_modified} {one.size}"


def _found(cloud: Cloud, top: ObjectLocation, one: CloudObject, row: Any) -> ListedObject:
    return ListedObject(
        one,
        object_url(cloud.account, ObjectLocation(top.bucket, one.key)),
        row.item_type,
        row.folder_uuid,
    )
