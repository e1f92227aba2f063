"""Inputs of mutations of cloud integrations."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import S3AddressingStyle, StorageLocationName
from gateway.scalars import URL
from resolvers.inputs.descriptions import (
    IDEMPOTENCY_KEY,
    new_title_of,
    title_of,
)

_ENDPOINT = (
    "URL of the store's API, such as `https://s3.example`. Required for `S3_COMPATIBLE` and "
    "`OPEN_TELEKOM`, not allowed for `S3`; defaults to the public endpoint for `GCP` and "
    "`AZURE`. Private addresses must be listed in the setting `STOREGRAPH_FETCH_ALLOWED`."
)
_REGION = "Region of the buckets, such as `eu-central-1`. Not allowed for `AZURE`."
_ACCOUNT = "Name of the storage account. Required for `AZURE`, not allowed for other kinds."
_PUBLIC_ENDPOINT = (
    "URL at which clients reach the store, if it is not `endpoint`: signed URLs begin with it. "
    "Only for `S3_COMPATIBLE`."
)
_ADDRESSING_STYLE = (
    "Where the bucket is named in URLs of the store; `PATH` by default. Only for `S3_COMPATIBLE`."
)
_LOCATIONS = (
    "URLs of 1 to 100 buckets, or folders in buckets, that the integration may access: "
    "`s3://bucket/folder`, `gs://bucket/folder` or "
    "`https://account.blob.core.windows.net/container/folder`."
)
_SERVER = (
    "Whether to use the server's own AWS credentials instead. Only for `S3` and "
    "`S3_COMPATIBLE`, and only if the setting `STOREGRAPH_SHARE_CREDENTIALS` allows it."
)
_VERIFY = "Whether to list each location first and reject the input if this fails."


@strawberry.input(
    description="Credentials for a cloud. They are stored encrypted and never returned."
)
class CloudCredentialsInput:
    access_key_id: str | None = strawberry.field(
        default=None,
        description="Access key ID of an S3-compatible store. For `GCP`, that of an HMAC key.",
    )
    secret_access_key: str | None = strawberry.field(
        default=None, description="The secret access key that belongs to `accessKeyId`."
    )
    session_token: str | None = strawberry.field(
        default=None, description="The session token, if the key is a temporary one."
    )
    account_key: str | None = strawberry.field(
        default=None, description="Key of an `AZURE` storage account, in base64."
    )


@strawberry.input(description="A new cloud integration.")
class CreateCloudIntegrationInput:
    title: str = strawberry.field(description=title_of("integration"))
    kind: StorageLocationName = strawberry.field(
        description="The kind of store: `S3`, `S3_COMPATIBLE`, `OPEN_TELEKOM`, `GCP` or `AZURE`."
    )
    endpoint: URL | None = strawberry.field(default=None, description=_ENDPOINT)
    region: str | None = strawberry.field(default=None, description=_REGION)
    account: str | None = strawberry.field(default=None, description=_ACCOUNT)
    public_endpoint: URL | None = strawberry.field(default=None, description=_PUBLIC_ENDPOINT)
    addressing_style: S3AddressingStyle | None = strawberry.field(
        default=None, description=_ADDRESSING_STYLE
    )
    locations: list[URL] = strawberry.field(description=_LOCATIONS)
    credentials: CloudCredentialsInput | None = strawberry.field(
        default=None,
        description="Credentials for the store. Set either these or `useServerCredentials`.",
    )
    use_server_credentials: bool = strawberry.field(default=False, description=_SERVER)
    verify_access: bool = strawberry.field(default=True, description=_VERIFY)
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=IDEMPOTENCY_KEY,
    )


@strawberry.input(description="Changes to a cloud integration. Omitted fields are not changed.")
class UpdateCloudIntegrationInput:
    integration_uuid: UUID = strawberry.field(description="UUID of the integration.")
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_title_of("integration")
    )
    endpoint: URL | None = strawberry.field(default=strawberry.UNSET, description=_ENDPOINT)
    region: str | None = strawberry.field(default=strawberry.UNSET, description=_REGION)
    account: str | None = strawberry.field(default=strawberry.UNSET, description=_ACCOUNT)
    public_endpoint: URL | None = strawberry.field(
        default=strawberry.UNSET, description=_PUBLIC_ENDPOINT
    )
    addressing_style: S3AddressingStyle | None = strawberry.field(
        default=strawberry.UNSET, description=_ADDRESSING_STYLE
    )
    locations: list[URL] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"{_LOCATIONS} They replace the current locations. Must not be null.",
    )
    credentials: CloudCredentialsInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="New credentials, which replace the current ones. Must not be null.",
    )
    use_server_credentials: bool | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_SERVER} Must not be null."
    )
    verify_access: bool = strawberry.field(default=True, description=_VERIFY)


@strawberry.input(description="The cloud integration to delete.")
class DeleteCloudIntegrationInput:
    integration_uuid: UUID = strawberry.field(
        description="UUID of the integration. No item, folder, placeholder or running upload job may "
        "use it."
    )


@strawberry.input(description="The cloud integration whose access is to be verified.")
class VerifyCloudIntegrationInput:
    integration_uuid: UUID = strawberry.field(description="UUID of the integration.")
