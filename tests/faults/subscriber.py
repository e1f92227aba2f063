"""A client process that follows a site by a subscription, and resumes it whenever it ends.

python -m tests.faults.subscriber URL KEY LOG DOCUMENT VARIABLES appends each event to LOG as a line of JSON, under
`next`, and each end under `ended`.
"""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol


class Subscriber:
    """Follows the only field of a document, whose events have the position `latest`, from the first position on."""

    def __init__(self, url: str, key: str, log: Path, document: str, variables: dict[str, Any]) -> None:
        self._url = url.replace("http", "ws", 1) + "/graphql"
        self._key = key
        self._log = log
        self._document = document
        self._variables = {**variables, "after": "0"}

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            end: dict[str, Any] = {}
            try:
                async with connect(
                    self._url,
                    subprotocols=[Subprotocol("graphql-transport-ws")],
                    open_timeout=10,
                    close_timeout=2,
                    ping_interval=5,
                    ping_timeout=10,
                    max_size=None,
                ) as socket:
                    with contextlib.suppress(WebSocketException):
                        end = await self._follow(socket)
                    end |= {"code": socket.close_code, "reason": socket.close_reason}
            except (OSError, TimeoutError, WebSocketException) as error:
                end = {"refused": f"{type(error).__name__}: {error}"}
            self._write({"ended": end})
            await asyncio.sleep(0.5)

    async def _follow(self, socket: ClientConnection) -> dict[str, Any]:
        """Write the events of one subscription, and return how it ended."""
        await socket.send(
            orjson.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {self._key}"}}).decode()
        )
        async with asyncio.timeout(15):
            await socket.recv()
        payload = {"query": self._document, "variables": self._variables}
        await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode())
        async for frame in socket:
            message = orjson.loads(frame)
            match message["type"]:
                case "next" if "errors" not in message["payload"]:
                    [event] = message["payload"]["data"].values()
                    self._write({"next": event})
                    self._variables["after"] = event["latest"]
                case "next" | "error":
                    return {"errors": message["payload"]}
                case "complete":
                    return {"complete": True}
        return {}

    def _write(self, line: dict[str, Any]) -> None:
        with self._log.open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")


if __name__ == "__main__":
    url, key, log, document, variables = sys.argv[1:]
    asyncio.run(Subscriber(url, key, Path(log), document, orjson.loads(variables)).run())
