"""Packages of other servers, in pinned versions, installed into a cache when they are measured."""

import os
import platform
import shutil
import subprocess
import venv
from pathlib import Path

import orjson

PEERS = Path(__file__).parent / "peers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "storegraph-speed"

_MACHINES = {"x86_64": "x64", "aarch64": "arm64"}
NODE = f"node-linux-{_MACHINES.get(platform.machine(), 'x64')}"
NPM = {
    NODE: "22.23.3",
    "fastify": "5.12.8",
    "grafast": "1.1.3",
    "graphql": "16.15.0",
    "graphql-jit": "0.8.9",
    "mercurius": "16.10.1",
    "pg": "8.23.1",
    "postgraphile": "5.1.5",
}
ARIADNE = "1.1.1"


def ariadne() -> Path:
    """Return a directory for Python's path that has Ariadne; it uses the same graphql-core as Storegraph."""
    target = CACHE / f"ariadne-{ARIADNE}"
    if not target.exists():
        tools = CACHE / "pip"
        venv.create(tools, with_pip=True)
        pip: list[str | Path] = [
            tools / "bin/pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            target,
            f"ariadne=={ARIADNE}",
        ]
        subprocess.run(pip, check=True)
    return target


def node(script: str) -> list[str | Path]:
    """Return the command that runs one of the scripts of this package under Node, which npm installs too."""
    directory = CACHE / "node"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = orjson.dumps({"private": True, "type": "module", "dependencies": NPM})
    package = directory / "package.json"
    if not package.exists() or package.read_bytes() != wanted:
        (directory / "package-lock.json").unlink(missing_ok=True)
        draft = directory / "package.json"
        draft.write_bytes(wanted)
        try:
            install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--silent"]
            subprocess.run(install, cwd=directory, check=True)
        except BaseException:
            draft.unlink()
            raise
    shutil.copy(PEERS / script, directory)
    return [directory / "node_modules" / NODE / "bin/node", directory / script]
