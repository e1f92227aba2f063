"""The record of changes: one row a changed object, in the transaction of the change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.engine import Transaction
from gateway.models.base import new_row
from gateway.models.changes import Change, changes

_SHORT = 1000


@dataclass(frozen=True, slots=True)
class Changed:
    """What happened to one object; `before` and `after` hold what was different."""

    action: str
    object_type: str
    object_uuid: UUID
    folder_uuid: UUID | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


async def record(transaction: Transaction, user_uuid: UUID | None, changed: Iterable[Changed]) -> None:
    """Write the rows of one mutation or task; `user_uuid` is None where no person did it."""
    rows = [
        new_row(
            Change,
            user_uuid=user_uuid,
            action=one.action,
            object_type=one.object_type,
            object_uuid=one.object_uuid,
            folder_uuid=one.folder_uuid,
            before=_brief(one.before),
            after=_brief(one.after),
        )
        for one in changed
    ]
    if rows:
        await transaction.execute(sa.insert(changes), rows)


def _brief(values: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: _plain(value) for name, value in values.items()} or None


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:_SHORT]
