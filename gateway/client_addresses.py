"""Addresses of clients: which belong to one client, and which are those of trusted proxies."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

_IPV6_PREFIX = 64
"""Bits of an IPv6 address that name the network of one customer, who has all addresses in it."""


class AddressSet:
    """A set of addresses and networks."""

    def __init__(self, members: Sequence[str]) -> None:
        self._networks = [ip_network(member) for member in members]
        self._contains = lru_cache(4096)(self._compute)

    def __contains__(self, host: str) -> bool:
        return bool(self._networks) and self._contains(host)

    def _compute(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


@lru_cache(4096)
def network_of(host: str) -> str:
    """Return what counts as one client: an IPv4 address, or the network of an IPv6 address.

    A host that is not an address, as a proxy may send, counts by its name.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        network = ip_network((address.packed, _IPV6_PREFIX), strict=False)
        return str(network)
    return host
