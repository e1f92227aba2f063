"""Connections of the fetcher, made only to addresses that the rules allow.

A name is resolved once and its addresses are connected to directly, so that a second lookup
cannot give others (DNS rebinding).
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from gateway.fetching.addresses import Address
from gateway.fetching.connection import ConnectionBroken, ServerConnection, Unresponsive
from gateway.fetching.errors import no_public_address_error
from gateway.fetching.rules import FetchRules, parse_ip_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Function that returns the addresses of a host name, given also the port."""
_CONNECT_SECONDS = 15.0


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name by the system's resolver; empty if it has none."""
    try:
        records = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in records))


async def connect_to(
    address: Address, port: int, tls: ssl.SSLContext | None, host: str
) -> ServerConnection:
    """Connect to an address; with TLS, whoever answers must have a certificate of the host.

    Raises:
        OSError: nobody answers, or TLS fails.
    """
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        ServerConnection, str(address), port, ssl=tls, server_hostname=host if tls else None
    )
    return connection


class GuardedNetwork:
    """Makes connections after it has checked every address."""

    def __init__(self, rules: FetchRules, tls: ssl.SSLContext, resolve: Resolve = resolve) -> None:
        self._rules = rules
        self._tls = tls
        self._resolve = resolve

    async def connect(self, host: str, port: int, *, is_secure: bool) -> ServerConnection:
        """Connect to the first address of the host that answers.

        Raises:
            FetchError: any of its addresses is not allowed.
            ConnectionBroken, Unresponsive: none of them can be connected to.
        """
        failure: Exception = ConnectionBroken()
        for address in await self._allowed_addresses(host, port):
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await connect_to(address, port, self._tls if is_secure else None, host)
            except TimeoutError:
                failure = Unresponsive()
            except OSError as error:
                failure = ConnectionBroken()
                failure.__cause__ = error
        raise failure

    async def _allowed_addresses(self, host: str, port: int) -> list[Address]:
        """Resolve a host; every address must be allowed.

        A name with both public and private addresses is an attack, or not meant for the public.
        """
        literal = parse_ip_address(host)
        texts = [host] if literal else await self._resolve(host, port)
        addresses = [ip_address(text) for text in texts]
        if not addresses or not all(self._rules.allow(host, port, each) for each in addresses):
            raise no_public_address_error()
        return addresses
