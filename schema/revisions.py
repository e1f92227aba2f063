"""Files of items, and the revisions that they belong to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.scalars import JSON, BigInt
from resolvers import bitstreams as resolvers
from schema.common import Node
from schema.fields import column, resolved, row_type
from schema.people import User
from schema.signed_urls import SignedUrl

if TYPE_CHECKING:
    from schema.items import StorageItem


@row_type(lambda row: hasattr(row, "first_revision"))
@strawberry.type(description="A file of an item, in one or more consecutive revisions of it.")
class Bitstream(Node):
    id: strawberry.ID = resolved(
        resolvers.bitstream_id_of, "Opaque global ID, for use with `node`."
    )
    uuid: UUID = column(
        "The file's UUID. The file with which an item began has that of the item, and keeps it."
    )
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] = resolved(
        resolvers.item_of, "The item that has the file."
    )
    item_uuid: UUID = column("The UUID of `item`.")
    name: str = column("The file's name, unique among the files of a revision.")
    mime_type: str | None = column("Media type, such as `text/csv`. Null if unknown.")
    file_size: BigInt | None = column("Size in bytes. Null if unknown.")
    sha256: str | None = column("SHA-256 of the content as 64 hex digits. Null if unknown.")
    position: int = column("Position among the files of the item. Deleted files leave gaps.")
    first_revision: int = column("Number of the oldest revision that has the file.")
    newest_revision: int = column("Number of the newest revision that has the file.")
    is_in_head: bool = column("Whether the newest revision of the item has the file.")
    is_link: bool = resolved(
        resolvers.is_link,
        "Whether the file is at a public URL, which `signedUrl` gives as it is. Storegraph has no "
        "bytes of it.",
    )
    signed_url: SignedUrl | None = resolved(
        resolvers.signed_url_of,
        "A URL for downloading or showing the file, valid for a limited time without a credential. "
        "Null if the item is `PHI_RESTRICTED`, if the file is lost, or if its store cannot be "
        "reached.",
    )


@row_type()
@strawberry.type(
    description="A state of an item's files. The newest revision is the head; older ones do not "
    "change any more."
)
class ItemRevision(Node):
    id: strawberry.ID = resolved(resolvers.revision_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column(
        "The revision's UUID. The one with which an item began has that of the item."
    )
    item_uuid: UUID = column("UUID of the item.")
    number: int = column("The revision's number, counted from 1.")
    created_at: datetime = column("When the revision was created, in UTC.")
    user: User | None = resolved(
        resolvers.user_of, "The user who created the revision. Null if that user has been deleted."
    )
    changes: str = column("Description of the change, as given by the user; empty by default.")
    metadata: JSON = column(
        "The item's `clientMetadata` as it was when the next revision was created, or as it is if "
        "this is the head.",
    )
    file_count: int = column("Number of files.")
    file_size: BigInt | None = column("Size of all files in bytes. Null if unknown.")
    bitstreams: list[Bitstream] = resolved(
        resolvers.files_of_revision,
        "The first files of the revision, in order. `bitstreams(revision:)` of the item has pages "
        "of all.",
    )


@row_type()
@strawberry.type(description="Number and size of files.")
class ContentStats:
    files: BigInt = column("Number of files, those of the newest revisions of items.")
    total_size: BigInt = column("Size of these files in bytes.")
    all_revisions_size: BigInt = resolved(
        resolvers.all_size_of, "Size in bytes of the files of all revisions, each counted once."
    )
