"""Settings of credentials: keys, JWTs, the site's own secret, and signed URLs."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

MINIMUM_SECRET = 32
Secret = Annotated[SecretStr, Field(min_length=MINIMUM_SECRET)]


class CredentialSettings(BaseSettings):
    """The part of the settings that is about credentials."""

    admin_key: Secret | None = Field(
        None,
        description="API key of the first admin on an empty database, at least 32 characters. "
        "By default, it is generated and printed once.",
    )
    max_key_seconds: int | None = Field(
        None,
        ge=60,
        description="Longest lifetime of API keys created from now on, in seconds. Keys that are "
        "requested without an expiry get it. The first admin's key is exempt. By default, keys "
        "need not expire.",
    )
    secret_key: Secret | None = Field(
        None,
        description="Secret that signs URLs and encrypts the credentials of integrations, at "
        "least 32 characters. Required with PostgreSQL; otherwise generated in the data "
        "directory (mode 0600).",
    )
    jwt_secret: Secret | None = Field(
        None,
        description="Secret that bearer JWTs (HS256) must be signed with, at least 32 "
        "characters. Without it, JWTs are not accepted.",
    )
    jwt_claim: str = Field(
        "email", description="Claim of a JWT that contains the user's email address."
    )
    signed_url_seconds: int = Field(
        3600,
        ge=60,
        le=604800,
        description="Default lifetime of download URLs, in seconds.",
    )
    upload_url_seconds: int = Field(
        3600,
        ge=60,
        le=604800,
        description="Lifetime of upload URLs, in seconds. They can be renewed.",
    )
    max_signed_url_seconds: int = Field(
        604800,
        ge=60,
        le=604800,
        description="Longest lifetime of signed URLs, in seconds. So that browsers can cache what "
        "they serve, their default lifetime should be at most two thirds of it.",
    )
    bind_signed_urls: bool = Field(
        False,
        description="Whether signed URLs of the local disk work only as long as the credential "
        "that requested them. S3 and other clouds do not support it.",
    )

    @field_validator("max_signed_url_seconds")
    @classmethod
    def _check_lifetimes(cls, value: int, info: ValidationInfo) -> int:
        """Check that no default exceeds the longest lifetime."""
        for name in ("signed_url_seconds", "upload_url_seconds"):
            if info.data.get(name, 0) > value:
                raise ValueError(f"STOREGRAPH_{name.upper()} must not be longer.")
        return value
