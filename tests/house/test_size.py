"""Functions fit in a glance, and each file is one idea."""

import ast
from statistics import median

import pytest

from tests.house.sources import ROOT, functions, modules

MAX_FILE = 400
MAX_FUNCTION = 50
MEDIAN_FUNCTION = 8


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function has."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_files_are_short() -> None:
    files = [file for package in ("schema", "resolvers", "gateway", "tests") for file in (ROOT / package).rglob("*.py")]
    long = {str(file.relative_to(ROOT)) for file in files if file.read_text().count("\n") > MAX_FILE}
    assert not {name for name in long if "/versions/" not in name}


@pytest.mark.parametrize("name", sorted(modules()))
def test_functions_are_short(name: str) -> None:
    assert not {function.name for function in functions(modules()[name]) if lines(function) > MAX_FUNCTION}


def test_most_functions_fit_in_a_glance() -> None:
    sizes = [lines(function) for tree in modules().values() for function in functions(tree)]
    assert median(sizes) <= MEDIAN_FUNCTION


@pytest.mark.parametrize("name", sorted(modules()))
def test_files_say_what_they_are_in_charge_of(name: str) -> None:
    tree = modules()[name]
    assert not tree.body or ast.get_docstring(tree)
