"""Creating mutations that may be sent again: within 24 hours the same key and input give the same answer."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import upsert
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.models.base import now
from gateway.models.uploads import IdempotencyKeyRecord, idempotency_keys

LIFETIME = timedelta(hours=24)
MAX_KEY = 200


async def run_once(
    context: Context,
    transaction: Transaction,
    mutation: str,
    input: Any,
    work: Callable[[], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """What `work` answers, as plain JSON; with an `idempotency_key` in the input it is done once a key."""
    key = input.idempotency_key
    if key is None:
        return await work()
    mine = _mine(context, mutation, key)
    await transaction.execute(
        sa.delete(idempotency_keys).where(mine, idempotency_keys.c.created_at < now() - LIFETIME)
    )
    row = IdempotencyKeyRecord(
        user_uuid=context.viewer.user_uuid,
        mutation=mutation,
        key=key,
        input_sha256=_digest(input),
        outcome={},
    )
    # Of two requests at once, the second waits here until the first has committed.
    statement = (
        upsert(transaction.connection, idempotency_keys)
        .values(row.model_dump())
        .on_conflict_do_nothing()
    )
    if await transaction.first(statement.returning(idempotency_keys.c.key)):
        outcome = await work()
        await transaction.execute(sa.update(idempotency_keys).where(mine).values(outcome=outcome))
        return outcome
    return _outcome(await transaction.first(sa.select(idempotency_keys).where(mine)), input)


async def replay(context: Context, mutation: str, input: Any) -> dict[str, Any] | None:
    """What `run_once` kept of the same request; for mutations whose work before the transaction cannot be done again."""
    if input.idempotency_key is None:
        return None
    mine = _mine(context, mutation, input.idempotency_key)
    recent = idempotency_keys.c.created_at >= now() - LIFETIME
    rows = await context.database.rows(sa.select(idempotency_keys).where(mine, recent))
    return _outcome(rows[0], input) if rows else None


def _mine(context: Context, mutation: str, key: str) -> sa.ColumnElement[bool]:
    if not 1 <= len(key) <= MAX_KEY:
        raise bad_input(f"An idempotency key has 1 to {MAX_KEY} characters.", "idempotencyKey")
    return sa.and_(
        idempotency_keys.c.user_uuid == context.viewer.user_uuid,
        idempotency_keys.c.mutation == mutation,
        idempotency_keys.c.key == key,
    )


def _outcome(kept: Any, input: Any) -> dict[str, Any]:
    if kept.input_sha256 != _digest(input):
        raise DomainError(
            ErrorCode.CONFLICT, "This key was used with another input.", ("idempotencyKey",)
        )
    return dict(kept.outcome)


def _digest(input: Any) -> str:
    return hashlib.sha256(
        orjson.dumps(asdict(input), option=orjson.OPT_SORT_KEYS, default=str)
    ).hexdigest()
