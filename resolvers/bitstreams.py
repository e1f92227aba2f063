"""Files of items, and the revisions that they belong to: how they are resolved.

Files and revisions of items without rows for them have those of the item, see
`gateway.models.revisions`. The queries below give both the same form.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.identity import hides_identity_of
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_item
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.error_texts import between
from gateway.errors import bad_input
from gateway.execution.bound_values import AS_IS
from gateway.execution.compiled.kept_statements import KeptStatement, kept_statement
from gateway.execution.declarations import (
    Argument,
    Computed,
    ToMany,
    ToOne,
    batch,
)
from gateway.execution.keysets import KEYS
from gateway.execution.viewer_columns import selected_columns, viewer_column
from gateway.kinds.downloads import SignedUrlDisposition
from gateway.kinds.enums import StorageLocationName
from gateway.models.folders import folder_counters
from gateway.models.items import items
from gateway.models.people import users
from gateway.models.revisions import bitstreams, item_revisions
from gateway.stores.base import SignedRequest
from resolvers.global_ids import id_from
from resolvers.orders import in_sequence, newest_first
from resolvers.signed_files import Disposition, ServedFile, sign_files
from resolvers.signed_urls import Lifetime

_SERVED = (
    *("object_key", "url", "name", "kind", "mime_type", "text_encoding", "is_lost"),
    *("integration_uuid", "is_restricted"),
)
"""The attributes of a file that make a `ServedFile`."""
MAX_LISTED = 1_000
"""Files that one revision lists in an operation."""

_has_no_rows = sa.and_(
    items.c.file_count.is_(None), items.c.url.is_not(None), ~items.c.is_placeholder
)
_is_row = bitstreams.c.uuid.is_not(None)


def _of_either(
    own: sa.ColumnElement[Any], derived: sa.ColumnElement[Any], name: str
) -> sa.ColumnElement[Any]:
    """Return a value of a bitstream, or of the item that is its only file."""
    return sa.case((_is_row, own), else_=derived).label(name)


# The item's key is coerced because it is no key of these rows.
files = (
    sa.select(
        sa.func.coalesce(bitstreams.c.uuid, items.c.uuid).label("uuid"),
        sa.type_coerce(items.c.uuid, sa.Uuid()).label("item_uuid"),
        items.c.folder_uuid,
        items.c.is_shared,
        sa.func.coalesce(bitstreams.c.first_revision, 1).label("first_revision"),
        sa.func.coalesce(bitstreams.c.last_revision, items.c.revision_number).label(
            "newest_revision"
        ),
        bitstreams.c.last_revision.is_(None).label("is_in_head"),
        sa.func.coalesce(bitstreams.c.position, 0).label("position"),
        sa.func.coalesce(bitstreams.c.name, items.c.name).label("name"),
        _of_either(bitstreams.c.mime_type, items.c.mime_type, "mime_type"),
        _of_either(bitstreams.c.file_size, items.c.file_size, "file_size"),
        _of_either(bitstreams.c.sha256, items.c.sha256, "sha256"),
        _of_either(bitstreams.c.object_key, items.c.object_key, "object_key"),
        sa.func.coalesce(bitstreams.c.url, items.c.url).label("url"),
        sa.func.coalesce(bitstreams.c.storage_location, items.c.storage_location).label(
            "storage_location"
        ),
        _of_either(bitstreams.c.integration_uuid, items.c.integration_uuid, "integration_uuid"),
        sa.func.coalesce(bitstreams.c.is_lost, items.c.is_tombstone).label("is_lost"),
        items.c.item_type.label("kind"),
        items.c.text_encoding,
    )
    .select_from(items.outerjoin(bitstreams, bitstreams.c.item_uuid == items.c.uuid))
    .where(sa.or_(_is_row, _has_no_rows))
    .subquery("files")
)
"""The files of items, of all revisions; `newest_revision` is the last that has the file."""

_is_revision = item_revisions.c.uuid.is_not(None)
revisions = (
    sa.select(
        sa.type_coerce(items.c.uuid, sa.Uuid()).label("item_uuid"),
        sa.func.coalesce(item_revisions.c.uuid, items.c.uuid).label("uuid"),
        sa.func.coalesce(item_revisions.c.number, 1).label("number"),
        sa.func.coalesce(item_revisions.c.created_at, items.c.created_at).label("created_at"),
        sa.case((_is_revision, item_revisions.c.user_uuid), else_=items.c.owner_uuid).label(
            "user_uuid"
        ),
        sa.func.coalesce(item_revisions.c.changes, "").label("changes"),
        sa.func.coalesce(item_revisions.c.client_metadata, items.c.client_metadata).label(
            "metadata"
        ),
        sa.func.coalesce(item_revisions.c.file_count, 1).label("file_count"),
        sa.func.coalesce(item_revisions.c.file_size, items.c.file_size).label("file_size"),
    )
    .select_from(items.outerjoin(item_revisions, item_revisions.c.item_uuid == items.c.uuid))
    .where(sa.or_(_is_revision, _has_no_rows))
    .subquery("revisions")
)
"""The revisions of items; the head has the metadata of the item."""


def in_revision(
    number: int | sa.ColumnElement[int] | None,
) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of the files of the head, or of the revision with a number."""
    if number is None:
        return [files.c.is_in_head]
    same = revisions.alias()
    exists = sa.exists().where(same.c.item_uuid == files.c.item_uuid, same.c.number == number)
    given = sa.literal(number) if isinstance(number, int) else number
    return [given.between(files.c.first_revision, files.c.newest_revision), exists]


