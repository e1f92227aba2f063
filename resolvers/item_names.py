"""The root field that tells whether a folder has an item of a name."""

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.visibility import in_visible_folder
from gateway.catalog.rules.names import MAX_NAME
from gateway.context import Context
from gateway.database.searches import has_text_as_name
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.models.items import items
from gateway.models.shares import item_shares


async def item_exists(
    context: Context,
    *,
    folder_uuid: Annotated[UUID, strawberry.argument(description="UUID of the folder.")],
    name: Annotated[
        str,
        strawberry.argument(
            description="The exact name, at most 1,000 characters; case-sensitive, but however its "
            "letters are composed."
        ),
    ],
) -> bool:
    """Whether an item of a name is directly in a folder that the viewer can see.

    Items that are shared into the folder count, and so do placeholders and tombstones.
    """
    if len(name) > MAX_NAME:
        raise bad_input(sized("name", 0, MAX_NAME, len(name)), "name")
    folder = sa.literal(folder_uuid, sa.Uuid())
    named = has_text_as_name(items, name)
    shared = item_shares.join(items, items.c.uuid == item_shares.c.item_uuid)
    is_named = sa.or_(
        sa.exists().where(items.c.folder_uuid == folder, named),
        sa.exists().select_from(shared).where(item_shares.c.folder_uuid == folder, named),
    )
    exists = sa.select(sa.literal(1)).where(in_visible_folder(context.viewer, folder), is_named)
    return bool(await context.database.rows(exists, sa.Row))
