"""Second factors: enrol, confirm and reset them, and check one-time passwords.

A wrong password changes the row, so that a check is committed before its failure is reported.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.credentials import digest
from gateway.auth.one_time_passwords import (
    enrolment_uri,
    matching_step,
    new_recovery_codes,
    new_secret,
    plain_code,
)
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.clock import SITE_CLOCK, now
from gateway.clouds.vault import Vault
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, bad_input, conflict
from gateway.models.people import UserRecord
from gateway.models.second_factors import SecondFactorRecord, second_factors

ATTEMPTS = 5
LOCK = timedelta(minutes=15)
_FIELD = "oneTimePassword"


class Enrolment(NamedTuple):
    """Secrets that a user is shown once: the URI for their app, and their recovery codes."""

    uri: str
    recovery_codes: list[str]


async def enrol(transaction: Transaction, vault: Vault, user: UserRecord, issuer: str) -> Enrolment:
    """Give a locked user a second factor, which has to be confirmed.

    Raises:
        DomainError: `CONFLICT`, if they have one that is confirmed.
    """
    present = await lock_factor(transaction, user.uuid)
    if present and present.confirmed_at:
        raise conflict("The user has a second factor already. A site admin can reset it.")
    await transaction.execute(
        sa.delete(second_factors).where(second_factors.c.user_uuid == user.uuid)
    )
    secret, codes = new_secret(), new_recovery_codes()
    row = SecondFactorRecord(
        user_uuid=user.uuid, secret="", recovery=[digest(plain_code(code)) for code in codes]
    )
    row.secret = vault.seal(row.uuid, secret)
    await transaction.execute(sa.insert(second_factors).values(row.model_dump()))
    return Enrolment(enrolment_uri(secret, issuer, user.email), codes)


async def lock_factor(transaction: Transaction, user_uuid: UUID) -> SecondFactorRecord | None:
    """Lock the second factor of a user until the transaction ends; None if there is none."""
    statement = sa.select(second_factors).where(second_factors.c.user_uuid == user_uuid)
    return await transaction.first(statement.with_for_update(), SecondFactorRecord)


async def check_password(
    transaction: Transaction, vault: Vault, user_uuid: UUID, password: str, *, confirms: bool
) -> DomainError | None:
    """Use a one-time password or recovery code of a user, and return why it was not accepted.

    The caller commits in any case, and raises the error then.

    Args:
        confirms: whether this is the first password, which confirms the second factor.
    """
    row = await lock_factor(transaction, user_uuid)
    if row is None or (row.confirmed_at is None and not confirms):
        return conflict("The user has no confirmed second factor: enrol one first.", _FIELD)
    if row.confirmed_at and confirms:
        return conflict("The second factor is confirmed already.", _FIELD)
    moment = now()
    if row.locked_until and row.locked_until > moment:
        message = f"Too many wrong passwords. Try again at {row.locked_until:%FT%TZ}."
        return DomainError(ErrorCode.LIMIT_EXCEEDED, message, (_FIELD,))
    step = matching_step(
        vault.open(row.uuid, row.secret), password, SITE_CLOCK.time(), row.last_step
    )
    code = digest(plain_code(password))
    if step is not None:
        values = {"last_step": step, "failures": 0, "confirmed_at": row.confirmed_at or moment}
    elif code in row.recovery and not confirms:
        values = {"recovery": [each for each in row.recovery if each != code], "failures": 0}
    elif row.failures + 1 < ATTEMPTS:
        values = {"failures": row.failures + 1}
    else:
        values = {"failures": 0, "locked_until": moment + LOCK}
    await transaction.execute(
        sa.update(second_factors).where(second_factors.c.uuid == row.uuid).values(values)
    )
    if "last_step" in values and confirms:
        entry = JournalEntry("UPDATE", "User", user_uuid, after={"second_factor": True})
        await journal.append(transaction, user_uuid, [entry])
    if "last_step" in values or "recovery" in values:
        return None
    return bad_input("The one-time password is wrong, or has been used.", _FIELD)


async def reset(transaction: Transaction, admin_uuid: UUID, user_uuid: UUID) -> None:
    """Remove the second factor of a user, if they have one."""
    removed = sa.delete(second_factors).where(second_factors.c.user_uuid == user_uuid)
    if (await transaction.execute(removed)).rowcount:
        entry = JournalEntry("UPDATE", "User", user_uuid, after={"second_factor": False})
        await journal.append(transaction, admin_uuid, [entry])
