"""Source files of the project, as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schema", "resolvers", "gateway")


@cache
def modules(*packages: str) -> dict[str, ast.Module]:
    """Return every module of these packages, by default of the product, by dotted name.

    Migrations are left out: they are never rewritten.
    """
    paths = [file for package in packages or PACKAGES for file in (ROOT / package).rglob("*.py")]
    files = [file for file in paths if "migrations" not in file.parts]
    return {name_of(file): _parsed(file) for file in files}


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def name_of(file: Path) -> str:
    """Return the dotted name of a file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def file_of(name: str) -> str:
    """Return the path of a module from the root."""
    path = ROOT / name.replace(".", "/")
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).relative_to(ROOT).as_posix()


def imports(name: str) -> set[str]:
    """Return the project's modules that a module imports when it is loaded."""
    return set(_imports(modules()[name].body)) & modules().keys() - {name}


def type_imports(name: str) -> set[str]:
    """Return the project's modules that a module imports for the type checker only."""
    blocks = [
        node.body
        for node in modules()[name].body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    return {module_name for body in blocks for module_name in _imports(body)} & modules().keys() - {name}


def named_in_strings(name: str) -> set[str]:
    """Return the project's modules that strings in a module name, docstrings aside."""
    strings = {node.value for node in ast.walk(modules()[name]) if isinstance(node, ast.Constant)}
    packages = {module.rpartition(".")[0] for module in modules()} - {""}
    return {text for text in strings if isinstance(text, str)} & (modules().keys() | packages) - {*PACKAGES, name}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method in a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """Yield every class at the top of a module."""
    return (node for node in tree.body if isinstance(node, ast.ClassDef))


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
