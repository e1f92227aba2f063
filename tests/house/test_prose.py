"""Prose that people read: no internal ids, no gendered pronouns, and descriptions that stand on their own."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
)
from typer.main import get_command

from gateway.__main__ import cli
from gateway.execution.private_apis import core_schema
from schema.api import api
from tests.house.sources import ROOT, modules

INTERNAL_ID = re.compile(r"\b(?:ENC|SUB|AMB|MID|GIR)-[A-Z0-9]|\bdesign section\b|\bissue \d")
PRONOUN = re.compile(r"\b(?:he|his|him|himself|she|her|herself)\b", re.IGNORECASE)
DANGLING = re.compile(r"(?:The same|What|Who|Whose|Whoever|Whatever|How|Whether somebody)\b")
BRITISH = re.compile(
    r"\b(?:recogni|normali|seriali|initiali|optimi|deoptimi|summari)s|colour|behaviour|misspelt|labell", re.IGNORECASE
)
"""Spellings that texts do not have: they are American, but for names of the API such as `organisation`."""
ERRORS = ("bad_input", "forbidden", "conflict", "DomainError")
LOG_LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


def descriptions() -> Iterator[tuple[str, str]]:
    """Yield every description and deprecation of the schema, with its coordinate."""
    for name, kind in core_schema(api).type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        yield name, kind.description or ""
        members = kind.values if isinstance(kind, GraphQLEnumType) else {}
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            members = kind.fields
        for member, value in members.items():
            yield f"{name}.{member}", value.description or ""
            if value.deprecation_reason:
                yield f"{name}.{member} @deprecated", value.deprecation_reason
            for argument, definition in getattr(value, "args", {}).items():
                yield f"{name}.{member}({argument})", definition.description or ""


def helps(command: Any, name: str = "storegraph") -> Iterator[tuple[str, str]]:
    """Yield the help of a command, of its parameters, and of the commands below it."""
    yield name, command.help or ""
    for parameter in command.params:
        if parameter.name != "help" and hasattr(parameter, "help"):
            yield f"{name} {parameter.name}", parameter.help or ""
    for child, inner in getattr(command, "commands", {}).items():
        yield from helps(inner, f"{name} {child}")


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Yield every call of the three packages: its location, its node, and the called name."""
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield f"{module}:{node.lineno}", node, called


def literal(node: ast.expr) -> str | None:
    """Return a literal text, or the end of one into which values are formatted; none if that is a value."""
    last = node.values[-1] if isinstance(node, ast.JoinedStr) else node
    return last.value if isinstance(last, ast.Constant) and isinstance(last.value, str) else None


def test_pages_have_no_internal_ids_and_no_gendered_pronouns() -> None:
    """The code is held to this by `test_readability`."""
    wrong = [
        f"{page.name}:{number}: {line}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for number, line in enumerate(page.read_text().splitlines(), 1)
        if INTERNAL_ID.search(line) or PRONOUN.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_descriptions_are_sentences_that_stand_alone() -> None:
    wrong = [
        (coordinate, text)
        for coordinate, text in descriptions()
        if not text.endswith(".") or DANGLING.match(text) or INTERNAL_ID.search(text) or PRONOUN.search(text)
    ]
    assert not wrong, "\n".join(map(str, wrong))


def test_texts_are_spelled_the_american_way() -> None:
    texts = [*descriptions(), *((page.name, page.read_text()) for page in (ROOT / "docs").rglob("*.md"))]
    assert not [(name, match[0]) for name, text in texts if (match := BRITISH.search(text))]


def test_help_is_sentences_that_stand_alone() -> None:
    wrong = [(name, text) for name, text in helps(get_command(cli)) if not text.endswith(".") or DANGLING.match(text)]
    assert not wrong


def test_docstrings_of_modules_stand_alone() -> None:
    docstrings = {name: ast.get_docstring(tree) or "" for name, tree in modules().items()}
    assert not {name: text.partition("\n")[0] for name, text in docstrings.items() if DANGLING.match(text)}


def test_errors_are_sentences() -> None:
    wrong = []
    for location, call, called in calls():
        index = 1 if called == "DomainError" else 0
        if called not in ERRORS or len(call.args) <= index:
            continue
        text = literal(call.args[index])
        if text is not None and not text.endswith((".", "?")):
            wrong.append(f"{location}: {text}")
    assert not wrong, "\n".join(wrong)


def test_log_events_are_names() -> None:
    wrong = [
        f"{location}: {text}"
        for location, call, called in calls()
        if called in LOG_LEVELS and isinstance(call.func, ast.Attribute)
        if isinstance(call.func.value, ast.Name) and call.func.value.id == "log"
        if call.args and (text := literal(call.args[0])) and not re.fullmatch(r"[a-z]+(?:_[a-z]+)+", text)
    ]
    assert not wrong, "\n".join(wrong)
