"""Imports run one way, from entry points down to rows."""

import ast
from collections.abc import Mapping

import pytest

from tests.house.sources import PACKAGES, ROOT, imports, modules, named_in_strings, type_imports

LAYERS = (
    (
        "gateway.asgi",
        "gateway.bytes_server",
        "gateway.greeting",
        "gateway.terminal",
        "gateway.transfer_progress",
        "gateway.backup_commands",
        "gateway.key_commands",
        "gateway.dicom_commands",
        "gateway.transfer_commands",
        "gateway.__main__",
    ),
    ("schema",),
    ("resolvers",),
    ("gateway.app",),
    (
        "gateway.archives",
        "gateway.dicomweb",
        "gateway.http",
        "gateway.wiring",
        "gateway.demo",
        "gateway.generate",
        "gateway.maintenance",
        "gateway.logs",
        "gateway.gc_tuning",
    ),
    ("gateway.clock_watch",),
    ("gateway.tasks",),
    ("gateway.manifests",),
    ("gateway.catalog.revision_edits",),
    (
        "gateway.catalog.mirroring",
        "gateway.catalog.reencoding",
        "gateway.catalog.reprobing",
        "gateway.catalog.dicom_copies",
    ),
    ("gateway.catalog.ingestion",),
    ("gateway.catalog",),
    ("gateway.catalog.ledger",),
    ("gateway.catalog.rules",),
    ("gateway.execution.strawberry_binding",),
    ("gateway.execution.loader_resolvers", "gateway.execution.compiled"),
    ("gateway.context",),
    ("gateway.execution", "gateway.loaders"),
    ("gateway.auth", "gateway.queues"),
    ("gateway.events",),
    ("gateway.clouds",),
    ("gateway.sandbox",),
    ("gateway.database", "gateway.stores", "gateway.media", "gateway.fetching", "gateway.dicom.rewriting"),
    ("gateway.dicom",),
    ("gateway.models",),
    ("gateway.transfer",),
    ("gateway.settings", "gateway.errors", "gateway.ids", "gateway.kinds", "gateway"),
)
"""From top to bottom; a module belongs to the layer that names the longest part of it."""

ENTRY_POINTS = {"gateway.asgi", "gateway.__main__"}


def layer(name: str) -> int:
    """Return how far down a module is."""
    matches = [
        (len(prefix), level)
        for level, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if name == prefix or name.startswith(f"{prefix}.")
    ]
    return max(matches)[1]


def cycles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Return the groups of modules in which each reaches every other (strongly connected components)."""
    reach: dict[str, set[str]] = {}
    for start in graph:
        seen, waiting = set[str](), [start]
        while waiting:
            for other in graph[waiting.pop()] - seen:
                seen.add(other)
                waiting.append(other)
        reach[start] = seen
    groups = {
        frozenset(other for other in seen if name in reach[other]) for name, seen in reach.items() if name in seen
    }
    return [set(group) for group in groups]


@pytest.mark.parametrize("name", sorted(modules()))
def test_module_depends_only_on_its_layer_and_those_below(name: str) -> None:
    """Imports for the type checker and names of modules in strings count, too."""
    others = imports(name) | type_imports(name) | named_in_strings(name)
    upward = {other for other in others if layer(other) < layer(name)}
    assert not upward, f"{name} depends on {upward}, which are above it"


def test_rules_are_pure_functions() -> None:
    """Rules neither read nor write the database; the catalog passes rows to them."""
    impure = {
        (name, other)
        for name in modules()
        if name.startswith("gateway.catalog.rules")
        for other in imports(name)
        if other.startswith(("gateway.database", "gateway.context"))
    }
    assert not impure


def test_transfers_import_neither_server_nor_database() -> None:
    """Scripts use them wherever a site can be reached."""
    foreign = {
        (name, other)
        for name in modules()
        if name.startswith("gateway.transfer.")
        for other in imports(name) | type_imports(name)
        if not other.startswith("gateway.transfer") and other != "gateway.tree_names"
    }
    assert not foreign


def test_modules_have_no_import_cycles() -> None:
    """Types of the schema may import each other for the type checker."""
    assert cycles({name: imports(name) for name in modules()}) == []
    of_types = cycles({name: imports(name) | type_imports(name) for name in modules()})
    assert {name.split(".")[0] for cycle in of_types for name in cycle} == {"schema"}


def test_cycles_are_detected() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [{"b", "c"}]


def test_gateway_depends_on_neither_schema_nor_resolvers() -> None:
    strayed = {
        (name, other)
        for name in modules()
        if name.startswith("gateway") and name not in ENTRY_POINTS
        for other in imports(name) | type_imports(name) | named_in_strings(name)
        if not other.startswith("gateway")
    }
    assert not strayed


def test_nothing_imports_the_entry_points() -> None:
    assert not {name for name in modules() if (imports(name) | type_imports(name)) & ENTRY_POINTS}


def test_imports_are_at_the_top_of_files() -> None:
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
    "gateway.terminal",  # likewise
    "gateway.backup_commands",  # likewise
    "gateway.key_commands",  # likewise
    "gateway.dicom_commands",  # likewise
    "gateway.transfer_commands",  # likewise
    "gateway.__main__",  # a command waits for what it needs, not for what the others need
    "gateway.media.probe",  # a child loads each media library when it first needs it
    "gateway.media.recognize",  # likewise
    "gateway.media.image",  # likewise
    "gateway.http.graphiql.build",  # npm comes from a build requirement that is not there afterwards
}


def test_only_the_package_of_models_has_code_in_init() -> None:
    fronts = [file for package in PACKAGES for file in (ROOT / package).rglob("__init__.py")]
    with_code = {
        file.parent.name
        for file in fronts
        for node in ast.parse(file.read_text()).body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }
    assert with_code == {"models"}


def test_api_tests_import_no_internals() -> None:
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
