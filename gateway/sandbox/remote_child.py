"""Reads files at URLs: a child process that fetches them, and has them read by children of its own.

It may use the network, and holds no keys; its children may not. Requests and answers are JSON
objects, one a line; answers come in any order.
"""

import asyncio
import json
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from functools import partial
from typing import Any, BinaryIO

import structlog
import uvloop

from gateway.fetching.errors import AccessFault, FetchError
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.remote import RemoteFile
from gateway.fetching.rules import FetchRules
from gateway.media.errors import MediaError
from gateway.sandbox.child_process import MAX_MESSAGE, ChildKilled
from gateway.sandbox.child_runtime import die_with_parent, private_output, send
from gateway.sandbox.prober import ProbeLimits, Prober


async def main(output: BinaryIO) -> None:
    """Answer requests until standard input ends; the first line has the options."""
    requests = asyncio.StreamReader(limit=MAX_MESSAGE)
    protocol = partial(asyncio.StreamReaderProtocol, requests)
    await asyncio.get_running_loop().connect_read_pipe(protocol, sys.stdin)
    send(output, {"ready": True})
    options = json.loads(await requests.readline())
    rules = FetchRules.parse(options["ports"], options["allowed"])
    max_bytes = options["max_bytes"]
    fetcher = Fetcher(rules, max_bytes=max_bytes, seconds=options["seconds"])
    prober = Prober(ProbeLimits(**options["limits"]))
    reading: dict[int, asyncio.Task[None]] = {}

    async def answer(request: Mapping[str, Any]) -> None:
        try:
            answer = await read(fetcher, prober, max_bytes, **request["file"])
        except Exception as error:
            answer = report(error)
        finally:
            del reading[request["id"]]
        send(output, {"id": request["id"], **answer})

    while line := await requests.readline():
        match json.loads(line):
            case {"cancel": number}:
                if number in reading:
                    reading[number].cancel()
            case request:
                reading[request["id"]] = asyncio.create_task(answer(request))
    await prober.close()


async def read(
    fetcher: Fetcher,
    prober: Prober,
    max_bytes: int,
    *,
    url: str,
    item_type: Any,
    name: str,
    parsing: Mapping[str, Any] | None,
) -> dict[str, object]:
    """Return the facts of a file, and when it was last modified if its server says so.

    If the server supports ranges, only what the prober needs is fetched. Raises as `Fetcher` and
    `Prober` do.
    """
    if remote := await RemoteFile.open(fetcher, url, max_bytes):
        stated = remote.content_type
        facts = await prober.facts(remote, item_type, name, parsing, stated, head=remote.head)
        moment = remote.last_modified and remote.last_modified.isoformat()
        return {"facts": facts, "last_modified": moment}
    async with fetcher.local_copy(url) as path:
        return {"facts": await prober.facts(path, item_type, name, parsing), "last_modified": None}


def report(error: Exception) -> dict[str, object]:
    """Return the answer that reports an error."""
    match error:
        case AccessFault():
            return {"access_fault": error.message, "code": error.code}
        case FetchError():
            return {"fetch_error": error.message, "code": error.code}
        case MediaError():
            return {"media_error": str(error)}
        case ChildKilled():
            return {"killed_child": True}
        case OSError():
            return {"os_error": str(error), "errno": error.errno}
    return {"crash": "".join(traceback.format_exception(error))}


def forward_logs(output: BinaryIO) -> None:
    """Let the parent write the lines of the log."""

    def forward(_logger: object, level: str, event: MutableMapping[str, Any]) -> Any:
        send(output, {"log": level, "event": {name: str(value) for name, value in event.items()}})
        raise structlog.DropEvent

    structlog.configure(processors=[forward])


if __name__ == "__main__":
    die_with_parent()
    answers = private_output()
    forward_logs(answers)
    uvloop.run(main(answers))
