"""Which URLs from outside may be opened, as far as that can be told before any name is resolved."""

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

LONGEST_URL = 16_384
_PORTS = {"http": 80, "https": 443}
_UNSOUND = re.compile(r"[\x00-\x20\x7f\\]|\s")
"""Other programs see another host than we do in a URL with these."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z", re.ASCII)
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z", re.ASCII)
"""A last label by which a resolver would take the whole host for a number."""


@dataclass(frozen=True, slots=True)
class FetchRules:
    """Ports that may be used, and private places that may be reached nevertheless."""

    ports: frozenset[int] = frozenset(_PORTS.values())
    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, ports: Iterable[int], allowed: Iterable[str]) -> "FetchRules":
        """The rules of a site: what is allowed are networks, and hosts with or without a port; raises `ValueError`."""
        entries = list(allowed)
        networks = tuple(ip_network(entry) for entry in entries if "/" in entry)
        hosts = frozenset(_host_and_port(entry) for entry in entries if "/" not in entry)
        return cls(frozenset(ports), hosts, networks)

    def check_url(self, text: str) -> httpx.URL:
        """The URL, its host in the one form that has one meaning; raises a `FetchError` unless we open such URLs."""
        if len(text) > LONGEST_URL:
            raise bad_url_error(f"The URL has more than {LONGEST_URL:,} characters.")
        if _UNSOUND.search(text):
            raise bad_url_error(
                "The URL has white space, a control character or a backslash in it."
            )
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL:
            raise bad_url_error("This is not a URL.") from None
        if url.scheme not in _PORTS:
            raise bad_url_error("The URL does not begin with https:// or http://.")
        if url.userinfo:
            raise bad_url_error("The URL has a user name in it.")
        host = _sound_host(url)
        if host != host_of(url):
            url = url.copy_with(host=host)
        if port_of(url) not in self.ports and (host_of(url), port_of(url)) not in self.hosts:
            raise bad_url_error(f"Port {port_of(url)} is not one that is fetched from.")
        return url

    def allow(self, host: str, port: int, address: Address) -> bool:
        """Whether a URL with this host and port may lead to this address."""
        if {(host, port), (host, None)} & self.hosts:
            return True
        return is_public(address) or any(address in network for network in self.networks)


def host_of(url: httpx.URL) -> str:
    """The host as it is looked up, in ASCII."""
    return url.raw_host.decode("ascii")


def port_of(url: httpx.URL) -> int:
    """The port, said or not."""
    return _PORTS[url.scheme] if url.port is None else url.port


def parse_ip_address(host: str) -> Address | None:
    """The address that a host is, None if it is a name; raises `AddressValueError` for any but the usual notation."""
    if ":" in host:
        return IPv6Address(host)
    return IPv4Address(host) if _NUMBER.match(host.rpartition(".")[2]) else None


def _sound_host(url: httpx.URL) -> str:
    host = host_of(url).removesuffix(".")
    try:
        address = parse_ip_address(host)
    except AddressValueError:
        raise bad_url_error(
            "The host is a number in a notation that is not the usual one."
        ) from None
    if address is None and _NAME.match(host) is None:
        raise bad_url_error("The URL has no host, or one that cannot be a name.")
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise bad_url_error("The host is an address with a zone.")
    return host if address is None else str(address)


def _host_and_port(entry: str) -> tuple[str, int | None]:
    try:
        url = httpx.URL(f"any://{entry}")  # of a scheme without a usual port, or :80 would be lost
        return _sound_host(url), url.port
    except (httpx.InvalidURL, FetchError):
        raise ValueError(f"{entry!r} is neither host, host:port nor network") from None
