"""Rules that run as one report exactly what graphql-core's `validate` reports for them."""

import gc
import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from graphql import (
    BREAK,
    SKIP,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    ValidationRule,
    build_schema,
    parse,
    specified_rules,
    validate,
)

from gateway.execution.combined_rules import combined
from gateway.execution.documents import RULES
from gateway.execution.input_checks import NoIntrospection
from tests.house.sources import ROOT

SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text())
TEXTS = [
    re.sub("#.*", "", path.read_text())
    for folder in ("tests/queries", "tests/execution/corpus")
    for path in sorted((ROOT / folder).glob("*.graphql"))
]
TOKEN = re.compile(r'"[^"\n]*"|\.\.\.|\w+|\S')
NAMES = sorted({word for text in TEXTS for word in TOKEN.findall(text) if word.isalnum()})
ALL_RULES = (*RULES, NoIntrospection)
COMBINED = combined(ALL_RULES)
EXAMPLES, MANY_EXAMPLES = 600, 10_000


def described(errors: list[GraphQLError]) -> list[object]:
    return [(type(error), error.message, error.locations, error.nodes, error.extensions) for error in errors]


def damaged(chance: Random) -> str:
    """Return one or two documents, of which some words are replaced, removed or repeated."""
    words = [word for text in chance.sample(TEXTS, chance.randint(1, 2)) for word in TOKEN.findall(text)]
    for _ in range(chance.randint(0, 4)):
        place = chance.randrange(len(words))
        if words[place].isalnum():
            words[place : place + 1] = chance.choice(([chance.choice(NAMES)], [], [words[place]] * 2))
    return " ".join(words)


def compare(seeds: range) -> Counter[str]:
    """Compare both on random documents; return how often each kind of error occurred."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        chance = Random(seed)
        text, limit = damaged(chance), chance.choice((1, 2, 10, 100))
        try:
            ast = parse(text)
        except GraphQLSyntaxError:
            continue
        expected = validate(SCHEMA, ast, ALL_RULES, limit, hide_suggestions=True)
        assert described(validate(SCHEMA, ast, [COMBINED], limit, hide_suggestions=True)) == described(expected), text
        seen.update(type(error).__name__ for error in expected)
        seen["valid" if not expected else "invalid"] += 1
    return seen


def test_errors_are_those_of_graphql_core() -> None:
    seen = compare(range(EXAMPLES))
    assert min(seen["valid"], seen["invalid"], seen["ValidationAbortedError"]) > 0, seen


@pytest.mark.long
def test_errors_of_many_documents_are_those_of_graphql_core() -> None:
    compare(range(MANY_EXAMPLES))


@pytest.mark.parametrize(
    "text",
    [
        "{ a " + " ".join(f"x{n}" for n in range(20)) + " }",
        "{ ...F0 } " + "".join(f"fragment F{n} on Query {{ t {{ ...F{n + 1} }} }} " for n in range(500)),
        "{ ...F } fragment F on Query { ...F }",
    ],
)
def test_validation_is_aborted_alike(text: str) -> None:
    schema = build_schema("type Query { a: Int t: Query }")
    expected = validate(schema, parse(text), specified_rules, 10)
    assert expected
    assert described(validate(schema, parse(text), [combined(specified_rules)], 10)) == described(expected)


STEPS = [f"{step}{kind}" for step in ("enter", "leave") for kind in ("", "_field", "_name", "_selection_set")]
RESULTS = (None, SKIP, False, BREAK, True)


def recorders(chance: Random, log: list[str]) -> list[type[ValidationRule]]:
    """Return rules that note what they visit, and skip or stop at random but repeatable nodes."""

    def method(label: str, results: list[Any]) -> Callable[..., Any]:
        def visit(_rule: ValidationRule, node: Node, *where: Any) -> Any:
            assert node.loc
            log.append(f"{label} {node.kind} {node.loc.start} {where[0]} {where[2]} {len(where[3])}")
            return results[node.loc.start % len(results)]

        return visit

    def rule(number: int) -> type[ValidationRule]:
        steps = chance.sample(STEPS, chance.randint(1, 4))
        results = {step: chance.choices(RESULTS, weights=(20, 2, 2, 1, 1), k=37) for step in steps}
        return type(
            f"Rule{number}", (ValidationRule,), {step: method(f"{number} {step}", results[step]) for step in steps}
        )

    return [rule(number) for number in range(4)]


@pytest.mark.parametrize("seed", range(20))
def test_rules_skip_and_stop_as_in_graphql_core(seed: int) -> None:
    schema = build_schema("type Query { a: Int b: Query }")
    ast = parse("{ a b { a b { a } a } a b { b { a } } } fragment F on Query { a b { a } }")
    log: list[str] = []
    rules = recorders(Random(seed), log)
    validate(schema, ast, rules)
    expected = log[:]
    log.clear()
    validate(schema, ast, [combined(rules)])
    assert log == expected


@pytest.fixture
def no_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_validation_leaves_little_to_the_garbage_collector(no_gc: None) -> None:
    ast = parse((ROOT / "tests" / "queries" / "folder_page.graphql").read_text())

    def left(schema: GraphQLSchema, rules: Any) -> int:
        validate(schema, ast, rules)
        gc.collect()
        validate(schema, ast, rules)
        return gc.collect()

    assert left(SCHEMA, [COMBINED]) < left(SCHEMA, ALL_RULES) / 3
