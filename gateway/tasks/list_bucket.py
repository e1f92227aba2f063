"""One step of a sync: a page of a bucket's listing, compared with the items that mirror it."""

import asyncio
import codecs
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.mirroring.apply_diff import ListedObject, ListingDiff, Sidecar
from gateway.catalog.mirroring.object_rules import ObjectRules
from gateway.catalog.mirroring.prefix_folders import prefix_folders, prefix_of
from gateway.catalog.rules.names import MAX_METADATA, validate_metadata
from gateway.clouds.base import CloudObject, ObjectLocation
from gateway.clouds.cloud import Cloud
from gateway.clouds.urls import object_url
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.errors import DomainError, ErrorCode
from gateway.fetching.errors import FetchError
from gateway.json_values import check_storable, parse_json
from gateway.kinds.enums import SkippedObjectReason
from gateway.models.folders import FolderRecord
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import JobRecord

PAGE = 500
"""Objects that are compared in a step, and the number of items that may vanish in one."""
OBJECT_COUNTS = (
    "new_count",
    "changed_count",
    "unchanged_count",
    "returned_count",
    "skipped_count",
)
"""Columns of a sync that count objects of the bucket."""
_CONCURRENT_REQUESTS = 16

_COMPARED_COLUMNS = (
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
class ScanStep:
    """The result of a step.

    Attributes:
        diff: what has to be written.
        added: what the counts of the sync grow by, by column.
        reach: the greatest key up to which the bucket has been compared.
        cursor: continues the listing; None after the last page.
        is_page_done: False if more items vanished than a step handles. The page is listed again.
        listed_count: the number of keys on the page, sidecars and markers of folders included.
        skipped: why objects are not mirrored, by key.
        bad_sidecars: keys of sidecars without usable metadata.
    """

    diff: ListingDiff
    added: Mapping[str, int]
    reach: str
    cursor: str | None = None
    is_page_done: bool = True
    listed_count: int = 0
    skipped: Mapping[str, SkippedObjectReason] = field(default_factory=dict)
    bad_sidecars: Sequence[str] = ()

    @property
    def object_count(self) -> int:
        """The number of objects that were compared."""
        return sum(self.added.get(name, 0) for name in OBJECT_COUNTS)


@dataclass(slots=True)
class SortedPage:
    """The objects of a page: those to mirror by key, sidecars by the key that they are about."""

    objects: dict[str, CloudObject] = field(default_factory=dict)
    sidecars: dict[str, CloudObject] = field(default_factory=dict)
    skipped: dict[str, SkippedObjectReason] = field(default_factory=dict)


class BucketScan:
    """Compares the bucket of a cloud-synced folder with its items, for a sync."""

    def __init__(
        self, services: Services, job: JobRecord, folder: FolderRecord, cloud: Cloud
    ) -> None:
        self._services = services
        self._job = job
        self._folder = folder
        self._cloud = cloud
        self._top = cloud.locate(folder.remote_url or "")
        self._rules = ObjectRules(folder, cloud, self._top.key)
        sidecars = folder.metadata_ingestion or {}
        self._suffix: str | None = sidecars.get("suffix")
        self._attaches = bool(self._suffix) and not sidecars["paused"] and not job.is_dry_run
        self._slots = asyncio.Semaphore(_CONCURRENT_REQUESTS)

    async def next_step(self) -> ScanStep:
        """List and compare the next page.

        Raises:
            FetchError: the bucket cannot be read.
        """
        listing = await self._cloud.list_objects(self._top, self._job.cursor, PAGE)
        page = SortedPage()
        for listed in listing.objects:
            if self._suffix and listed.key.endswith(self._suffix):
                page.sidecars[listed.key.removesuffix(self._suffix)] = listed
            elif listed.key.endswith("/"):
                continue  # some programs create such objects for empty folders
            elif reason := self._rules.reason_to_skip(listed, self._url_of(listed)):
                page.skipped[listed.key] = reason
            else:
                page.objects[listed.key] = listed
        reach = None
        if listing.next is not None:
            reach = max([self._job.reach, *(listed.key for listed in listing.objects)])
        missing = await self._missing_items([*page.objects, *page.skipped], reach)
        if len(missing) > PAGE:
            vanished = await self._vanished_items(missing[:PAGE])
            return ScanStep(
                diff=ListingDiff(vanished=vanished),
                added={"vanished_count": len(vanished)},
                reach=missing[PAGE - 1].remote_key or "",
                is_page_done=False,
            )
        vanished = await self._vanished_items(missing)
        step = await self._compare(page, vanished, reach or self._job.reach, listing.next)
        return replace(step, listed_count=len(listing.objects))

    def _url_of(self, listed: CloudObject) -> str:
        """Return the URL of an object."""
        return object_url(self._cloud.account, ObjectLocation(self._top.bucket, listed.key))

    async def _missing_items(self, listed: Collection[str], reach: str | None) -> list[ItemRecord]:
        """Return the items with keys up to `reach` that the page does not list.

        There is one more than a step handles if there are too many. The ranges of all pages
        together cover all keys, in whatever order the store lists them.
        """
        missing = sa.select(items.c.uuid, items.c.remote_key).where(
            items.c.linked_folder_uuid == self._folder.uuid,
            ~items.c.is_tombstone,
            sa.not_(in_keys(items.c.remote_key, listed)),
        )
        if self._job.reach:
            missing = missing.where(items.c.remote_key > self._job.reach)
        if reach is not None:
            missing = missing.where(items.c.remote_key <= reach)
        ordered = missing.order_by(items.c.remote_key).limit(PAGE + 1)
        return await self._services.database.rows(ordered, ItemRecord)

    async def _vanished_items(self, rows: Sequence[ItemRecord]) -> list[UUID]:
        """Return the items whose objects are gone.

        Not all stores list in the order of keys, so a request is made for each object.
        """

        async def is_gone(key: str) -> bool:
            if self._suffix and key.endswith(self._suffix):
                return True
            try:
                async with self._slots:
                    await self._cloud.head(ObjectLocation(self._top.bucket, key))
            except FetchError as error:
                if error.code is ErrorCode.NOT_FOUND:
                    return True
                raise
            return False

        gone = await asyncio.gather(*(is_gone(row.remote_key or "") for row in rows))
        return [row.uuid for row, is_row_gone in zip(rows, gone, strict=True) if is_row_gone]

    async def _compare(
        self, page: SortedPage, vanished: list[UUID], reach: str, cursor: str | None
    ) -> ScanStep:
        """Return the step of a page that is done with it."""
        keys = [*page.objects, *(page.sidecars if self._attaches else ())]
        mirrored = sa.select(*_COMPARED_COLUMNS).where(
            items.c.linked_folder_uuid == self._folder.uuid, in_keys(items.c.remote_key, keys)
        )
        mirrored_rows = await self._services.database.rows(mirrored, ItemRecord)
        rows = {row.remote_key: row for row in mirrored_rows}
        known = [(rows[key], listed) for key, listed in page.objects.items() if key in rows]
        new = [listed for key, listed in page.objects.items() if key not in rows]
        returned = [row.uuid for row, _ in known if row.is_tombstone]
        # Without an etag, an object has changed if its size or time has.
        changed = {
            row.uuid: ListedObject(
                listed, self._url_of(listed), self._rules.item_type(listed), row.folder_uuid
            )
            for row, listed in known
            if (
                row.remote_etag != listed.etag
                if listed.etag
                else (row.remote_modified_at, row.file_size) != (listed.last_modified, listed.size)
            )
        }
        sidecars: dict[str, Sidecar] = {}
        bad_sidecars: list[str] = []
        if self._attaches:
            sidecars, bad_sidecars = await self._read_sidecars(page, rows)
        added = {
            "new_count": len(new),
            "returned_count": len(returned),
            "changed_count": len(changed.keys() - set(returned)),
            "unchanged_count": len(known) - len(changed.keys() | set(returned)),
            "vanished_count": len(vanished),
            "skipped_count": len(page.skipped),
            "sidecars_attached_count": len(sidecars),
            "sidecars_error_count": len(bad_sidecars),
        }
        diff = ListingDiff(
            new=[] if self._job.is_dry_run else await self._new_objects(new, sidecars),
            changed=changed,
            vanished=vanished,
            returned=returned,
            sidecars={rows[key].uuid: each for key, each in sidecars.items() if key in rows},
        )
        return ScanStep(diff, added, reach, cursor, skipped=page.skipped, bad_sidecars=bad_sidecars)

    async def _new_objects(
        self, new: Sequence[CloudObject], sidecars: Mapping[str, Sidecar]
    ) -> list[ListedObject]:
        """Return new objects with the folders of their items, which are created if need be."""
        account, top = self._cloud.account, self._top
        prefixes = {prefix_of(listed.key) for listed in new}
        user_uuid, database = self._job.user_uuid, self._services.database
        folder_uuids = await prefix_folders(
            database, user_uuid, self._folder, account, top, prefixes
        )
        return [
            ListedObject(
                listed,
                self._url_of(listed),
                self._rules.item_type(listed),
                folder_uuids[prefix_of(listed.key)],
                sidecars.get(listed.key),
            )
            for listed in new
        ]

    async def _read_sidecars(
        self, page: SortedPage, rows: Mapping[str | None, ItemRecord]
    ) -> tuple[dict[str, Sidecar], list[str]]:
        """Return metadata that is not attached yet, by key of the object, and keys of bad sidecars.

        The latter are not recorded with the items, so that every sync tries them again.
        """
        wanted = {
            key: sidecar
            for key, sidecar in page.sidecars.items()
            if (key in rows and rows[key].sidecar_etag != _version_of(sidecar))
            or (key in page.objects and key not in rows)
        }
        validator = await load_metadata_validator(self._services.database, self._services.settings)

        async def read(sidecar: CloudObject) -> Sidecar | None:
            if not 0 < sidecar.size <= MAX_METADATA:
                return None
            location = ObjectLocation(self._top.bucket, sidecar.key)
            async with self._slots:
                data = (await self._cloud.read(location, 0, sidecar.size)).data
            try:
                value = parse_json(data.removeprefix(codecs.BOM_UTF8))
                check_storable(value)
                metadata = validate_metadata(value)
            except (orjson.JSONDecodeError, DomainError):
                return None
            is_usable = value is not None and not validator.error(metadata)
            return Sidecar(_version_of(sidecar), metadata) if is_usable else None

        results = await asyncio.gather(*(read(sidecar) for sidecar in wanted.values()))
        good = {key: result for key, result in zip(wanted, results, strict=True) if result}
        return good, [sidecar.key for key, sidecar in wanted.items() if key not in good]


def _version_of(listed: CloudObject) -> str:
    """Return a text that differs between versions of an object."""
    return listed.etag or f"{listed.last_modified} {listed.size}"
