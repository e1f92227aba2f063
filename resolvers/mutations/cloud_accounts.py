"""Validation of a cloud account given by a client: settings, locations and credentials.

What each kind of cloud takes is declared by its provider in gateway/clouds/.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from urllib.parse import urlsplit

from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.clouds.provider import CloudProvider
from gateway.clouds.providers import PROVIDERS
from gateway.clouds.urls import object_url, parse_object_url
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.fetching.errors import FetchError, no_public_address_error
from gateway.fetching.rules import FetchRules, host_of, parse_ip_address, port_of
from gateway.json_values import camel_case
from gateway.kinds.enums import S3AddressingStyle, StorageLocationName
from gateway.web_addresses import check_base_url, is_reachable
from resolvers.inputs.integrations import CloudCredentialsInput

ACCOUNT_FIELDS = ("endpoint", "region", "account", "public_endpoint", "addressing_style")
"""Fields of an integration, besides locations and credentials, that a provider may take."""
MAX_LOCATIONS = 100
MAX_CREDENTIAL_LENGTH = 4096


def validate_account(
    rules: FetchRules,
    kind: StorageLocationName,
    values: Mapping[str, str | None],
    locations: Sequence[str],
) -> CloudAccount:
    """Return the account with these `ACCOUNT_FIELDS` and locations, without credentials.

    Raises `BAD_USER_INPUT` at the first field that is missing, not taken by the kind, or invalid.
    """
    if kind not in PROVIDERS:
        raise bad_input(f"Expected one of {', '.join(PROVIDERS)}.", "kind")
    provider = PROVIDERS[kind]
    fields = {field.name: field for field in provider.fields}
    for name in ACCOUNT_FIELDS:
        value, field, input_name = values[name], fields.get(name), camel_case(name)
        if value is None:
            if field and field.is_required:
                raise bad_input(f"{name} is required for integrations of kind {kind}.", name)
        elif field is None:
            message = f"{input_name} is not allowed for integrations of kind {kind}."
            raise bad_input(message, input_name)
        elif field.pattern and not field.pattern.fullmatch(value):
            raise bad_input(f"Expected {field.expected}.", input_name)
    endpoint, style = values["endpoint"], values["addressing_style"]
    if endpoint is not None:
        endpoint = _validate_endpoint(rules, provider, endpoint)
    account = CloudAccount(
        kind,
        endpoint,
        values["region"],
        values["account"],
        _validate_public_endpoint(values["public_endpoint"]),
        S3AddressingStyle(style) if style else None,
    )
    if not 1 <= len(locations) <= MAX_LOCATIONS:
        raise bad_input(
            sized("locations", 1, MAX_LOCATIONS, len(locations), "entries"), "locations"
        )
    roots = []
    for index, url in enumerate(locations):
        try:
            location = parse_object_url(account, url)
        except ValueError as error:
            raise bad_input(str(error), "locations", index) from None
        key = location.key.rstrip("/")
        roots.append(ObjectLocation(location.bucket, f"{key}/" if key else ""))
    return replace(account, roots=tuple(roots))


def validate_credentials(
    kind: StorageLocationName, input: CloudCredentialsInput | None
) -> dict[str, str]:
    """Return the credentials of the input, which must be those that the kind of cloud takes."""
    values = asdict(input) if input else {}
    credentials = {name: value for name, value in values.items() if value is not None}
    required = PROVIDERS[kind].required_credentials
    optional = PROVIDERS[kind].optional_credentials
    if not required <= credentials.keys() <= required | optional:
        expected = " and ".join(sorted(map(camel_case, required)))
        if optional:
            expected += f" and accept {', '.join(sorted(map(camel_case, optional)))}"
        raise bad_input(f"Integrations of kind {kind} require {expected}.", "credentials")
    for name, value in credentials.items():
        is_printable = value.isascii() and value.isprintable()
        if not (is_printable and 1 <= len(value) <= MAX_CREDENTIAL_LENGTH):
            raise bad_input(
                f"{camel_case(name)} must have 1 to {MAX_CREDENTIAL_LENGTH:,} printable ASCII "
                "characters.",
                "credentials",
            )
    return credentials


def check_server_credentials(kind: StorageLocationName, are_shared: bool) -> None:
    """Raise a `DomainError` unless an integration may use the server's own credentials."""
    if not PROVIDERS[kind].accepts_server_credentials:
        raise bad_input(
            f"Integrations of kind {kind} cannot use the server's credentials.",
            "useServerCredentials",
        )
    if not are_shared:
        message = (
            "Integrations cannot use the server's credentials unless STOREGRAPH_SHARE_CREDENTIALS "
            "is set."
        )
        raise DomainError(ErrorCode.FORBIDDEN, message, ("useServerCredentials",))


def location_urls(account: CloudAccount) -> list[str]:
    """Return the account's roots as they are stored."""
    return [object_url(account, root) for root in account.roots]


def _validate_endpoint(rules: FetchRules, provider: CloudProvider, endpoint: str) -> str:
    """Return the endpoint without a final slash.

    Its address is checked here only if it is one; a name is checked at each request, because
    what it resolves to may change.
    """
    try:
        url = rules.check_url(endpoint)
        address = parse_ip_address(host_of(url))
        if address and not rules.allow(host_of(url), port_of(url), address):
            raise no_public_address_error()
    except FetchError as error:
        raise bad_input(error.message, "endpoint") from None
    has_path = url.path != "/" and not provider.endpoint_has_path
    if url.query or url.fragment or has_path:
        raise bad_input("endpoint must have a scheme, a host and, optionally, a port.", "endpoint")
    return endpoint.rstrip("/")


def _validate_public_endpoint(endpoint: str | None) -> str | None:
    """Return the endpoint without a final slash. The server never connects to it."""
    if endpoint is None:
        return None
    try:
        base = check_base_url(endpoint)
    except ValueError as error:
        raise bad_input(f"{error}", "publicEndpoint") from None
    if urlsplit(base).path or not is_reachable(base):
        message = (
            "publicEndpoint must have a scheme, a host that clients can connect to and, "
            "optionally, a port."
        )
        raise bad_input(message, "publicEndpoint")
    return base
