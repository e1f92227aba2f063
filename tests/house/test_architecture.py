"""The layout shows the architecture: imports run one way, from the roof to the ground."""

import ast
from graphlib import TopologicalSorter

import pytest

from tests.house.sources import PACKAGES, ROOT, imports, modules

LAYERS = (
    ("gateway.asgi", "gateway.__main__"),
    ("schema",),
    ("resolvers",),
    ("gateway.app",),
    ("gateway.http", "gateway.wiring", "gateway.demo", "gateway.generate", "gateway.logs", "gateway.gc_tuning"),
    ("gateway.tasks",),
    ("gateway.manifests",),
    ("gateway.catalog.mirroring", "gateway.catalog.reencoding"),
    ("gateway.catalog.ingestion",),
    ("gateway.catalog",),
    ("gateway.catalog.ledger",),
    ("gateway.catalog.rules",),
    ("gateway.execution.answers", "gateway.execution.compiled"),
    ("gateway.context",),
    ("gateway.execution", "gateway.loaders"),
    ("gateway.auth", "gateway.queues"),
    ("gateway.events",),
    ("gateway.clouds",),
    ("gateway.sandbox",),
    ("gateway.database", "gateway.stores", "gateway.media", "gateway.fetching"),
    ("gateway.models",),
    ("gateway.settings", "gateway.errors", "gateway.ids", "gateway.kinds", "gateway"),
)
"""From top to bottom; a module belongs to the layer that names the longest part of it."""


def layer(name: str) -> int:
    """How far down a module lies."""
    matches = [
        (len(prefix), level)
        for level, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if name == prefix or name.startswith(f"{prefix}.")
    ]
    return max(matches)[1]


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_only_from_its_own_layer_and_those_below(name: str) -> None:
    upward = {other for other in imports(name) if layer(other) < layer(name)}
    assert not upward, f"{name} looks up to {upward}"


def test_no_files_import_each_other_in_a_circle() -> None:
    TopologicalSorter({name: imports(name) - {name} for name in modules()}).prepare()


def test_gateway_knows_nothing_of_the_schema_or_the_resolvers() -> None:
    roof = {"gateway.asgi", "gateway.__main__"}
    strayed = {
        (name, other)
        for name in modules()
        if name.startswith("gateway") and name not in roof
        for other in imports(name)
        if not other.startswith("gateway")
    }
    assert not strayed


def test_nothing_imports_the_roof() -> None:
    assert not {name for name in modules() if imports(name) & {"gateway.__main__", "gateway.asgi"}}


def test_imports_stand_at_the_top() -> None:
    hidden = {
        name
        for name, tree in modules().items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and name not in LATE_IMPORTS
    }
    assert not hidden


LATE_IMPORTS = {
    "gateway.clouds.s3_protocol",  # reading URLs takes no boto3, signing them does
    "gateway.__main__",  # a command waits for what it needs, not for what the others need
    "gateway.media.probe",  # a child loads each media library when it first needs it
    "gateway.http.graphiql.build",  # npm comes from a build requirement that is not there afterwards
}


def test_package_fronts_import_nothing_but_that_of_the_models() -> None:
    fronts = [file for package in PACKAGES for file in (ROOT / package).rglob("__init__.py")]
    with_code = {
        file.parent.name
        for file in fronts
        for node in ast.parse(file.read_text()).body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }
    assert with_code == {"models"}


def test_the_api_is_tested_from_outside() -> None:
    allowed = ("tests.", "gateway.media.samples")
    for file in (ROOT / "tests" / "api").glob("*.py"):
        tree = ast.parse(file.read_text())
        named = {
            f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        inner = {name for name in named if name.split(".")[0] in ("gateway", "resolvers", "schema")}
        assert not {name for name in inner if not name.startswith(allowed)}, file.name
