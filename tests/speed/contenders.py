"""The servers that are measured, and how each is started: in its own process on loopback."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.house.sources import ROOT
from tests.processes import free_ports, run_server
from tests.speed import packages
from tests.speed.databases import Filled
from tests.speed.operations import DOCUMENTS, TUNED, Operation, operation
from tests.speed.peers.postgraphile import DOCUMENTS as POSTGRAPHILE

SECRET = "0123456789abcdef" * 2
Command = Callable[[], Sequence[str | Path]]


def ours() -> Sequence[str | Path]:
    """Return the command of Storegraph's server."""
    return [sys.executable, "-m", "gateway", "serve", "--port"]


def peer(name: str) -> Command:
    """Return the command of one of the Python servers in `tests/speed/peers`."""
    return lambda: [sys.executable, "-m", f"tests.speed.peers.{name}"]


def _script(name: str) -> Command:
    return lambda: packages.node(name)


@dataclass(frozen=True)
class Contender:
    """A server. Its command takes the port as one more argument; Python imports its modules from
    `tree`.

    `documents` are its own queries if it serves another schema; its responses then differ too.
    """

    name: str
    command: Command
    env: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset(DOCUMENTS)
    documents: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    tree: Path = ROOT

    def operation(self, name: str, filled: Filled) -> Operation:
        """Return an operation as it is sent to this server."""
        return operation(name, filled.variables[name], self.documents.get(name))


FOUR = frozenset({"Q1", "Q2", "Q3", "Q4"})
ALL = (
    Contender("ours", ours),
    Contender("baseline", ours, {"STOREGRAPH_EXECUTION": "interpreted"}),
    Contender("floor", peer("floor")),
    Contender("ariadne", peer("ariadne_server"), only=frozenset(TUNED)),
    Contender("mercurius", _script("mercurius.mjs"), only=FOUR, needs="postgres"),
    Contender("postgraphile", _script("postgraphile.mjs"), only=FOUR, documents=POSTGRAPHILE, needs="postgres"),
)


@dataclass(frozen=True)
class Running:
    """A contender that is running."""

    contender: Contender
    port: int
    pid: int


@contextmanager
def start_contender(contender: Contender, filled: Filled, **settings: str) -> Iterator[Running]:
    """Start a contender over a database; yield it once it responds."""
    [port] = free_ports(1)
    probe = contender.operation("Q1", filled).bodies[0]
    with TemporaryDirectory(prefix="storegraph-speed-") as directory:
        env = {
            **environment(contender.tree, filled.url, directory),
            **contender.env,
            **settings,
        }
        if contender.name == "ariadne":
            env["PYTHONPATH"] += f":{packages.ariadne()}"
        command = [*contender.command(), str(port)]
        with run_server(command, lambda: _answers(port, filled.key, probe), directory=Path(directory), env=env) as pid:
            yield Running(contender, port, pid)


def environment(tree: Path, url: str, directory: str) -> dict[str, str]:
    """Return the environment in which programs of a tree use a database."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("STOREGRAPH_")},
        "STOREGRAPH_DATABASE_URL": url,
        "STOREGRAPH_DATA_DIR": directory,
        "STOREGRAPH_SECRET_KEY": SECRET,
        "STOREGRAPH_PUBLIC_URL": "http://127.0.0.1:1",
        "STOREGRAPH_WORK_IN_SERVE": "false",
        "NODE_ENV": "production",
        "PYTHONPATH": str(tree),
        "PYTHONHASHSEED": "0",
    }


def _answers(port: int, key: str, probe: bytes) -> bool:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        answer = httpx.post(f"http://127.0.0.1:{port}/graphql", content=probe, headers=headers, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == 200
