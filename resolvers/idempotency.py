"""Idempotency keys: a mutation that is sent again with the same key and input is not run again.

The outcome is stored as a small JSON object for 24 hours. Its keys are part of the database and do
not change: an outcome that one release stored must be readable by the next.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import Field, asdict
from datetime import timedelta
from typing import Any, ClassVar, Protocol, TypeVar, cast
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.clock import SITE_CLOCK
from gateway.context import Context
from gateway.database.dialects import upsert
from gateway.database.engine import Transaction
from gateway.error_texts import sized
from gateway.errors import bad_input, conflict
from gateway.models.uploads import IdempotencyKeyRecord, idempotency_keys
from resolvers.permissions import Permissions

LIFETIME = timedelta(hours=24)
MAX_KEY = 200
Stored = TypeVar("Stored", bound=Mapping[str, Any])
"""The `TypedDict` of a stored outcome."""


class RepeatableInput(Protocol):
    """A mutation's input with an idempotency key."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    idempotency_key: str | None


async def run_once(
    context: Context,
    transaction: Transaction,
    mutation: str,
    input: RepeatableInput,
    run: Callable[[], Awaitable[Stored]],
    permissions: Permissions | None = None,
) -> Stored:
    """Return what `run` returns, and run it only once for each idempotency key.

    Args:
        mutation: the name under which the outcome is stored.
        run: makes the change in `transaction` and returns the outcome to store, as plain JSON.
        permissions: those that `run` checks, which a replay does not check again.

    Raises:
        DomainError: the key is malformed, or was used with another input.
    """
    key = input.idempotency_key
    if key is None:
        return await run()
    matches = _matches(context, mutation, key)
    expired = idempotency_keys.c.created_at < SITE_CLOCK.long_before(LIFETIME)
    await transaction.execute(sa.delete(idempotency_keys).where(matches, expired))
    row = IdempotencyKeyRecord(
        user_uuid=context.viewer.user_uuid,
        mutation=mutation,
        key=key,
        input_sha256=_digest(input),
        outcome={},
    )
    # Of two requests at the same time, the second waits here until the first has committed.
    statement = (
        upsert(transaction.connection, idempotency_keys)
        .values(row.model_dump())
        .on_conflict_do_nothing()
    )
    if await transaction.first(statement.returning(idempotency_keys.c.key), IdempotencyKeyRecord):
        outcome = await run()
        await transaction.execute(
            sa.update(idempotency_keys).where(matches).values(outcome=outcome)
        )
        return outcome
    stored = await transaction.single(
        sa.select(idempotency_keys).where(matches), IdempotencyKeyRecord
    )
    if permissions:
        permissions.accept_replay()
    return cast("Stored", _outcome(stored, input))


async def create_once(
    context: Context,
    transaction: Transaction,
    mutation: str,
    input: RepeatableInput,
    name: str,
    create: Callable[[], Awaitable[UUID]],
    permissions: Permissions | None = None,
) -> UUID:
    """Return the UUID of the object that `create` creates, once for each idempotency key.

    The stored outcome is `{name: uuid}`.
    """

    async def run() -> dict[str, str]:
        return {name: str(await create())}

    return UUID((await run_once(context, transaction, mutation, input, run, permissions))[name])


async def replay(
    context: Context,
    mutation: str,
    input: RepeatableInput,
    kind: type[Stored],
    permissions: Permissions,
) -> Stored | None:
    """Return the outcome that `run_once` stored for this request, or None.

    It is for mutations that must not repeat their work before the transaction. `kind` is the
    `TypedDict` of the outcome, for the type checker only.
    """
    if input.idempotency_key is None:
        return None
    matches = _matches(context, mutation, input.idempotency_key)
    recent = idempotency_keys.c.created_at >= SITE_CLOCK.long_before(LIFETIME)
    rows = await context.database.rows(
        sa.select(idempotency_keys).where(matches, recent), IdempotencyKeyRecord
    )
    if not rows:
        return None
    permissions.accept_replay()
    return cast("Stored", _outcome(rows[0], input))


def _matches(context: Context, mutation: str, key: str) -> sa.ColumnElement[bool]:
    if not 1 <= len(key) <= MAX_KEY:
        raise bad_input(sized("idempotencyKey", 1, MAX_KEY, len(key)), "idempotencyKey")
    return sa.and_(
        idempotency_keys.c.user_uuid == context.viewer.user_uuid,
        idempotency_keys.c.mutation == mutation,
        idempotency_keys.c.key == key,
    )


def _outcome(row: IdempotencyKeyRecord, input: RepeatableInput) -> dict[str, Any]:
    if row.input_sha256 != _digest(input):
        raise conflict(
            "The key has been used with a different input. Use a new key.", "idempotencyKey"
        )
    return dict(row.outcome)


def _digest(input: RepeatableInput) -> str:
    content = orjson.dumps(asdict(input), option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(content).hexdigest()
