"""Connections of the fetcher, made only to addresses that the rules allow.

A name is resolved once and its addresses are connected to directly, so that a second lookup
cannot give others (DNS rebinding).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore

from gateway.fetching.addresses import Address
from gateway.fetching.errors import no_public_address_error
from gateway.fetching.rules import FetchRules, parse_ip_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Function that returns the addresses of a host name, given also the port."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name by the system's resolver; empty if it has none."""
    try:
        records = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in records))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Network backend that checks every address. TLS still verifies the host name of the URL."""

    def __init__(self, rules: FetchRules, resolve: Resolve = resolve) -> None:
        self._rules = rules
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that answers.

        Raises a `FetchError` if any of its addresses is not allowed.
        """
        failure: Exception = httpcore.ConnectError()
        for address in await self._allowed_addresses(host, port):
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts."""
        await self._network.sleep(seconds)

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
