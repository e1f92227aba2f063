"""One frozen object read from the environment; every name is listed in the README, and a test holds it there."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

MINIMUM_SECRET = 32
_PREFIX = "STOREGRAPH_"
Secret = Annotated[SecretStr, Field(min_length=MINIMUM_SECRET)]


class NotConfigured(Exception):
    """The settings do not suffice; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one caller may ask for at once (design section 7); counts unless the name says otherwise."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid"
    )  # a misspelt limit would protect nobody
    body_bytes: int = 4 * 1024 * 1024
    tokens: int = 5_000
    depth: int = 15
    aliases: int = 30
    root_fields: int = 20
    directives: int = 50
    validation_errors: int = 10
    values: int = 250_000
    nesting: int = 64
    cost: int = 100_000
    batch: int = 10
    operations_per_socket: int = 100
    sockets_per_viewer: int = 50
    seconds: float = 30.0


class Settings(BaseSettings):
    """Storegraph's settings; each is the environment variable of its name with the prefix `STOREGRAPH_`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        enable_decoding=False,
    )

    data_dir: Path = Field(
        Path("storegraph-data"), description="Where the embedded database, objects and secret lie."
    )
    database_url: str = Field(
        "",
        description="`sqlite:///file` or `postgresql://user:password@host/name`; "
        "SQLite in the data directory if absent.",
    )
    objects_url: str = Field(
        "",
        description="`file:///directory` or `s3://bucket/prefix?endpoint=…&region=…` (keys from `access_key` and "
        "`secret_key` there, or from the usual AWS variables); local disk in the data directory if absent.",
    )
    public_url: str = Field(
        "",
        description="How clients reach the gateway, with which URLs to the local disk begin; "
        "where it listens if absent.",
    )
    admin_key: Secret | None = Field(
        None,
        description="The first admin's API key on an empty database, 32 characters or more; "
        "else one is made and printed once.",
    )
    secret_key: Secret | None = Field(
        None,
        description="Signs URLs and seals integrations' secrets, 32 characters or more; required with PostgreSQL, "
        "else made in the data directory (mode 0600).",
    )
    jwt_secret: Secret | None = Field(
        None,
        description="Accepts bearer JWTs (HS256) signed with it, 32 characters or more; none are accepted if absent.",
    )
    jwt_claim: str = Field(
        "email", description="The claim of a JWT that holds the user's e-mail address."
    )
    work_in_serve: bool | None = Field(
        None,
        description="Whether `serve` also works on jobs; if absent, it does on SQLite and does not on PostgreSQL.",
    )
    worker_concurrency: int = Field(
        2, ge=1, le=64, description="Tasks that one worker runs at once."
    )
    probe_children: int = Field(
        2, ge=1, le=64, description="Child processes in which a worker reads media."
    )
    probe_seconds: float = Field(60.0, gt=0, description="Seconds that reading one file may take.")
    probe_memory: int = Field(
        1 << 30, gt=0, description="Bytes of memory that reading one file may take."
    )
    encode_children: int = Field(
        1, ge=1, le=64, description="Child processes in which a worker makes films."
    )
    encode_seconds: float = Field(
        3600.0, gt=0, description="Seconds that making one film may take."
    )
    encode_memory: int = Field(
        2 << 30, gt=0, description="Bytes of memory that making one film may take."
    )
    video_codec: Literal["vp9", "av1", "h264"] = Field(
        "vp9",
        description="What films that we make are encoded as: `vp9`, `av1` (several times faster, but not all browsers "
        "play it) or `h264` (see `NOTICE` first).",
    )
    lease_seconds: float = Field(
        30.0,
        gt=0,
        description="After how many seconds without a sign of life a task is given to another worker.",
    )
    signed_url_seconds: int = Field(
        3600,
        ge=60,
        le=604800,
        description="How long a download URL lives if nobody asks otherwise.",
    )
    upload_url_seconds: int = Field(
        3600, ge=60, le=604800, description="How long an upload URL lives; it can be renewed."
    )
    part_size: int = Field(
        64 << 20, ge=5 << 20, description="Bytes in each part of an upload in parts."
    )
    fetch_ports: list[int] = Field(
        [80, 443], description="Ports from which files elsewhere are fetched, as a JSON list."
    )
    fetch_allowed: list[str] = Field(
        [],
        description="Private places from which files are fetched nevertheless, as a JSON list of hosts, `host:port` "
        "and networks like `10.1.0.0/16`.",
    )
    fetch_bytes: int = Field(
        5 << 30, gt=0, description="Bytes of the largest file elsewhere that is fetched to be read."
    )
    fetch_seconds: float = Field(
        600.0, gt=0, description="Seconds that fetching one file may take."
    )
    share_credentials: bool = Field(
        False,
        description="Whether cloud integrations may go out with the server's own AWS credentials, to which admins of "
        "the site then give others access.",
    )
    allowed_origins: list[str] = Field(
        [],
        description="Origins of web pages, as a JSON list, that may use the API beside the gateway's own.",
    )
    limits: Limits = Field(
        Limits(),
        description="How much one caller may ask for at once, as a JSON object with any of `body_bytes`, `tokens`, "
        "`depth`, `aliases`, `root_fields`, `directives`, `validation_errors`, `values`, `nesting`, `cost`, `batch`, "
        "`operations_per_socket`, `sockets_per_viewer` and `seconds`.",
    )
    metadata_schema: Literal["advice", "enforced"] = Field(
        "advice",
        description="`advice` tells the types of keys in items' metadata; `enforced` also refuses other values there.",
    )
    execution: Literal["compiled", "interpreted"] = Field(
        "compiled",
        description="`compiled` runs queries by plans, where it can; `interpreted` leaves all to graphql-core.",
    )
    log_level: str = Field("info", description="`debug`, `info`, `warning` or `error`.")

    @field_validator("fetch_ports", "fetch_allowed", "allowed_origins", "limits", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        """What the environment says as JSON."""
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            said = 'This is not JSON, in which a list is written ["a", "b"] and an object {"a": 1}'
            raise PydanticCustomError("not_json", said) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then the environment, in which every name with the prefix must be known: misspelt, a setting
        would be as if it were not there.
        """
        wrong = [
            _unknown(name, cls.model_fields)
            for name in _names_in(os.environ)
            if name not in cls.model_fields
        ]
        if wrong:
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return init_settings, env_settings


def _names_in(environment: Iterable[str]) -> Iterator[str]:
    """What follows the prefix in variables of ours; those of the tests are not for the gateway."""
    for variable in map(str.lower, environment):
        name = variable.removeprefix(_PREFIX.lower())
        if name != variable and not name.startswith("test_"):
            yield name


def _unknown(name: str, known: Iterable[str]) -> InitErrorDetails:
    nearest = (
        _PREFIX + max(known, key=lambda each: SequenceMatcher(None, name, each).ratio()).upper()
    )
    error = PydanticCustomError(
        "unknown_setting",
        "There is no such setting; the nearest is {nearest}",
        {"nearest": nearest},
    )
    return InitErrorDetails(type=error, loc=(name,), input=None)