bitstream_id_of = id_from("Bitstream", files.c.uuid)
revision_id_of = id_from("ItemRevision", revisions.c.uuid)
item_of = ToOne(items, files.c.item_uuid, access=sees_item)
user_of = ToOne(users, revisions.c.user_uuid)
is_restricted = viewer_column(
    files,
    "is_restricted",
    sa.Boolean(),
    lambda viewer: hides_identity_of(viewer, files, files.c.item_uuid),
)
is_link = Computed(
    (files.c.storage_location,),
    lambda row: row.storage_location == StorageLocationName.DIRECT_ACCESS,
)
bitstreams_of = ToMany(
    "bitstreams",
    files,
    in_sequence(files.c.position, files.c.uuid),
    key=items.c.uuid,
    parent=files.c.item_uuid,
    where=lambda query: in_revision(query.arguments.get("revision")),
    arguments=(
        Argument(
            "revision",
            int | None,
            None,
            "Number of the revision whose files are listed; the newest if omitted.",
            AS_IS,
        ),
    ),
)
revisions_of = ToMany(
    "revisions",
    revisions,
    newest_first(revisions.c.number, revisions.c.uuid),
    key=items.c.uuid,
    parent=revisions.c.item_uuid,
)


_numbered_revisions = KeptStatement(
    lambda viewer: sa.select(*selected_columns(revisions, viewer)).where(
        in_bound_keys(revisions.c.item_uuid, KEYS), in_bound_keys(revisions.c.number, "numbers")
    ),
    sa.Row,
)


@batch(items.c.uuid, items.c.revision_number)
async def revision_of(
    context: Context,
    keys: list[tuple[UUID, int]],
    *,
    number: Annotated[
        int | None,
        strawberry.argument(description="Number of the revision; the newest if omitted."),
    ] = None,
) -> list[Any]:
    """Load the revision with a number of each item; None if it has none."""
    uuids = [uuid for uuid, _ in keys]
    wanted = {uuid: head if number is None else number for uuid, head in keys}
    rows = await _numbered_revisions.rows(
        context.database, context.viewer, uuids, numbers=list({*wanted.values()})
    )
    by_key = {(row.item_uuid, row.number): row for row in rows}
    return [by_key.get((uuid, wanted[uuid])) for uuid in uuids]


@batch(
    revisions.c.item_uuid,
    revisions.c.number,
    # The cost is counted before variables are checked.
    listed=lambda given: (
        min(max(first, 0), 1000) if isinstance(first := given.get("first"), int) else 100
    ),
)
async def files_of_revision(
    context: Context,
    keys: list[tuple[UUID, int]],
    *,
    first: Annotated[
        int, strawberry.argument(description="Number of files to list, at most 1,000.")
    ] = 100,
) -> list[list[Any]]:
    """Load the first files of revisions, in order."""
    if not 0 <= first <= MAX_LISTED:
        raise bad_input(between("first", 0, MAX_LISTED, first), "first")
    by_key: dict[tuple[UUID, int], list[Any]] = defaultdict(list)
    for row in await files_in_revisions.rows(
        context.database,
        context.viewer,
        {uuid for uuid, _ in keys},
        numbers=list({number for _, number in keys}),
        first=first,
    ):
        by_key[row.item_uuid, row.revision].append(row)
    return [by_key[key] for key in keys]


