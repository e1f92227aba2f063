"""Settings of the site, read from environment variables; `docs/settings.md` lists them."""

import json
import os
import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.credential_settings import CredentialSettings
from gateway.limits import Limits
from gateway.web_addresses import check_base_url, check_origin

_PREFIX = "STOREGRAPH_"
_OF_CLIENTS = ("url", "api_key")
"""Variables of `storegraph upload` and `download`, which a site's commands ignore."""
_HEADER_NAME = re.compile(r"[a-z0-9-]+", re.IGNORECASE | re.ASCII)
ROUTES = frozenset(
    {
        "archives",
        "dicomweb",
        "graphiql",
        "graphql",
        "healthz",
        "livez",
        "metrics",
        "objects",
        "readyz",
    }
)
"""What the paths of the gateway begin with."""
Port = Annotated[int, Field(ge=1, le=65535)]


class NotConfigured(Exception):
    """Raised when a setting is missing or unusable; the message names it."""


class Settings(CredentialSettings):
    """Settings, each read from the environment variable `STOREGRAPH_` plus its name."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        enable_decoding=False,
        allow_inf_nan=False,
    )

    data_dir: Path = Field(
        Path("storegraph-data"),
        description="Directory of the embedded database, of objects on the local disk, and of the "
        "generated secret.",
    )
    database_url: str = Field(
        "",
        description="`sqlite:///file` or `postgresql://user:password@host/name`. Defaults to "
        "SQLite in the data directory.",
    )
    objects_url: str = Field(
        "",
        description="`file:///directory` or `s3://bucket/prefix?endpoint=…&region=…`, with "
        "credentials as `access_key` and `secret_key` in the query or in the usual AWS "
        "variables. If clients reach the store elsewhere than the server does, add "
        "`public_endpoint`. `addressing=virtual` puts the bucket into the host of URLs instead of "
        "their path. Defaults to the local disk in the data directory.",
    )
    min_free_bytes: int = Field(
        256 << 20,
        ge=0,
        description="Bytes of the disks of the embedded database and of local objects that uploads "
        "and changes leave free, for deletions and restarts; a tenth of the disk at most.",
    )
    public_url: str = Field(
        "",
        description="URL at which clients reach the gateway, with a path if it is not at the root "
        "of its host. Signed URLs to the local disk begin with it, and redirects stay below it. "
        "Defaults to `http://HOST:PORT`.",
    )
    bytes_url: str = Field(
        "",
        description="URL at which clients reach `storegraph bytes`, which serves archives if objects "
        "are in an S3-compatible store; without it, there are none. Its path must be that of "
        "`STOREGRAPH_PUBLIC_URL`. With the local disk, it is not used: `serve` serves archives.",
    )
    trusted_proxies: list[str] = Field(
        [],
        description="Addresses and networks of proxies whose `X-Forwarded-For` and "
        '`X-Forwarded-Proto` are believed, as a JSON list such as `["10.0.0.0/8"]`. By default, '
        "none are.",
    )
    access_log: bool = Field(
        False,
        description="Whether to log a line for each HTTP request: method, path, status, time and "
        "the client's address.",
    )
    work_in_serve: bool | None = Field(
        None,
        description="Whether `serve` also runs a worker. Defaults to true with SQLite, and to false with PostgreSQL.",
    )
    worker_host: str = Field(
        "127.0.0.1",
        description="Address at which `storegraph work` serves its health and metrics.",
    )
    worker_port: Port | None = Field(
        None,
        description="Port at which `storegraph work` serves its health and metrics. By default, it "
        "does not.",
    )
    drain_seconds: float = Field(
        1.0,
        ge=0,
        description="Time from SIGTERM until connections are closed, in seconds. `/readyz` responds "
        "with 503 meanwhile, so that load balancers send requests elsewhere.",
    )
    worker_concurrency: int = Field(
        2,
        ge=1,
        le=64,
        description="Number of tasks that a worker runs at once, besides encoding videos.",
    )
    probe_children: int = Field(
        2, ge=1, le=64, description="Number of child processes in which a worker reads media."
    )
    probe_seconds: float = Field(
        60.0, gt=0, description="Time limit for reading one file, in seconds."
    )
    probe_memory: int = Field(
        1 << 30, gt=0, description="Memory limit for reading one file, in bytes."
    )
    thumbnail_children: int = Field(
        1, ge=1, le=64, description="Number of child processes in which a worker draws thumbnails."
    )
    encode_children: int = Field(
        1,
        ge=1,
        le=64,
        description="Number of child processes in which a worker renders and re-encodes videos.",
    )
    encode_seconds: float = Field(
        3600.0, gt=0, description="Time limit for encoding one video, in seconds."
    )
    encode_memory: int = Field(
        2 << 30, gt=0, description="Memory limit for encoding one video, in bytes."
    )
    video_codec: Literal["vp9", "av1", "h264"] = Field(
        "vp9",
        description="Codec of rendered and re-encoded videos: `vp9`, `av1` (several times "
        "faster, but not supported by all browsers) or `h264` (read `NOTICE` first).",
    )
    lease_seconds: float = Field(
        30.0,
        gt=0,
        description="Time without a heartbeat after which a task is reassigned, in seconds.",
    )
    part_size: int = Field(
        64 << 20,
        ge=5 << 20,
        description="Size of the parts of a multipart upload, in bytes. Larger files are uploaded in parts.",
    )
    fetch_ports: list[Port] = Field(
        [80, 443], description="Ports from which files may be fetched, as a JSON list."
    )
    fetch_allowed: list[str] = Field(
        [],
        description="Hosts and networks exempt from the private-address block, as a JSON list of "
        "hosts, `host:port` (which also allows the port) and networks such as `10.1.0.0/16`.",
    )
    fetch_bytes: int = Field(
        5 << 30, gt=0, description="Size limit for files fetched from URLs, in bytes."
    )
    fetch_seconds: float = Field(
        600.0, gt=0, description="Time limit for fetching one file, in seconds."
    )
    share_credentials: bool = Field(
        False,
        description="Whether cloud integrations may use the server's own AWS credentials. Site "
        "admins can then let other users read, through an integration, whatever these credentials "
        "can access.",
    )
    allowed_origins: list[str] = Field(
        [],
        description="Origins of web pages that may use the API and signed URLs of the local disk, "
        'besides the gateway\'s own, as a JSON list such as `["https://app.example"]`. '
        '`["*"]` allows all.',
    )
    allowed_headers: list[str] = Field(
        [],
        description="Names of further request headers that pages of these origins may send, as a "
        "JSON list.",
    )
    limits: Limits = Field(
        Limits(),
        description="Limits on what one caller may request at once, as a JSON object with any of "
        "`body_bytes`, `tokens`, `depth`, `aliases`, `root_fields`, `directives`, "
        "`validation_errors`, `values`, `nesting`, `cost`, `batch`, `operations_per_socket`, "
        "`subscription_cost`, `sockets_per_viewer`, `archives_per_viewer`, `seconds`, "
        "`connections`, `connections_per_address`, `failed_credentials`, `header_bytes`, "
        "`header_seconds`, `idle_seconds`, `transfer_rate` and `transfer_seconds`.",
    )
    trusted_documents: Path | None = Field(
        None,
        description="Documents that clients may request by id: a directory of `ID.graphql` files, "
        "or a manifest that Relay, GraphQL Code Generator or Apollo wrote.",
    )
    only_trusted_documents: bool = Field(
        False, description="Whether to refuse every document that is not trusted."
    )
    persisted_queries: bool = Field(
        False,
        description="Whether clients may register documents, in Apollo's protocol of automatic "
        "persisted queries.",
    )
    persisted_max_age: int = Field(
        0,
        ge=0,
        description="Time for which clients may reuse the answer to a GET request for a persisted "
        "document without asking again, in seconds.",
    )
    introspection: bool = Field(
        True, description="Whether to answer introspection and to serve the schema as SDL."
    )
    graphiql: bool = Field(True, description="Whether to serve GraphiQL.")
    user_directory: Literal["members", "shared_groups"] = Field(
        "members",
        description="Who finds users and groups in lists and by their IDs: with `members`, everyone who is "
        "signed in; with `shared_groups`, site admins, and others only their own groups and the users in "
        "these.",
    )
    anonymous: Literal["off", "read"] = Field(
        "off",
        description="With `read`, queries without a credential are answered, of what is in public folders. "
        "Their limits are a quarter of a user's, for each address.",
    )
    mask_new_roots: bool = Field(
        False,
        description="Whether new root folders are masked: only those who were granted `seesPhi` see "
        "what identifies patients there, and get the bytes of files.",
    )
    dicomweb: Literal["off", "metadata", "full"] = Field(
        "off",
        description="Whether DICOMweb is served below `/dicomweb/`: `metadata` for searches, metadata "
        "and redirects to signed URLs; `full` also for the bytes of objects, and to store new ones.",
    )
    metadata_schema: Literal["advice", "enforced"] = Field(
        "advice",
        description="`advice` only publishes the types of keys in items' metadata; `enforced` also "
        "rejects values that do not match.",
    )
    execution: Literal["compiled", "interpreted"] = Field(
        "compiled",
        description="`compiled` runs operations as compiled plans where possible; `interpreted` "
        "runs all with graphql-core.",
    )
    response_cache_bytes: int = Field(
        0,
        ge=0,
        description="Memory in which each process keeps answers to queries until anything is "
        "committed to the database, in bytes. By default, none are kept.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="`debug`, `info`, `warning` or `error`."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="`json` writes one JSON object for each event, `console` text for people. By "
        "default, text on a terminal and JSON elsewhere.",
    )
    log_queries: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of successful queries that are logged, from 0 to 1. Mutations, "
        "subscriptions, and queries that fail or are slow always are.",
    )
    log_slow_seconds: float = Field(
        1.0,
        ge=0,
        description="Time from which an operation is logged as slow, with the digest of its "
        "document, in seconds.",
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        """Accept upper-case names of log levels, as other programs do."""
        return value.lower() if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        if not value:
            return value
        base = check_base_url(value)
        if (path := urlsplit(base).path) and (route := path.split("/")[1]) in ROUTES:
            raise ValueError(f"{value!r} must not contain '/{route}', which Storegraph adds.")
        return base

    @field_validator("bytes_url")
    @classmethod
    def _check_bytes_url(cls, value: str) -> str:
        return check_base_url(value) if value else value

    @field_validator("only_trusted_documents")
    @classmethod
    def _check_trusted(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("trusted_documents"):
            raise ValueError("Set STOREGRAPH_TRUSTED_DOCUMENTS, or no request is answered.")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: list[str]) -> list[str]:
        for network in value:
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f"{error}.") from None
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, value: list[str]) -> list[str]:
        return [check_origin(origin) for origin in value]

    @field_validator("allowed_headers")
    @classmethod
    def _check_headers(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of a header.")
        return value

    @field_validator(
        "former_secret_keys",
        "fetch_ports",
        "fetch_allowed",
        "allowed_origins",
        "allowed_headers",
        "trusted_proxies",
        "limits",
        mode="before",
    )
    @classmethod
    def _read_json(cls, value: object) -> object:
        """Parse settings that are written as JSON in the environment."""
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            message = 'Expected JSON: a list such as ["a", "b"], or an object such as {"a": 1}.'
            raise PydanticCustomError("not_json", message) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources of settings: arguments, then the environment.

        Unknown variables with the prefix are errors: a misspelled setting would not take effect.
        """
        prefix = _PREFIX.lower()
        variables = (name.lower() for name in os.environ)
        names = [name.removeprefix(prefix) for name in variables if name.startswith(prefix)]
        known = {*cls.model_fields, *_OF_CLIENTS}
        wrong = [
            _unknown_setting(name, cls.model_fields)
            for name in names
            if name not in known and not name.startswith("test_")  # the tests' own
        ]
        if wrong:
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return init_settings, env_settings


def _unknown_setting(name: str, known: Iterable[str]) -> InitErrorDetails:
    """Return the error for an unknown setting, which suggests the one with the nearest name."""
    nearest = max(known, key=lambda candidate: SequenceMatcher(None, name, candidate).ratio())
    error = PydanticCustomError(
        "unknown_setting",
        "Unknown setting. Did you mean {nearest}?",
        {"nearest": _PREFIX + nearest.upper()},
    )
    return InitErrorDetails(type=error, loc=(name,), input=None)
