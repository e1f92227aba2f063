"""Archives: signed URLs that download an object with all files in it, or why there are none."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import strawberry

from gateway.archives.urls import Subject, SubjectKind, archives_url, sign_archive
from gateway.context import Context
from gateway.execution.declarations import Batch, batch
from gateway.execution.parent_keys import Key
from gateway.execution.viewer_columns import Column
from gateway.kinds.downloads import DownloadFormat, DownloadUnavailableReason
from gateway.kinds.enums import StorageLocationName
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.models.collections import collections
from gateway.models.dicom import dicom_studies
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.stores.base import SignedRequest
from resolvers.identity import is_restricted
from resolvers.signed_urls import Lifetime, lifetime_of

Format = Annotated[DownloadFormat, strawberry.argument(description="The format of the archive.")]


def _archive_of(kind: SubjectKind, uuid: Column, name: Column) -> Batch:
    """Declare the signed URLs of archives of rows with a UUID and a name."""

    @batch(uuid, name, work=5)
    async def sign(
        context: Context,
        keys: list[tuple[UUID, str]],
        *,
        format: Format = DownloadFormat.ZIP,
        lifetime: Lifetime = None,
    ) -> list[SignedRequest | None]:
        span = lifetime_of(context, lifetime)
        return [
            sign_archive(context.services, context.viewer, Subject(kind, key), text, span)
            for key, text in keys
        ]

    return sign


def _reason_of(uuid: Column) -> Batch:
    """Declare the reasons why rows have no archive."""

    @batch(uuid)
    async def find_reason(
        context: Context, keys: list[UUID]
    ) -> list[DownloadUnavailableReason | None]:
        return [_site_reason(context) for _ in keys]

    return find_reason


def _site_reason(context: Context) -> DownloadUnavailableReason | None:
    is_served = archives_url(context.services) is not None
    return None if is_served else DownloadUnavailableReason.NOT_SERVED


folder_archive_of = _archive_of(SubjectKind.FOLDER, folders.c.uuid, folders.c.name)
collection_archive_of = _archive_of(SubjectKind.COLLECTION, collections.c.uuid, collections.c.name)
study_archive_of = _archive_of(SubjectKind.STUDY, dicom_studies.c.uuid, dicom_studies.c.study_uid)
folder_reason_of = _reason_of(folders.c.uuid)
collection_reason_of = _reason_of(collections.c.uuid)
study_reason_of = _reason_of(dicom_studies.c.uuid)


class ArchivedItem(NamedTuple):
    """The columns of an item that say whether there is an archive of it."""

    uuid: UUID
    name: str
    item_type: StorageItemType
    url: str | None
    file_count: int | None
    is_placeholder: bool
    storage_location: StorageLocationName
    is_restricted: bool

    @property
    def reason(self) -> DownloadUnavailableReason | None:
        """The reason why there is none, whoever serves it."""
        has_files = self.url is not None if self.file_count is None else self.file_count > 0
        is_group = ITEM_KINDS[self.item_type].prober is None
        is_scene = self.item_type is StorageItemType.SCENE
        if self.is_placeholder or not (has_files or is_group or is_scene):
            return DownloadUnavailableReason.NO_FILES
        if self.is_restricted and not is_group:
            return DownloadUnavailableReason.PHI_RESTRICTED
        # An item of several files is at no location of its own.
        is_elsewhere = self.storage_location is StorageLocationName.DIRECT_ACCESS
        if is_elsewhere and self.item_type is StorageItemType.FILE:
            return DownloadUnavailableReason.LINK
        return None


_ITEM: tuple[Key, ...] = (*(items.c[name] for name in ArchivedItem._fields[:-1]), is_restricted)


@batch(*_ITEM, work=5)
async def item_archive_of(
    context: Context,
    keys: list[tuple[Any, ...]],
    *,
    format: Format = DownloadFormat.ZIP,
    lifetime: Lifetime = None,
) -> list[SignedRequest | None]:
    """Sign URLs of archives of items; None for an item without files here."""
    span = lifetime_of(context, lifetime)
    signed: list[SignedRequest | None] = []
    for item in (ArchivedItem(*key) for key in keys):
        subject = Subject(SubjectKind.ITEM, item.uuid)
        request = sign_archive(context.services, context.viewer, subject, item.name, span)
        signed.append(None if item.reason else request)
    return signed


@batch(*_ITEM)
async def item_reason_of(
    context: Context, keys: list[tuple[Any, ...]]
) -> Sequence[DownloadUnavailableReason | None]:
    """Load the reasons why there are no archives of items; None where there is one."""
    return [ArchivedItem(*key).reason or _site_reason(context) for key in keys]
