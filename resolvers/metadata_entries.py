"""Entries of items' metadata, and the vocabulary that their keys are taken from."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.visibility import NEVER
from gateway.catalog.metadata_schema import declared_fields
from gateway.catalog.rules.metadata_entries import (
    MetadataEntryRow,
    MetadataValueType,
    declared_type,
    entries_of,
)
from gateway.catalog.rules.metadata_types import MAX_KEY
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution.declarations import batch
from gateway.models.items import items
from gateway.models.revisions import item_revisions


class _Metadata(NamedTuple):
    uuid: UUID
    client_metadata: Mapping[str, Any] | None


class MetadataTermRow(NamedTuple):
    """A declared key whose values are entries."""

    key: str
    element: str
    qualifier: str | None
    type: MetadataValueType


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
    """The keys of metadata entries, sorted; at most 1,000.

    These are the keys of the metadata schema whose values are not nested. Keys that are used
    without being declared are not listed: they could be those of items that the viewer cannot see.
    """
    if element is not None and len(element) > MAX_KEY:
        raise bad_input(sized("element", 0, MAX_KEY, len(element)), "element")
    terms = []
    for key, field in sorted((await declared_fields(context.database)).items()):
        value_type = declared_type(field)
        name, _, qualifier = key.partition(".")
        if value_type is None or type not in (None, value_type) or element not in (None, name):
            continue
        terms.append(MetadataTermRow(key, name, qualifier or None, value_type))
    return terms
