"""What a client sends to change cloud integrations."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageLocationName
from resolvers.inputs.scalars import URL

_ENDPOINT = (
    "Where the store answers, as https://host. Needed for S3_COMPATIBLE and OPEN_TELEKOM; for GCP and AZURE their own "
    "public one if absent; none for S3. A private address only if the site's settings allow it."
)
_REGION = "The region of the buckets, such as eu-central-1; not for AZURE."
_ACCOUNT = "The name of the storage account; for AZURE, and only there."
_LOCATIONS = (
    "1 to 100 URLs of buckets or folders in them, below which objects may be touched: s3://bucket/folder, "
    "gs://bucket/folder, or https://account.blob.core.windows.net/container/folder."
)
_SERVER = (
    "Whether to go out with the server's own AWS credentials instead; only for S3 and S3_COMPATIBLE, and only where "
    "the site's settings allow it."
)
_VERIFY = "Whether to list each location first, and refuse what does not work."


@strawberry.input(description="What a cloud knows us by; kept sealed, and never shown again.")
class CloudCredentialsInput:
    access_key_id: str | None = strawberry.field(
        default=None, description="The key's id, of S3 and its like; of GCP that of an HMAC key."
    )
    secret_access_key: str | None = strawberry.field(
        default=None, description="The secret that belongs to it."
    )
    session_token: str | None = strawberry.field(
        default=None, description="The token that belongs to a key that is good for a while."
    )
    account_key: str | None = strawberry.field(
        default=None, description="The key of an AZURE account, in base64."
    )


@strawberry.input(description="A cloud integration to be made.")
class CreateCloudIntegrationInput:
    title: str = strawberry.field(
        description="1 to 1,000 characters; others may have the same title."
    )
    kind: StorageLocationName = strawberry.field(
        description="What kind of store it is: S3, S3_COMPATIBLE, OPEN_TELEKOM, GCP or AZURE."
    )
    endpoint: URL | None = strawberry.field(default=None, description=_ENDPOINT)
    region: str | None = strawberry.field(default=None, description=_REGION)
    account: str | None = strawberry.field(default=None, description=_ACCOUNT)
    locations: list[URL] = strawberry.field(description=_LOCATIONS)
    credentials: CloudCredentialsInput | None = strawberry.field(
        default=None, description="What the store knows us by; this or useServerCredentials."
    )
    use_server_credentials: bool = strawberry.field(default=False, description=_SERVER)
    verify_access: bool = strawberry.field(default=True, description=_VERIFY)
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="The same key within 24 hours gives the same answer instead of doing it again.",
    )


@strawberry.input(description="Changes of a cloud integration: what is absent stays as it is.")
class UpdateCloudIntegrationInput:
    integration_uuid: UUID = strawberry.field(description="The integration.")
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 1,000 characters; null is refused."
    )
    endpoint: URL | None = strawberry.field(default=strawberry.UNSET, description=_ENDPOINT)
    region: str | None = strawberry.field(default=strawberry.UNSET, description=_REGION)
    account: str | None = strawberry.field(default=strawberry.UNSET, description=_ACCOUNT)
    locations: list[URL] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"{_LOCATIONS} They replace those that there are; null is refused.",
    )
    credentials: CloudCredentialsInput | None = strawberry.field(
        default=strawberry.UNSET, description="They replace those that there are; null is refused."
    )
    use_server_credentials: bool | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_SERVER} Null is refused."
    )
    verify_access: bool = strawberry.field(default=True, description=_VERIFY)


@strawberry.input(description="A cloud integration to be removed.")
class DeleteCloudIntegrationInput:
    integration_uuid: UUID = strawberry.field(
        description="The integration; no item or folder may need it."
    )


@strawberry.input(description="A cloud integration whose access is to be tried.")
class VerifyCloudIntegrationInput:
    integration_uuid: UUID = strawberry.field(description="The integration.")
