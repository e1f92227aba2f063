"""Manifests of folders: every file below, with a URL."""

from __future__ import annotations

from uuid import UUID

import strawberry

from gateway.scalars import BigInt
from resolvers import download_manifests, items
from schema.common import PageInfo, page_itself
from schema.fields import column, resolved, row_type
from schema.items import StorageItem
from schema.signed_urls import SignedUrl


@row_type()
@strawberry.type(description="A file in a folder or below it, for downloading whole trees.")
class DownloadManifestFile:
    path: str = column(
        "The path below the folder: names of folders, and of the item, joined by slashes. An item of "
        "several files is a directory. In each name, what some file systems refuse is replaced, so "
        "that the path leads nowhere else; several files may have the same path, or paths that "
        "differ in case alone."
    )
    folder_uuids: list[UUID] = column(
        "UUIDs of the folders whose names begin the path, at most 64, which tell folders of the "
        "same name apart. Those that the viewer cannot see are left out, as in the path."
    )
    file_size: BigInt | None = column("Size in bytes; null if unknown.")
    sha256: str | None = column(
        "SHA-256 of the content as 64 hex digits; null for files elsewhere that were not read in full."
    )
    signed_url: SignedUrl | None = resolved(
        download_manifests.signed_url_of_file,
        "A URL for downloading the file, valid for a limited time without a credential. Null for "
        "files that are lost or cannot be reached, and if the item is `PHI_RESTRICTED`.",
    )
    item: StorageItem | None = resolved(
        items.item_by_uuid, "The item that the file is of. Null if it has just been deleted."
    )


@row_type()
@strawberry.type(description="A file of a manifest, with its cursor.")
class DownloadManifestFileEdge:
    node: DownloadManifestFile = column("The file itself.")
    cursor: str = column("Position of the file in the manifest, for use with `after`.")


@row_type()
@strawberry.type(
    description="A page of the files of a folder and of all folders below it that the viewer can "
    "see: folder by folder, and by name within a folder. Tombstones are among them, placeholders "
    "and groups are not."
)
class DownloadManifestConnection:
    edges: list[DownloadManifestFileEdge] = column("The files of the page, with their cursors.")
    nodes: list[DownloadManifestFile] = column("The files of the page, without cursors.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the manifest.")
