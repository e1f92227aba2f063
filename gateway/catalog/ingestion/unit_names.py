"""Names of the items that a job will create, chosen when it starts.

Single files get their placeholders for that, which hold the names until the items are there.
"""

from collections.abc import Sequence
from uuid import UUID

from gateway.auth.viewer import Viewer
from gateway.catalog.folders import lock_folders
from gateway.catalog.ingestion.bind_sources import bind_sources
from gateway.catalog.ingestion.unit_plan import UnitPlan
from gateway.catalog.items import lock_items, update_items
from gateway.catalog.taken_names import WantedName, choose_names
from gateway.database.engine import Transaction
from gateway.errors import DomainError
from gateway.kinds.enums import IfNameTaken, NameOutcome


async def name_units(
    transaction: Transaction,
    viewer: Viewer,
    folder_uuid: UUID,
    plans: Sequence[UnitPlan],
    rule: IfNameTaken,
    integration_uuid: UUID | None,
) -> list[DomainError]:
    """Choose the names of single files and of groups that were given one; return what is refused.

    The plans have been checked, and the caller has locked the folder. Files that become part of
    items are not named in the folder, and the files of groups keep their names.
    """
    if rule is IfNameTaken.ALLOW_DUPLICATE:
        return []
    named = [plan for plan in plans if not plan.target and (plan.title or not plan.is_group)]
    files = [plan.sources[0] for plan in named if not plan.is_group]
    user_uuid = viewer.user_uuid
    await bind_sources(transaction, viewer, user_uuid, folder_uuid, files, integration_uuid)
    uuids = {file.placeholder_uuid for file in files if file.placeholder_uuid}
    rows = {row.uuid: row for row in await lock_items(transaction, uuids)}
    await lock_folders(transaction, {row.folder_uuid for row in rows.values()})
    wanted = []
    for plan in named:
        row = rows.get(plan.item_uuid) if plan.item_uuid else None
        home = row.folder_uuid if row else plan.home or folder_uuid
        name = plan.name or (row.name if row else "")
        path = plan.path if plan.is_group else plan.sources[0].path
        wanted.append(WantedName(home, name, is_folder=False, path=path))
    chosen = await choose_names(transaction, viewer, wanted, rule, renamed=uuids)
    values = {}
    for plan, choice in zip(named, chosen, strict=True):
        if plan.is_group:
            plan.title = choice.name
            continue
        file = plan.sources[0]
        if file.title or choice.outcome is NameOutcome.RENAMED:
            file.title = choice.name
        if file.placeholder_uuid:
            values[file.placeholder_uuid] = {"name": choice.name}
    if not (errors := [choice.error for choice in chosen if choice.error]):
        await update_items(transaction, user_uuid, values, rows)
    return errors
