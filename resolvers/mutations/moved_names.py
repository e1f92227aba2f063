"""Names of what is moved, copied or shared into a folder in which they may be taken."""

from collections.abc import Mapping
from uuid import UUID

from gateway.catalog.taken_names import WantedName, choose_names
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import bad_input
from gateway.kinds.enums import IfNameTaken, NameOutcome
from gateway.models.folders import FolderRecord
from gateway.models.items import ItemRecord
from resolvers.bulk import Bulk


def check_moving_rule(rule: IfNameTaken) -> None:
    """Raise an error for the rule that does not apply to what exists."""
    if rule is IfNameTaken.REUSE:
        message = "REUSE is for what is created. Use RENAME, REFUSE or ALLOW_DUPLICATE."
        raise bad_input(message, "ifNameTaken")


def check_sharing_rule(rule: IfNameTaken) -> None:
    """Raise an error for rules that do not apply to what has the same name in all its folders."""
    if rule not in (IfNameTaken.ALLOW_DUPLICATE, IfNameTaken.REFUSE):
        message = "An item has one name in all its folders. Use REFUSE or ALLOW_DUPLICATE."
        raise bad_input(message, "ifNameTaken")


async def moved_names(
    context: Context,
    transaction: Transaction,
    rule: IfNameTaken,
    home: UUID | None,
    bulk: Bulk,
    rows: Mapping[UUID, FolderRecord] | Mapping[UUID, ItemRecord],
    field: str,
    *,
    are_folders: bool,
    are_copied: bool = False,
) -> dict[UUID, str]:
    """Return the new names of entries that get another one; refused ones get an error.

    The caller has locked the folder, and then what moves into it. `rows` has what is not there yet,
    or what is copied there: the name of a copy can be taken by its original.
    """
    moving = [
        (index, rows[uuid])
        for index, uuid in enumerate(bulk.uuids)
        if index not in bulk.errors and uuid in rows
    ]
    wanted = [
        WantedName(
            home, row.name, are_folders, (field, index), own=None if are_copied else row.uuid
        )
        for index, row in moving
    ]
    choices = await choose_names(transaction, context.viewer, wanted, rule)
    renamed = {}
    for (index, row), choice in zip(moving, choices, strict=True):
        if choice.error:
            bulk.errors[index] = choice.error
        elif choice.outcome is NameOutcome.RENAMED:
            renamed[row.uuid] = choice.name
    return renamed
