"""Inputs of mutations of sessions and second factors."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import ApiKeyScope

ONE_TIME_PASSWORD = "The six digits that the user's app shows"


@strawberry.input(description="A new session.")
class CreateSessionInput:
    one_time_password: str | None = strawberry.field(
        default=None,
        description=f"{ONE_TIME_PASSWORD}, or one of their recovery codes. Required with a key that "
        "has `requiresOneTimePassword`; ignored otherwise.",
    )
    lifetime: int = strawberry.field(
        default=3600,
        description="Seconds for which the session is valid: 60 to 86,400. It ends no later than "
        "the credential of the request.",
    )
    scopes: list[ApiKeyScope] | None = strawberry.field(
        default=None,
        description="The scopes that the session has, at least one; null for all that the "
        "credential of the request has.",
    )
    folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the folder outside which the session shows nothing; null for no limit "
        "but that of the credential of the request.",
    )


@strawberry.input(description="A second factor for the viewer.")
class EnrolOneTimePasswordInput:
    issuer: str = strawberry.field(
        default="Storegraph",
        description="The name under which the app lists the site; 1 to 100 characters.",
    )


@strawberry.input(description="A first password of a new second factor.")
class ConfirmOneTimePasswordInput:
    one_time_password: str = strawberry.field(description=f"{ONE_TIME_PASSWORD}.")


@strawberry.input(description="The user whose second factor is removed.")
class ResetOneTimePasswordInput:
    user_uuid: UUID = strawberry.field(description="UUID of the user.")


@strawberry.input(description="The API key that gets a new token.")
class RotateApiKeyInput:
    api_key_uuid: UUID = strawberry.field(description="UUID of the key.")