@kept_statement(sa.Row)
def files_in_revisions(viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the first files of revisions."""
    rank = sa.func.row_number().over(
        partition_by=(revisions.c.item_uuid, revisions.c.number),
        order_by=(files.c.position, files.c.uuid),
    )
    columns = selected_columns(files, viewer)
    ranked = (
        sa.select(*columns, revisions.c.number.label("revision"), rank.label("rank"))
        .select_from(revisions.join(files, files.c.item_uuid == revisions.c.item_uuid))
        .where(
            in_bound_keys(revisions.c.item_uuid, KEYS),
            in_bound_keys(revisions.c.number, "numbers"),
            revisions.c.number.between(files.c.first_revision, files.c.newest_revision),
        )
        .subquery("ranked")
    )
    most = sa.bindparam("first", required=False, type_=sa.Integer)
    return sa.select(ranked).where(ranked.c.rank <= most).order_by(ranked.c.rank)


@kept_statement(sa.Row)
def rows_by_uuid(viewer: Viewer, source: sa.Subquery, table: sa.Table) -> sa.Select[Any]:
    """Return the statement for a row that is one of the table, or is derived from its item."""
    uuid = sa.bindparam("uuid", required=False, type_=sa.Uuid())
    of_row = sa.select(table.c.item_uuid).where(table.c.uuid == uuid)
    possible = sa.union_all(of_row, sa.select(uuid))
    item = items.alias()
    return sa.select(*selected_columns(source, viewer)).where(
        source.c.item_uuid.in_(possible),
        source.c.uuid == uuid,
        sa.exists().where(item.c.uuid == source.c.item_uuid, sees_item(viewer, item)),
    )


async def find_bitstream(
    context: Context,
    *,
    uuid: Annotated[UUID, strawberry.argument(description="UUID of the file.")],
) -> Any:
    """A file of an item by its UUID, in whichever revision it is.

    Null if it does not exist or the viewer cannot see its item.
    """
    return await _find_visible(context, files, bitstreams, uuid)


async def find_revision(context: Context, uuid: UUID) -> Any:
    """Return the revision with a UUID, unless it does not exist or its item is hidden."""
    return await _find_visible(context, revisions, item_revisions, uuid)


async def _find_visible(context: Context, source: sa.Subquery, table: sa.Table, uuid: UUID) -> Any:
    rows = await rows_by_uuid.rows(context.database, context.viewer, (), source, table, uuid=uuid)
    return rows[0] if rows else None


_revision_files = KeptStatement(
    lambda viewer: sa.select(*selected_columns(files, viewer)).where(
        in_bound_keys(files.c.item_uuid, KEYS),
        *in_revision(sa.bindparam("number", required=False, type_=sa.Integer)),
    ),
    sa.Row,
)


async def only_files_of(
    context: Context, item_uuids: Collection[UUID], revision: int
) -> dict[UUID, ServedFile]:
    """Return the file of that revision of each item, of the items where it has a single file."""
    by_item: dict[UUID, list[Any]] = defaultdict(list)
    for row in await _revision_files.rows(
        context.database, context.viewer, item_uuids, number=revision
    ):
        by_item[row.item_uuid].append(row)
    return {
        uuid: ServedFile(*(getattr(rows[0], name) for name in _SERVED))
        for uuid, rows in by_item.items()
        if len(rows) == 1
    }


@batch("bitstream_uuid")
async def bitstream_by_uuid(context: Context, keys: list[UUID | None]) -> list[Any]:
    """Load files by their UUIDs."""
    return [uuid and await find_bitstream(context, uuid=uuid) for uuid in keys]


@batch(*(files.c[name] for name in _SERVED[:-1]), is_restricted, work=5)
async def signed_url_of(
    context: Context,
    keys: list[tuple[Any, ...]],
    *,
    lifetime: Lifetime = None,
    disposition: Disposition = SignedUrlDisposition.ATTACHMENT,
) -> list[SignedRequest | None]:
    """Sign URLs of files; None for those that cannot be reached."""
    return await sign_files(context, [ServedFile(*key) for key in keys], lifetime, disposition)


@dataclass(frozen=True, slots=True)
class ContentTotals:
    """Number and size of an item's files, and the size of those that only older revisions have."""

    files: int
    total_size: int
    older_size: int


class _Counted(NamedTuple):
    file_count: int | None
    url: str | None
    is_placeholder: bool


def count_files(row: Any) -> int:
    """Return the number of files of an item's head."""
    if row.file_count is not None:
        return int(row.file_count)
    return int(row.url is not None and not row.is_placeholder)


file_count_of = Computed((items.c.file_count, items.c.url, items.c.is_placeholder), count_files)
revision_number_of = Computed(
    (items.c.revision_number, items.c.file_count, items.c.url, items.c.is_placeholder),
    lambda row: 0 if row.file_count is None and not count_files(row) else row.revision_number,
)
all_size_of = Computed(
    (folder_counters.c.total_size, folder_counters.c.older_size),
    lambda totals: totals.total_size + totals.older_size,
)


@batch(
    *(items.c[name] for name in ("file_count", "url", "is_placeholder", "file_size", "older_size"))
)
async def content_of(_context: Context, keys: list[tuple[Any, ...]]) -> list[ContentTotals]:
    """Return the totals of items, which their rows have."""
    return [
        ContentTotals(count_files(_Counted(*counted)), size or 0, older)
        for *counted, size, older in keys
    ]
