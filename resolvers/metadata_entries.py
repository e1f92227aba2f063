"""Entries of items' metadata, and the vocabulary of their keys."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER, in_visible_folder
from gateway.catalog.metadata_schema import declared_fields
from gateway.catalog.rules.metadata_entries import (
    RETYPED,
    MetadataEntryRow,
    MetadataValueType,
    entries_of,
)
from gateway.catalog.rules.metadata_types import MAX_KEY
from gateway.context import Context
from gateway.database.dialects import in_few, in_keys
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution.declarations import batch
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.metadata import metadata_fields, metadata_keys
from gateway.models.revisions import item_revisions

_MOST_TERMS = 1000


class _Metadata(NamedTuple):
    uuid: UUID
    client_metadata: Mapping[str, Any] | None


class MetadataTermRow(NamedTuple):
    """A key in use, with a type of its values."""

    key: str
    type: MetadataValueType

    @property
    def element(self) -> str:
        """The first part of the key."""
        return self.key.partition(".")[0]

    @property
    def qualifier(self) -> str | None:
        """The rest of the key; None if it has one part only."""
        return self.key.partition(".")[2] or None


@batch(items.c.uuid)
async def entries_of_items(
    context: Context,
    keys: list[UUID],
    *,
    revision: Annotated[
        int | None,
        strawberry.argument(description="Number of the revision to read; the newest if omitted."),
    ] = None,
) -> Sequence[list[MetadataEntryRow] | None]:
    """Load the entries of items; None for those that have no such revision."""
    read = sa.select(items.c.uuid, items.c.client_metadata).where(in_keys(items.c.uuid, keys))
    rows = await context.database.rows(
        read if revision is None else _of_revision(keys, revision), _Metadata
    )
    fields = await declared_fields(context.database) if rows else {}
    entries = {row.uuid: entries_of(row.client_metadata or {}, fields) for row in rows}
    return [entries.get(key) for key in keys]


def _of_revision(keys: list[UUID], number: int) -> sa.Select[Any]:
    """Return the statement for the metadata of a revision: that of the item if it is the head.

    The only revision of an item without rows of revisions is the first.
    """
    is_numbered = sa.and_(
        item_revisions.c.item_uuid == items.c.uuid, item_revisions.c.number == number
    )
    any_revision = item_revisions.alias()
    has_none = ~sa.exists().where(any_revision.c.item_uuid == items.c.uuid)
    exists = sa.or_(item_revisions.c.uuid.is_not(None), has_none if number == 1 else NEVER)
    own = items.c.client_metadata
    metadata = sa.func.coalesce(item_revisions.c.client_metadata, own, type_=own.type)
    return (
        sa.select(items.c.uuid, metadata.label("client_metadata"))
        .select_from(items.outerjoin(item_revisions, is_numbered))
        .where(in_keys(items.c.uuid, keys), exists)
    )


async def metadata_vocabulary(
    context: Context,
    *,
    type: Annotated[
        MetadataValueType | None, strawberry.argument(description="Only keys of this type.")
    ] = None,
    element: Annotated[
        str | None, strawberry.argument(description="Only keys with this element.")
    ] = None,
) -> list[MetadataTermRow]:
    """The keys of metadata entries in use, sorted by key and type; at most 1,000.

    These are the keys that items in folders have that the viewer can see, by the types of their
    values: `TEXT`, `LONG`, `DOUBLE` or `BOOLEAN`, or the type that the metadata schema declares, if
    it is a type of such values. Tombstones and placeholders do not count.
    """
    if element is not None and len(element) > MAX_KEY:
        raise bad_input(sized("element", 0, MAX_KEY, len(element)), "element")
    use, field = metadata_keys.c, metadata_fields.c
    is_declared = sa.and_(field.key == use.key, ~field.is_deleted)
    value_type = sa.case(
        *(
            (
                sa.and_(use.value_type == own.value, field.field_type == kind),
                sa.literal_column(f"'{declared.value}'"),
            )
            for own, kind, declared in RETYPED
        ),
        else_=use.value_type,
    )
    terms = (
        sa.select(use.key, value_type.label("type"))
        .select_from(metadata_keys.outerjoin(metadata_fields, is_declared))
        .where(_is_used_in_sight(context.viewer))
        .distinct()
        .order_by(use.key, value_type)
        .limit(_MOST_TERMS)
    )
    if type is not None:
        terms = terms.where(value_type == type.value)
    if element is not None:
        # The character after the dot is a slash.
        qualified = sa.and_(use.key > f"{element}.", use.key < f"{element}/")
        terms = terms.where(sa.or_(use.key == element, use.key == f"{element}.", qualified))
    return [
        MetadataTermRow(row.key, MetadataValueType(row.type))
        for row in await context.database.rows(terms, MetadataTermRow)
    ]


def _is_used_in_sight(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Return the condition that a key is in use in a folder that the viewer may see.

    Viewers without a credential see public folders only, which are few: it starts from these, so
    that what they can cost does not grow with all that is private.
    """
    if viewer.is_anonymous:
        public = sa.select(folders.c.uuid).where(folders.c.is_public)
        return in_few(metadata_keys.c.folder_uuid, public)
    return in_visible_folder(viewer, metadata_keys.c.folder_uuid)
