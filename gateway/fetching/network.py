"""The network as fetching sees it: a name is resolved once, and the connection made to an address that was checked."""

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


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as this machine knows it; none if it does not."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connections for the HTTP library, to which it names the host of the URL; TLS is still made with that name."""

    def __init__(self, rules: FetchRules, resolve: Resolve = resolve) -> None:
        self._rules = rules
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # as the library calls it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of the host that answers; raises a `FetchError` if one is not allowed."""
        failure: Exception = httpcore.ConnectError()
        for address in await self._addresses(host, port):
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

    async def _addresses(self, host: str, port: int) -> list[Address]:
        """All of them must be allowed: a name that leads both inside and outside is a trick, or not meant for us."""
        address = parse_ip_address(host)
        found = (
            [address] if address else [ip_address(each) for each in await self._resolve(host, port)]
        )
        if not found or not all(self._rules.allow(host, port, each) for each in found):
            raise no_public_address_error()
        return found
