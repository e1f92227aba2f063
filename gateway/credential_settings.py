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
    former_secret_keys: list[Secret] = Field(
        [],
        description="Former values of the secret key, as a JSON list: URLs that they signed stay "
        "valid, and credentials that they encrypted can be read.",
    )
    jwt_secret: Secret | None = Field(
        None,
        description="Secret of bearer JWTs that are signed with HS256, at least 32 characters. "
        "Without it and an issuer, JWTs are not accepted.",
    )
    jwt_audience: str = Field(
        "", description="Audience (`aud`) that JWTs must be for. Required with an issuer."
    )
    jwt_issuer: str = Field(
        "",
        description="URL of the issuer (`iss`) that JWTs must be from, such as "
        "`https://login.example/realms/main`. Its tokens are signed with RS256 or ES256; the keys "
        "are found by OpenID Connect discovery.",
    )
    jwt_jwks: str = Field(
        "",
        description="URL or file of the issuer's JSON Web Key Set, where discovery is not possible.",
    )
    jwt_leeway_seconds: int = Field(
        60,
        ge=0,
        le=600,
        description="Difference of clocks that is allowed for in the times of JWTs, in seconds.",
    )
    jwt_create_users: bool = Field(
        False,
        description="Whether a user is created, as a member of the site, for a valid JWT with an "
        "unknown address.",
    )
    jwt_groups_claim: str = Field(
        "",
        description="Claim of a JWT that lists names of groups. Users join those that exist, and "
        "leave those that they joined in this way once their JWTs list them no longer.",
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

    @field_validator("jwt_issuer")
    @classmethod
    def _check_issuer(cls, value: str, info: ValidationInfo) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("Expected a URL that begins with https:// or http://.")
        if value and not info.data.get("jwt_audience"):
            raise ValueError("STOREGRAPH_JWT_AUDIENCE is required with an issuer.")
        return value

    @field_validator("jwt_jwks")
    @classmethod
    def _check_jwks(cls, value: str, info: ValidationInfo) -> str:
        if value and not info.data.get("jwt_issuer"):
            raise ValueError("STOREGRAPH_JWT_ISSUER is required with a key set.")
        return value

    @field_validator("max_signed_url_seconds")
    @classmethod
    def _check_lifetimes(cls, value: int, info: ValidationInfo) -> int:
        """Check that no default exceeds the longest lifetime."""
        for name in ("signed_url_seconds", "upload_url_seconds"):
            if info.data.get(name, 0) > value:
                raise ValueError(f"STOREGRAPH_{name.upper()} must not be longer.")
        return value
