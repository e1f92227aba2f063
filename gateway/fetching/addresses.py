"""Which addresses belong to the public internet: a stranger's URL may lead nowhere else."""

from ipaddress import IPv4Address, IPv6Address, ip_network

Address = IPv4Address | IPv6Address

_PUBLIC = (ip_network("0.0.0.0/0"), ip_network("2000::/3"))
"""Of IPv6 only what is handed out: so nothing link-local, unique local, mapped from IPv4 or behind a NAT64."""
_SPECIAL = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # between a provider and its customers; a metadata service lies there, too
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # a metadata service among public addresses
            "169.254.0.0/16",  # link-local, with most metadata services
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
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
"""What stands in the middle of an IPv6 address of any network whose last 32 bits are an IPv4 address."""


def is_public(address: Address) -> bool:
    """Whether anybody on the internet may have this address, and no host of ours."""
    if address.version == 6 and address.packed[8:12] in _ISATAP:
        return False
    return any(address in network for network in _PUBLIC) and not any(
        address in network for network in _SPECIAL
    )
