"""Which IP addresses belong to the public internet; URLs from outside may lead nowhere else."""

from ipaddress import IPv4Address, IPv6Address, ip_network

Address = IPv4Address | IPv6Address

_PUBLIC = (ip_network("0.0.0.0/0"), ip_network("2000::/3"))
"""For IPv6, only global unicast: nothing link-local, unique local, IPv4-mapped or behind NAT64."""
_SPECIAL = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT; one cloud's metadata service is here, too
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's metadata service, among public addresses
            "169.254.0.0/16",  # link-local, with most metadata services
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
            "2001::/23",  # protocol assignments; Teredo, which carries IPv4 addresses
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which carries IPv4 addresses
            "3fff::/20",  # documentation
        ),
    )
)
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
"""Bytes 8 to 11 of an IPv6 address, in any network, whose last four bytes are an IPv4 address."""


def is_public(address: Address) -> bool:
    """Return whether an address is globally routable and so cannot be a host of the private net."""
    if address.version == 6 and address.packed[8:12] in _ISATAP:
        return False
    return any(address in network for network in _PUBLIC) and not any(
        address in network for network in _SPECIAL
    )
