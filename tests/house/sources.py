"""Our own source files, as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schema", "resolvers", "gateway")


@cache
def modules(*packages: str) -> dict[str, ast.Module]:
    """Every module of these packages, or of our three, by its dotted name; migrations are texts of their own time."""
    found = [file for package in packages or PACKAGES for file in (ROOT / package).rglob("*.py")]
    files = [file for file in found if "migrations" not in file.parts]
    return {name_of(file): _parsed(file) for file in files}


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def name_of(file: Path) -> str:
    """The dotted name of a file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(name: str) -> set[str]:
    """The modules of ours that a module imports when it is loaded."""
    return set(_imports(modules()[name])) & modules().keys()


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function in a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
