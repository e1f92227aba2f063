"""The HTTP client of all servers: a few persistent connections, each sending its next request after a response."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count


@dataclass
class Slice:
    """The result of one slice of time; latencies in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)


class Connection:
    """One connection to a server."""

    def __init__(
        self, port: int, key: str, encoding: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nAccept: application/json\r\nAccept-Encoding: {encoding}\r\n"
            "Content-Length: "
        ).encode()

    async def ask(self, body: bytes) -> bytes:
        """Send a request; return the body of the response, whose status must be 200."""
        self._writer.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        answer = await self._body(head)
        if b" 200 " not in head[:20]:
            raise RuntimeError(f"{head.decode()}{answer.decode()}")
        return answer

    async def _body(self, head: bytes) -> bytes:
        _, length, rest = head.partition(b"content-length: ")
        if length:
            return await self._reader.readexactly(int(rest[: rest.index(b"\r")]))
        chunks = []
        while size := int(await self._reader.readline(), 16):
            chunks.append((await self._reader.readexactly(size + 2))[:-2])
        await self._reader.readline()
        return b"".join(chunks)

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        await self._writer.wait_closed()


@asynccontextmanager
async def connected(
    port: int, key: str, number: int = 1, encoding: str = "identity"
) -> AsyncIterator[list[Connection]]:
    """Open connections that are closed at the end of the block; they accept responses of an encoding."""
    connections: list[Connection] = []
    try:
        for _ in range(number):
            pair = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
            connections.append(Connection(port, key, encoding, *pair))
        yield connections
    finally:
        for connection in connections:
            await connection.close()


async def run_slice(connections: Sequence[Connection], bodies: Sequence[bytes], seconds: float) -> Slice:
    """Send requests for that long, at least one per connection, and wait for all responses."""
    turn, done = count(), Slice()
    began = time.perf_counter()

    async def ask(connection: Connection) -> None:
        while True:
            body = bodies[next(turn) % len(bodies)]
            sent_at = time.perf_counter()
            await connection.ask(body)
            now = time.perf_counter()
            done.latencies.append(now - sent_at)
            if now - began >= seconds:
                return

    await asyncio.gather(*map(ask, connections))
    done.seconds = time.perf_counter() - began
    return done
