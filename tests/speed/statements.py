"""Count the statements of a request on the wire, in a proxy before PostgreSQL."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

from tests.speed.client import connected
from tests.speed.contenders import Contender, Running, start_contender
from tests.speed.databases import Filled

_STARTUP = 196_608
_HOUSEKEEPING = (b"BEGIN", b"COMMIT", b"ROLLBACK", b"SET ", b"SHOW ", b"START ", b"DEALLOCATE")


class Tap(ThreadingTCPServer):
    """A proxy that counts statements for PostgreSQL, except for transactions and settings."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.upstream = host, port
        self.counted = 0


class Counter:
    """Reads the messages of one client in PostgreSQL's protocol."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._rest = b""
        self._begun = False
        self._texts: dict[bytes, bytes] = {}
        self._portals: dict[bytes, bytes] = {}

    def read(self, data: bytes) -> None:
        """Read more bytes."""
        self._rest += data
        while message := self._next():
            self._note(*message)

    def _next(self) -> tuple[bytes, bytes] | None:
        head = 1 if self._begun else 0
        if len(self._rest) < head + 4:
            return None
        end = head + struct.unpack_from("!I", self._rest, head)[0]
        if len(self._rest) < end:
            return None
        kind, body, self._rest = self._rest[:head], self._rest[head + 4 : end], self._rest[end:]
        return kind, body

    def _note(self, kind: bytes, body: bytes) -> None:
        first, _, rest = body.partition(b"\0")
        if not self._begun:
            self._begun = struct.unpack_from("!I", body)[0] == _STARTUP  # before it, a client may request TLS
        elif kind == b"P":
            self._texts[first] = rest
        elif kind == b"B":
            self._portals[first] = rest.partition(b"\0")[0]
        elif kind == b"E":
            self._count(self._texts.get(self._portals.get(first, b""), b""))
        elif kind == b"Q":
            self._count(body)

    def _count(self, text: bytes) -> None:
        text = text.strip(b" \n;\0").upper()  # an empty statement only checks the connection
        self._tap.counted += bool(text) and not text.startswith(_HOUSEKEEPING)


class _Passing(BaseRequestHandler):
    server: Tap

    def handle(self) -> None:
        counter = Counter(self.server)
        with socket.create_connection(self.server.upstream) as upstream:
            threading.Thread(target=self._answer, args=(upstream,), daemon=True).start()
            with suppress(OSError):
                while data := self.request.recv(1 << 16):
                    counter.read(data)
                    upstream.sendall(data)

    def _answer(self, upstream: socket.socket) -> None:
        with suppress(OSError):
            while data := upstream.recv(1 << 16):
                self.request.sendall(data)


def count_statements(
    filled: Filled, contenders: Sequence[Contender], operations: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return the number of statements by server and operation, once all caches are warm."""
    counted: dict[str, dict[str, int]] = {}
    with _tapped(filled) as (tap, tapped):
        for contender in contenders:
            able = [name for name in operations if name in contender.only]
            with start_contender(contender, tapped) as server:
                counted[contender.name] = asyncio.run(_count(tap, tapped, server, able))
    return counted


@contextmanager
def _tapped(filled: Filled) -> Iterator[tuple[Tap, Filled]]:
    url = urlsplit(filled.url)
    with Tap(url.hostname or "127.0.0.1", url.port or 5432) as tap:
        threading.Thread(target=tap.serve_forever, daemon=True).start()
        address = url.netloc.replace(f":{url.port}", f":{tap.server_address[1]}")
        yield tap, replace(filled, url=url._replace(netloc=address).geturl())
        tap.shutdown()


async def _count(tap: Tap, filled: Filled, server: Running, operations: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    async with connected(server.port, filled.key) as (connection,):
        for name in operations:
            body = server.contender.operation(name, filled).bodies[0]
            await connection.ask(body)  # looks up the credential, unless it is cached
            tap.counted = 0
            await connection.ask(body)
            counts[name] = tap.counted
    return counts
