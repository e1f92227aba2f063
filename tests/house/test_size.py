"""Functions and files are short, and modules have docstrings."""

import ast

from tests.house.sources import PACKAGES, ROOT, functions, modules

MAX_FILE = 400
MAX_FUNCTION = 50
OURS = modules(*PACKAGES, "tests")


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_files_are_short() -> None:
    files = [file for package in (*PACKAGES, "tests") for file in (ROOT / package).rglob("*.py")]
    long = {str(file.relative_to(ROOT)) for file in files if file.read_text().count("\n") > MAX_FILE}
    assert not {name for name in long if "/versions/" not in name}


def test_functions_are_short() -> None:
    long = {
        (name, function.name)
        for name, tree in OURS.items()
        for function in functions(tree)
        if lines(function) > MAX_FUNCTION
    }
    assert not long


def test_modules_have_docstrings() -> None:
    assert not {name for name, tree in OURS.items() if tree.body and not ast.get_docstring(tree)}
