"""Rules for URLs from outside, as far as they can be checked before a name is resolved."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)

import httpx

from gateway.fetching.addresses import Address, is_public
from gateway.fetching.errors import FetchError, bad_url_error

MAX_URL_LENGTH = 16_384
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]|\s")
"""Characters because of which other programs see another host in the URL."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z", re.ASCII)
_NUMERIC_LABEL = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z", re.ASCII)
"""Last label that makes resolvers take the whole host for an IPv4 address."""


@dataclass(frozen=True, slots=True)
class FetchRules:
    """Allowed ports, and the hosts and networks exempt from the private-address block."""

    ports: frozenset[int] = frozenset(_DEFAULT_PORTS.values())
    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, ports: Iterable[int], allowed: Iterable[str]) -> "FetchRules":
        """Return the rules of a site.

        `allowed` holds networks (`10.0.0.0/8`) and hosts with or without a port. Raises
        `ValueError`.
        """
        entries = list(allowed)
        networks = tuple(ip_network(entry) for entry in entries if "/" in entry)
        hosts = frozenset(_parse_host_and_port(entry) for entry in entries if "/" not in entry)
        return cls(frozenset(ports), hosts, networks)

    def check_url(self, text: str) -> httpx.URL:
        """Return the parsed URL with its host normalized; raises a `FetchError`."""
        if len(text) > MAX_URL_LENGTH:
            raise bad_url_error(f"URLs must have at most {MAX_URL_LENGTH:,} characters.")
        if _UNSAFE.search(text):
            raise bad_url_error("The URL contains white space, a control character or a backslash.")
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL:
            raise bad_url_error("Not a valid URL.") from None
        if url.scheme not in _DEFAULT_PORTS:
            raise bad_url_error("The URL must begin with https:// or http://.")
        if url.userinfo:
            raise bad_url_error("The URL must not contain a user name.")
        host = _normalised_host(url)
        if host != host_of(url):
            url = url.copy_with(host=host)
        if port_of(url) not in self.ports and (host_of(url), port_of(url)) not in self.hosts:
            raise bad_url_error(f"Fetching from port {port_of(url)} is not allowed.")
        return url

    def allow(self, host: str, port: int, address: Address) -> bool:
        """Return whether a URL with this host and port may lead to this address."""
        if {(host, port), (host, None)} & self.hosts:
            return True
        return is_public(address) or any(address in network for network in self.networks)


def host_of(url: httpx.URL) -> str:
    """Return the host in ASCII, as it is looked up."""
    return url.raw_host.decode("ascii")


def port_of(url: httpx.URL) -> int:
    """Return the port, which may be the default of the scheme."""
    return _DEFAULT_PORTS[url.scheme] if url.port is None else url.port


def parse_ip_address(host: str) -> Address | None:
    """Return the address that a host is, None if it is a name.

    Raises `AddressValueError` for nonstandard notations, such as octal or a single number.
    """
    if ":" in host:
        return IPv6Address(host)
    return IPv4Address(host) if _NUMERIC_LABEL.match(host.rpartition(".")[2]) else None


def _normalised_host(url: httpx.URL) -> str:
    host = host_of(url).removesuffix(".")
    try:
        address = parse_ip_address(host)
    except AddressValueError:
        raise bad_url_error("The host is an IP address in a nonstandard notation.") from None
    if address is None and _HOST_NAME.match(host) is None:
        raise bad_url_error("The URL has no host, or an invalid host name.")
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise bad_url_error("The host is an IPv6 address with a zone.")
    return host if address is None else str(address)


def _parse_host_and_port(entry: str) -> tuple[str, int | None]:
    try:
        url = httpx.URL(f"any://{entry}")  # http:// would lose port 80
        return _normalised_host(url), url.port
    except (httpx.InvalidURL, FetchError):
        raise ValueError(f'Expected a host, host:port or network, not "{entry}".') from None
