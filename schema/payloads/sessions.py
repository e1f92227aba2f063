"""Payloads of mutations of sessions and second factors."""

from __future__ import annotations

from datetime import datetime

import strawberry

from resolvers.people import api_key_by_uuid, user_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.people import ApiKey, User

_TOKEN = (
    "The secret token, to be sent as `Authorization: Bearer …`. Store it: it is returned only once."
)


@row_type()
@strawberry.type(description="Result of `createSession`.")
class CreateSessionPayload:
    session: ApiKey | None = resolved(api_key_by_uuid, "The new session.")
    token: str | None = column(_TOKEN)
    expires_at: datetime | None = column("When the session expires, in UTC.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `enrolOneTimePassword`.")
class EnrolOneTimePasswordPayload:
    uri: str | None = column(
        "The URI `otpauth://…` from which apps read the secret, to be shown as a QR code."
    )
    recovery_codes: list[str] | None = column(
        "At most 10 codes, each of which stands for a one-time password once."
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `confirmOneTimePassword`.")
class ConfirmOneTimePasswordPayload:
    user: User | None = resolved(user_by_uuid, "The viewer.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `resetOneTimePassword`.")
class ResetOneTimePasswordPayload:
    user: User | None = resolved(user_by_uuid, "The user.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `rotateApiKey`.")
class RotateApiKeyPayload:
    api_key: ApiKey | None = resolved(api_key_by_uuid, "The key.")
    token: str | None = column(_TOKEN)
    user_errors: list[UserError] = column(USER_ERRORS)
