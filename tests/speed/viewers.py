"""The viewers for whom lists are measured: of everything, of a hundredth of all folders, and of one folder."""

from enum import StrEnum

import sqlalchemy as sa

from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import new_row
from gateway.models.folders import FolderGrantRecord, folder_counters, folder_grants, folders
from gateway.models.people import UserRecord, users


class SpeedViewer(StrEnum):
    """A viewer, by the address of their user."""

    EVERYTHING = "member01@example.org"
    """Groups of this member can see all roots, and every statement must check that."""
    PART = "part@example.org"
    FOLDER = "folder@example.org"


async def add_viewers(transaction: Transaction) -> None:
    """Add the users who see little, with their grants."""
    [total] = (await transaction.execute(sa.select(sa.func.count()).select_from(folders))).scalars()
    leaves = (
        sa.select(folders.c.uuid)
        .join(folder_counters)
        .where(folder_counters.c.folders == 0)
        .order_by(folder_counters.c.files.desc(), folders.c.uuid)
    )
    part = leaves.offset(1).limit(max(total // 100, 2))
    for viewer, chosen in ((SpeedViewer.PART, part), (SpeedViewer.FOLDER, leaves.limit(1))):
        row = new_row(UserRecord, email=viewer, email_key=viewer, name=viewer.name.capitalize())
        await transaction.execute(sa.insert(users), [row])
        grants = [
            new_row(FolderGrantRecord, folder_uuid=folder, user_uuid=row["uuid"], role=StorageUserRole.VIEWER)
            for folder in (await transaction.execute(chosen)).scalars()
        ]
        await transaction.execute(sa.insert(folder_grants), grants)
