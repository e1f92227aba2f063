"""Sources get their placeholders: those that they name are checked, for objects and URLs others are made."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import EffectiveRole, require_role, roles_on_items
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_item
from gateway.catalog.ingestion.file_groups import default_group_name
from gateway.catalog.ingestion.placeholders import (
    UNNAMED_TYPE,
    ExpectedFile,
    add_placeholders,
    placeholder_rows,
    uploads_of,
)
from gateway.catalog.ingestion.unit_plan import (
    OBJECT_URL,
    UnitMember,
    UnitPlan,
    UnitSource,
    is_own_object,
)
from gateway.catalog.integrations import find_integration
from gateway.catalog.items import locked_items
from gateway.catalog.rules.names import name_in_url
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.errors import DomainError, bad_input, conflict, not_found
from gateway.kinds.enums import StorageUserRole
from gateway.models.folders import folders
from gateway.models.items import items, stored_objects
from gateway.models.uploads import uploads


async def source_errors(
    transaction: Transaction,
    viewer: Viewer,
    folder_uuid: UUID,
    sources: Sequence[UnitSource],
    unit_uuids: Collection[UUID] = (),
) -> list[DomainError]:
    """What is wrong with the placeholders and objects that sources name; both are held from now on.

    A placeholder is free, or belongs to one of these units already.
    """
    named = [one for one in sources if one.placeholder_uuid]
    faults = await _placeholder_faults(transaction, folder_uuid, named, unit_uuids)
    ours = [one for one in sources if is_own_object(one.object_url)]
    objects = await _readable_objects(transaction, viewer, [_key_in(one) for one in ours])
    return faults + [
        not_found("object in our own store", *one.path)
        for one in ours
        if _key_in(one) not in objects
    ]


async def member_errors(
    transaction: Transaction, viewer: Viewer, members: Sequence[UnitMember]
) -> list[DomainError]:
    """What is wrong with items that are there already: they must be ready, and the viewer must be USER on them.

    Seeing them does not suffice: what is a member of something cannot be removed before that.
    """
    if not members:
        return []
    held = {
        row.uuid: row
        for row in await locked_items(transaction, {member.uuid for member in members})
    }
    roles = await roles_on_items(transaction.connection, viewer, held)
    found = (
        _member_fault(member, held.get(member.uuid), roles.get(member.uuid)) for member in members
    )
    return [fault for fault in found if fault]


async def bind_sources(
    transaction: Transaction,
    viewer: Viewer,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    sources: Sequence[UnitSource],
    integration_uuid: UUID | None,
) -> None:
    """Make placeholders for the objects and URLs of sources without fault; they are the user's.

    URLs that are not of our own store lie in the integration, if there is one.
    """
    named = [one for one in sources if one.placeholder_uuid is None]
    ours = [_key_in(one) for one in named if is_own_object(one.object_url)]
    objects = await _readable_objects(transaction, viewer, ours)
    integration = integration_uuid and await find_integration(transaction, integration_uuid)
    made = [
        _expected(user_uuid, folder_uuid, one, objects[_key_in(one)])
        if is_own_object(one.object_url)
        else _expected_elsewhere(user_uuid, folder_uuid, one, integration)
        for one in named
    ]
    await add_placeholders(transaction, user_uuid, folder_uuid, made)


async def bind_sequence_videos(
    transaction: Transaction, user_uuid: UUID | None, folder_uuid: UUID, plans: Collection[UnitPlan]
) -> None:
    """Make placeholders for the videos that image sequences lack; the bytes will be ours."""
    made = []
    for plan in plans:
        if plan.needs_video:
            name = plan.title or default_group_name(plan.item_type)
            file = ExpectedFile(
                name, plan.item_type, None, UNNAMED_TYPE, None, plan.client_metadata or {}
            )
            row, upload = placeholder_rows(user_uuid, folder_uuid, file, None)
            plan.video_uuid = row["uuid"]
            made.append((row, upload))
    await add_placeholders(transaction, user_uuid, folder_uuid, made)


async def claim_placeholders(
    transaction: Transaction, plans: Sequence[tuple[UUID, UnitPlan]]
) -> None:
    """From now on the uploads of these placeholders belong to their units."""
    mine = sa.bindparam("mine", type_=uploads.c.item_uuid.type)
    unit = sa.bindparam("unit", type_=uploads.c.unit_uuid.type)
    statement = sa.update(uploads).where(uploads.c.item_uuid == mine).values(unit_uuid=unit)
    claims = [
        {"mine": placeholder, "unit": uuid}
        for uuid, plan in plans
        for placeholder in (plan.video_uuid, *(source.placeholder_uuid for source in plan.sources))
        if placeholder
    ]
    if claims:
        await transaction.execute(statement, claims)


def _member_fault(member: UnitMember, row: Any, held: EffectiveRole | None) -> DomainError | None:
    try:
        require_role(held, StorageUserRole.USER, "item", *member.path)
    except DomainError as error:
        return error
    if member.item_type not in (None, row.item_type):
        return bad_input(f"This must be an item of type {member.item_type}.", *member.path)
    if row.is_placeholder or row.is_tombstone:
        return conflict("This item is not yet processed, or gone.", *member.path)
    return None


async def _placeholder_faults(
    transaction: Transaction,
    folder_uuid: UUID,
    sources: Sequence[UnitSource],
    unit_uuids: Collection[UUID],
) -> list[DomainError]:
    if not sources:
        return []
    uuids = {source.placeholder_uuid for source in sources if source.placeholder_uuid}
    below = await transaction.rows(
        sa.select(folders.c.uuid).where(folders.c.parent_uuid == folder_uuid)
    )
    homes = {folder_uuid, *(row.uuid for row in below)}
    rows = {
        row.uuid: row for row in await locked_items(transaction, uuids) if row.folder_uuid in homes
    }
    expected = await uploads_of(transaction, uuids)
    free = {uuid for uuid, upload in expected.items() if upload.unit_uuid in {None, *unit_uuids}}
    faults = []
    for source in sources:
        row = rows.get(source.placeholder_uuid) if source.placeholder_uuid else None
        if row is None or row.uuid not in expected:
            faults.append(not_found("placeholder in this folder", *source.path))
        elif row.uuid not in free:
            faults.append(bad_input("This placeholder is used already.", *source.path))
        elif row.item_type is not source.item_type:
            said = f"This placeholder was announced as {row.item_type}, not {source.item_type}."
            faults.append(bad_input(said, *source.path))
        else:
            free.remove(row.uuid)
    return faults


def _key_in(source: UnitSource) -> str:
    """The key in the URL of an object in our own store."""
    return (source.object_url or "").removeprefix(OBJECT_URL)


async def _readable_objects(
    transaction: Transaction, viewer: Viewer, keys: Collection[str]
) -> dict[str, Any]:
    """The stored objects with these keys that the viewer can read, each with a name and type from such an item.

    They are held, so that they do not leave before they are referred to.
    """
    if not keys:
        return {}
    having = items.alias()
    first = sa.select(having.c.uuid).where(
        having.c.object_key == stored_objects.c.key, sees_item(viewer, having)
    )
    first = first.order_by(having.c.uuid).limit(1)
    found = (
        sa.select(stored_objects, items.c.name, items.c.mime_type)
        .select_from(stored_objects)
        .join(items, items.c.uuid == first.correlate(stored_objects).scalar_subquery())
        .where(
            in_keys(stored_objects.c.key, set(keys)),
            ~stored_objects.c.is_leaving,
        )
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
        .with_for_update(read=True, key_share=True, of=stored_objects)
    )
    return {row.key: row for row in await transaction.rows(found)}


def _expected(
    user_uuid: UUID | None, folder_uuid: UUID, source: UnitSource, found: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A placeholder for a stored object, and its upload, which is there already."""
    file = ExpectedFile(
        found.name,
        source.item_type,
        found.file_size,
        found.mime_type or UNNAMED_TYPE,
        found.sha256,
        {},
    )
    row, upload = placeholder_rows(user_uuid, folder_uuid, file, found.key)
    source.placeholder_uuid = row["uuid"]
    return row, upload


def _expected_elsewhere(
    user_uuid: UUID | None, folder_uuid: UUID, source: UnitSource, integration: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A placeholder for a file that lies elsewhere, of which nothing is known yet."""
    url = source.object_url or ""
    name = source.title or name_in_url(url)
    file = ExpectedFile(name, source.item_type, None, UNNAMED_TYPE, None, {}, url, integration)
    row, upload = placeholder_rows(user_uuid, folder_uuid, file, None)
    source.placeholder_uuid = row["uuid"]
    return row, upload
