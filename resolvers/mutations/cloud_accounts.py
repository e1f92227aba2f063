"""What a client says of a store of his, checked field by field."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.clouds.urls import object_url, parse_object_url
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.fetching.errors import FetchError, no_public_address_error
from gateway.fetching.rules import FetchRules, host_of, parse_ip_address, port_of
from gateway.kinds.enums import StorageLocationName as Kind
from resolvers.inputs.integrations import CloudCredentialsInput

MAX_LOCATIONS = 100
MAX_CREDENTIAL = 4096
_REGION = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}", re.ASCII)
_KEYS = ("access_key_id", "secret_access_key")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Which fields a kind of cloud must have, and which it may have beside them."""

    needed: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    credentials: tuple[str, ...] = _KEYS
    optional_credentials: tuple[str, ...] = ("session_token",)
    takes_server_credentials: bool = False


CLOUDS = {
    Kind.S3: Endpoints(allowed=frozenset({"region"}), takes_server_credentials=True),
    Kind.S3_COMPATIBLE: Endpoints(
        frozenset({"endpoint"}), frozenset({"region"}), takes_server_credentials=True
    ),
    Kind.OPEN_TELEKOM: Endpoints(frozenset({"endpoint"}), frozenset({"region"})),
    Kind.GCP: Endpoints(allowed=frozenset({"endpoint", "region"}), optional_credentials=()),
    Kind.AZURE: Endpoints(frozenset({"account"}), frozenset({"endpoint"}), ("account_key",), ()),
}


def validate_account(
    rules: FetchRules, kind: Kind, given: dict[str, Any], locations: Sequence[str]
) -> CloudAccount:
    """The account with these fields, without credentials; raises `BAD_USER_INPUT` at the one at fault."""
    if kind not in CLOUDS:
        raise bad_input(f"An integration is with one of {', '.join(CLOUDS)}.", "kind")
    for name in ("endpoint", "region", "account"):
        if given[name] is None and name in CLOUDS[kind].needed:
            raise bad_input(f"A store of the kind {kind} needs it.", name)
        if given[name] is not None and name not in CLOUDS[kind].needed | CLOUDS[kind].allowed:
            raise bad_input(f"A store of the kind {kind} has none.", name)
    for name, form in (("region", _REGION), ("account", _ACCOUNT)):
        if given[name] is not None and not form.fullmatch(given[name]):
            raise bad_input(f"This is no {name}.", name)
    endpoint = (
        None if given["endpoint"] is None else _checked_endpoint(rules, kind, given["endpoint"])
    )
    account = CloudAccount(kind, endpoint, given["region"], given["account"])
    return CloudAccount(
        kind, endpoint, given["region"], given["account"], tuple(_roots(account, locations))
    )


def validate_credentials(kind: Kind, input: CloudCredentialsInput | None) -> dict[str, str]:
    """The credentials that this kind of cloud needs, and no others."""
    given = (
        {name: value for name, value in asdict(input).items() if value is not None} if input else {}
    )
    form = CLOUDS[kind]
    needed, allowed = set(form.credentials), {*form.credentials, *form.optional_credentials}
    if not needed <= given.keys() <= allowed:
        raise bad_input(
            f"A store of the kind {kind} needs {_named(needed)} and no others.", "credentials"
        )
    for value in given.values():
        if not (value.isascii() and value.isprintable() and 1 <= len(value) <= MAX_CREDENTIAL):
            raise bad_input(
                f"A credential has 1 to {MAX_CREDENTIAL:,} characters of plain ASCII.",
                "credentials",
            )
    return given


def check_server_credentials(kind: Kind, are_shared: bool) -> None:
    """Whether an integration may go out with the server's own credentials."""
    if not CLOUDS[kind].takes_server_credentials:
        raise bad_input("The server has no credentials for such a store.", "useServerCredentials")
    if not are_shared:
        said = "The site does not let integrations use the server's credentials: see STOREGRAPH_SHARE_CREDENTIALS."
        raise DomainError(ErrorCode.FORBIDDEN, said, ("useServerCredentials",))


def _checked_endpoint(rules: FetchRules, kind: Kind, endpoint: str) -> str:
    try:
        url = rules.check_url(endpoint)
        address = parse_ip_address(
            host_of(url)
        )  # where a name leads is seen whenever it is asked for
        if address and not rules.allow(host_of(url), port_of(url), address):
            raise no_public_address_error()
    except FetchError as error:
        raise bad_input(error.message, "endpoint") from None
    if url.query or url.fragment or (url.path != "/" and kind is not Kind.AZURE):
        raise bad_input(
            "An endpoint is a scheme and a host, with a port perhaps, and no more.", "endpoint"
        )
    return endpoint.rstrip("/")


def _roots(account: CloudAccount, locations: Sequence[str]) -> list[ObjectLocation]:
    if not 1 <= len(locations) <= MAX_LOCATIONS:
        raise bad_input(f"There are 1 to {MAX_LOCATIONS} locations.", "locations")
    roots = []
    for place, location in enumerate(locations):
        try:
            found = parse_object_url(account, location)
        except ValueError as error:
            raise bad_input(str(error), "locations", place) from None
        key = found.key.rstrip("/")
        roots.append(ObjectLocation(found.bucket, f"{key}/" if key else ""))
    return roots


def locations_of(account: CloudAccount) -> list[str]:
    """The account's roots in the form in which they are kept."""
    return [object_url(account, root) for root in account.roots]


def _named(names: set[str]) -> str:
    return " and ".join(
        sorted(re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in names)
    )
