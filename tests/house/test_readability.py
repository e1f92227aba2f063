"""Names are specific and unique, docstrings are complete, and small helpers are rare."""

import ast
import io
import re
import tokenize
from collections import Counter, defaultdict

import pytest

from tests.house.sources import ROOT, classes, file_of, functions, modules

BANNED = {"told", "asked", "kept", "held", "found", "made", "one", "work", "place", "doors", "terms"}
"""Names too vague for functions, classes and modules, but for the command `work`."""
ALLOWED = {("gateway.__main__", "work")}
MOST = {"found": 132, "one": 140, "place": 119, "asked": 77}
"""Maximum number of uses of these words as names."""
MOST_USED_ONCE = 0.12
"""Maximum share of private functions that are used once; code in small pieces is hard to follow."""
PRONOUNS = re.compile(r"\b(he|his|him|himself)\b", re.IGNORECASE)
IDS = re.compile(r"\b(ENC|SUB|AMB|MID|GIR)-[A-Z0-9]|design section")
RIDDLES = ("The same", "What ", "Who ", "How ", "Whoever ", "Whatever ")
"""A docstring with such a beginning does not stand on its own."""


def reads(tree: ast.Module) -> Counter[str]:
    """Return how often each name is read in a module, as a variable or an attribute."""
    counted: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            counted[node.id] += 1
        elif isinstance(node, ast.Attribute):
            counted[node.attr] += 1
    return counted


def test_names_are_specific() -> None:
    named = {
        (name, node.name)
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name in BANNED
    }
    assert named == ALLOWED
    assert not {name for name in modules() if name.rpartition(".")[2] in BANNED}


def test_vague_words_are_rare() -> None:
    counted: Counter[str] = Counter()
    for name in modules():
        tokens = tokenize.generate_tokens(io.StringIO((ROOT / file_of(name)).read_text()).readline)
        counted.update(token.string for token in tokens if token.type == tokenize.NAME and token.string in MOST)
    assert not {word: counted[word] for word in MOST if counted[word] > MOST[word]}


def test_few_private_functions_are_used_once() -> None:
    """A function counts as used where its name is read."""
    total, once = 0, []
    for name, tree in modules().items():
        used = reads(tree)
        for function in functions(tree):
            total += 1
            if re.match(r"_[^_]", function.name) and used[function.name] == 1:
                once.append(f"{name}.{function.name}")
    assert len(once) < MOST_USED_ONCE * total, f"{len(once)} of {total}"


def test_no_two_public_classes_have_the_same_name() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for name, tree in modules().items():
        for node in classes(tree):
            if not node.name.startswith("_"):
                homes[node.name].append(name)
    assert not {name: where for name, where in homes.items() if len(where) > 1}


@pytest.mark.parametrize("name", sorted(modules()))
def test_prose_has_no_gendered_pronouns_and_internal_ids(name: str) -> None:
    """Internal ids name requirements that readers do not have."""
    lines = (ROOT / file_of(name)).read_text().splitlines()
    assert not [line for line in lines if PRONOUNS.search(line) or IDS.search(line)]


@pytest.mark.parametrize("name", sorted(modules()))
def test_docstrings_stand_on_their_own(name: str) -> None:
    nodes = [node for node in ast.walk(modules()[name]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    texts = [ast.get_docstring(node) or "" for node in [*nodes, *classes(modules()[name])]]
    assert not [text.partition("\n")[0] for text in texts if text.startswith(RIDDLES)]
