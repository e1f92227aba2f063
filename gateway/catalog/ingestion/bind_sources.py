"""Binding of sources: what they name is checked, and sources that are URLs get placeholders."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import masked_trees, sees_identity_of
from gateway.auth.roles import require_role, roles_on_items
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_item
from gateway.catalog.ingestion.file_groups import default_group_name
from gateway.catalog.ingestion.placeholders import (
    ExpectedFile,
    PlaceholderRows,
    add_placeholders,
    placeholder_rows,
    uploads_of,
)
from gateway.catalog.ingestion.unit_plan import UnitMember, UnitPlan, UnitSource
from gateway.catalog.integrations import find_integration
from gateway.catalog.items import lock_items, unusable_reason
from gateway.catalog.rules.names import name_in_url
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.error_texts import leaves_masked_tree
from gateway.errors import DomainError, bad_input, conflict, forbidden, not_found
from gateway.kinds.enums import StorageUserRole
from gateway.kinds.media_types import UNNAMED_TYPE
from gateway.models.folders import FolderRecord, folders
from gateway.models.integrations import CloudIntegrationRecord
from gateway.models.items import items, stored_objects
from gateway.models.uploads import uploads


class _NamedObject(NamedTuple):
    """A stored object, with the name and type of an item that has it."""

    key: str
    sha256: str
    file_size: int
    name: str
    mime_type: str | None


async def member_errors(
    transaction: Transaction, viewer: Viewer, folder_uuid: UUID, members: Sequence[UnitMember]
) -> list[DomainError]:
    """Lock existing items that are to become members, and return what is wrong with them.

    They must be processed, and the viewer needs USER on them: to see them is not enough, because
    a member cannot be deleted before its group. Members from a folder that is masked to the viewer
    can only be in a group of the same masked tree: a video may be made of them there.
    """
    if not members:
        return []
    locked = await lock_items(transaction, {each.uuid for each in members})
    rows = {row.uuid: row for row in locked}
    roles = await roles_on_items(transaction.connection, viewer, rows)
    homes = {row.folder_uuid for row in locked}
    trees = await masked_trees(transaction.connection, viewer, {*homes, folder_uuid})
    errors: list[DomainError] = []
    for member in members:
        try:
            role = roles.get(member.uuid)
            require_role(role, StorageUserRole.USER, "item", member.uuid, *member.path)
        except DomainError as error:
            errors.append(error)
            continue
        row = rows[member.uuid]
        tree = trees.get(row.folder_uuid)
        if tree is not None and tree != trees.get(folder_uuid):
            errors.append(forbidden(leaves_masked_tree("item"), *member.path))
        elif member.item_type not in (None, row.item_type):
            message = f"The item must be of type {member.item_type}, not {row.item_type}."
            errors.append(bad_input(message, *member.path))
        elif reason := unusable_reason(row):
            errors.append(conflict(reason, *member.path))
    return errors


async def source_errors(
    transaction: Transaction,
    viewer: Viewer,
    folder_uuid: UUID,
    sources: Sequence[UnitSource],
    unit_uuids: Collection[UUID] = (),
) -> list[DomainError]:
    """Lock the placeholders and objects that sources name, and return what is wrong with them.

    A placeholder must be unclaimed, or claimed by one of `unit_uuids`.
    """
    errors = await _placeholder_errors(
        transaction, folder_uuid, [each for each in sources if each.placeholder_uuid], unit_uuids
    )
    own = [(source, source.object_key) for source in sources]
    objects = await _readable_objects(transaction, viewer, [key for _, key in own if key])
    return errors + [
        not_found("stored object", source.object_url, *source.path)
        for source, key in own
        if key is not None and key not in objects
    ]


async def bind_sources(
    transaction: Transaction,
    viewer: Viewer,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    sources: Sequence[UnitSource],
    integration_uuid: UUID | None,
) -> None:
    """Create placeholders, owned by the user, for sources that have none, and set them.

    Those of sources that name their unit are claimed by it.

    `source_errors` has returned nothing for these sources. Remote URLs are in the store of the
    integration, if there is one.
    """
    unbound = [(source, source.object_key) for source in sources if not source.placeholder_uuid]
    objects = await _readable_objects(transaction, viewer, [key for _, key in unbound if key])
    integration: CloudIntegrationRecord | None = None
    if integration_uuid:
        integration = await find_integration(transaction, integration_uuid)
    placeholders: list[PlaceholderRows] = []
    for source, key in unbound:
        stored = objects[key] if key is not None else None
        if stored:
            mime_type = stored.mime_type or UNNAMED_TYPE
            file = ExpectedFile(
                stored.name, source.item_type, stored.file_size, mime_type, stored.sha256, {}
            )
        else:
            url = source.object_url or ""
            name = source.title or name_in_url(url)
            file = ExpectedFile(
                name, source.item_type, None, UNNAMED_TYPE, None, {}, url, integration
            )
        placeholder = placeholder_rows(user_uuid, folder_uuid, file, stored and stored.key)
        placeholder.upload["unit_uuid"] = source.unit_uuid
        source.placeholder_uuid = placeholder.item["uuid"]
        placeholders.append(placeholder)
    await add_placeholders(transaction, user_uuid, placeholders)


async def bind_sequence_videos(
    transaction: Transaction, user_uuid: UUID | None, folder_uuid: UUID, plans: Collection[UnitPlan]
) -> None:
    """Create placeholders for the videos of image sequences, which will be encoded."""
    placeholders: list[PlaceholderRows] = []
    for plan in plans:
        if plan.needs_video:
            name = plan.title or default_group_name(plan.item_type)
            metadata = plan.client_metadata or {}
            file = ExpectedFile(name, plan.item_type, None, UNNAMED_TYPE, None, metadata)
            placeholder = placeholder_rows(user_uuid, folder_uuid, file, None)
            plan.video_uuid = placeholder.item["uuid"]
            placeholders.append(placeholder)
    await add_placeholders(transaction, user_uuid, placeholders)


async def claim_placeholders(
    transaction: Transaction, plans: Sequence[tuple[UUID, UnitPlan]]
) -> None:
    """Assign the placeholders of plans to their units; from now on no other unit can use them."""
    placeholder = sa.bindparam("placeholder", type_=uploads.c.item_uuid.type)
    unit = sa.bindparam("unit", type_=uploads.c.unit_uuid.type)
    claim = sa.update(uploads).where(uploads.c.item_uuid == placeholder).values(unit_uuid=unit)
    claims = [
        {"placeholder": uuid, "unit": unit_uuid}
        for unit_uuid, plan in plans
        for uuid in plan.placeholder_uuids
    ]
    if claims:
        await transaction.execute(claim, claims)


async def _placeholder_errors(
    transaction: Transaction,
    folder_uuid: UUID,
    sources: Sequence[UnitSource],
    unit_uuids: Collection[UUID],
) -> list[DomainError]:
    """Lock placeholders, and return what is wrong with those of each source.

    They may be in any folder below.
    """
    if not sources:
        return []
    uuids = {source.placeholder_uuid for source in sources if source.placeholder_uuid}
    locked = await lock_items(transaction, uuids)
    top = folders.alias()
    in_tree = (
        sa.select(folders.c.uuid)
        .join(top, within(folders.c.path, top.c.path))
        .where(
            top.c.uuid == folder_uuid, in_keys(folders.c.uuid, {row.folder_uuid for row in locked})
        )
    )
    allowed = {row.uuid for row in await transaction.rows(in_tree, FolderRecord)}
    rows = {row.uuid: row for row in locked if row.folder_uuid in allowed}
    expected = await uploads_of(transaction, uuids)
    free = {uuid for uuid, upload in expected.items() if upload.unit_uuid in {None, *unit_uuids}}
    errors = []
    for source in sources:
        row = rows.get(source.placeholder_uuid) if source.placeholder_uuid else None
        if row is None or row.uuid not in expected:
            errors.append(
                not_found("placeholder in this folder", source.placeholder_uuid, *source.path)
            )
        elif row.uuid not in free:
            message = "The placeholder is already used by another file or job."
            errors.append(bad_input(message, *source.path))
        elif (
            source.item_type is not (announced := expected[row.uuid].item_type)
            and source.item_type
            and announced
        ):
            message = f"The placeholder is of type {announced}, not {source.item_type}."
            errors.append(bad_input(message, *source.path))
        elif expected[row.uuid].parts_id is not None:
            message = "Its parts have not been completed: call completeUploadParts first."
            errors.append(conflict(message, *source.path))
        else:
            source.file_size = expected[row.uuid].file_size
            free.remove(row.uuid)
    return errors


async def _readable_objects(
    transaction: Transaction, viewer: Viewer, keys: Collection[str]
) -> dict[str, _NamedObject]:
    """Lock stored objects that the viewer can read, and return them by key.

    The lock keeps them from being removed before they are referred to. Each has the name and type
    of the oldest such item.
    """
    if not keys:
        return {}
    item = items.alias()
    oldest = (
        sa.select(item.c.uuid)
        .where(
            item.c.object_key == stored_objects.c.key,
            sees_item(viewer, item),
            sees_identity_of(viewer, item),
        )
        .order_by(item.c.uuid)
        .limit(1)
        .correlate(stored_objects)
    )
    readable = (
        sa.select(stored_objects, items.c.name, items.c.mime_type)
        .select_from(stored_objects)
        .join(items, items.c.uuid == oldest.scalar_subquery())
        .where(in_keys(stored_objects.c.key, set(keys)), ~stored_objects.c.is_leaving)
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
        .with_for_update(read=True, key_share=True, of=stored_objects)
    )
    return {row.key: row for row in await transaction.rows(readable, _NamedObject)}
