"""Rows are written only to columns that exist, under names that stay the same."""

from typing import Any
from uuid import UUID

import pytest

from gateway.catalog.grants import DATASET_USERS, GROUP_GRANTS
from gateway.catalog.ledger.row_edits import set_columns, update_rows
from gateway.database.engine import Database
from gateway.models.base import new_row
from gateway.models.people import GroupRecord, MembershipRecord, groups

SOME = UUID(int=1)


def test_new_rows_have_all_columns() -> None:
    row = new_row(GroupRecord, name="a", name_key="a")
    assert row.keys() == set(groups.c.keys())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"group_uuid": SOME, "user_uuid": SOME, "role": 1}, "MembershipRecord has no role"),
        ({"group_uuid": SOME}, "MembershipRecord needs user_uuid"),
    ],
)
def test_new_rows_with_unknown_or_missing_columns_are_rejected(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        new_row(MembershipRecord, **values)


async def test_updates_of_unknown_columns_are_rejected(database: Database) -> None:
    """SQLAlchemy alone ignores unknown names in the parameters of many rows."""
    async with database.writing() as transaction:
        for write in (set_columns, update_rows):
            with pytest.raises(TypeError, match="groups has no descripion"):
                await write(transaction, groups, {SOME: {"name": "a", "descripion": "b"}})


def test_names_of_grants_in_the_journal_are_stable() -> None:
    """Clients filter the journal by them; they differ from the names of row classes."""
    names = [grants.object_type for grants in (*GROUP_GRANTS, DATASET_USERS)]
    assert names == ["FolderGrant", "DatasetGrant", "IntegrationGrant", "DatasetGrant"]
