"""Both executors give the same response to random documents: data, errors and order."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.execution.documents import Writer
from tests.execution.world import Both, both
from tests.fixtures.narrow_viewers import PLANS, force_plan

EXAMPLES, MANY_EXAMPLES = 200, 10_000
ATTEMPTS = 10
LEFT_BEHIND = "Exception ignored in. <coroutine object "
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """Return an event loop that is shared by all examples."""
    with asyncio.Runner() as running:
        yield running


@pytest.fixture
def pair(runner: asyncio.Runner, database_url: str, tmp_path: Path) -> Iterator[Both]:
    """Return both executors over one site, which is opened once for all examples."""
    opened = both(database_url, tmp_path)
    yield runner.run(opened.__aenter__())
    runner.run(opened.__aexit__(None, None, None))


def without_indexes(body: bytes) -> bytes:
    """Return a response without list indexes in its errors: which of several siblings fails first is undefined."""
    answer = orjson.loads(body)
    for error in answer.get("errors", ()):
        error["path"] = [None if isinstance(part, int) else part for part in error.get("path", ())]
    return orjson.dumps(answer)


def are_alike(compiled: bytes, interpreted: bytes) -> bool:
    return compiled == interpreted or without_indexes(compiled) == without_indexes(interpreted)


def can_be_alike(runner: asyncio.Runner, pair: Both, text: str, variables: dict[str, Any], viewer: str) -> bool:
    """Return whether both executors give a response in common: which of several errors comes first is undefined."""
    answers = [runner.run(pair.bodies(text, variables, viewer)) for _ in range(ATTEMPTS)]
    return any(are_alike(compiled, interpreted) for compiled, _ in answers for _, interpreted in answers)


def compare(runner: asyncio.Runner, pair: Both, examples: int) -> None:
    """Compare both executors on random documents, each run as one of the viewers."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=QUIET, database=None)
    @given(st.randoms(use_true_random=True), st.sampled_from(["admin", "member", "stranger"]))
    def check_document(chance: Random, viewer: str) -> None:
        text, variables = Writer(chance, pair.world).document()
        compiled, interpreted = runner.run(pair.bodies(text, variables, viewer))
        is_alike = are_alike(compiled, interpreted)
        if not is_alike and b'"errors"' in compiled and b'"errors"' in interpreted:
            is_alike = can_be_alike(runner, pair, text, variables, viewer)
        assert is_alike, (text, variables, viewer, compiled, interpreted)
        seen["refused" if b'"GRAPHQL_VALIDATION_FAILED"' in interpreted else "run"] += 1

    seen: Counter[str] = Counter()
    check_document()
    print(seen, pair.compiled.outcomes, pair.compiled.reasons)
    assert pair.compiled.outcomes["compiled"] > examples / 4


# When a field fails, graphql-core leaves the coroutines of its siblings to the garbage collector.
@pytest.mark.filterwarnings(f"ignore:{LEFT_BEHIND}:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("plan", PLANS)
def test_random_documents_give_equal_responses(
    runner: asyncio.Runner, pair: Both, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    force_plan(monkeypatch, plan)
    compare(runner, pair, EXAMPLES)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.filterwarnings(f"ignore:{LEFT_BEHIND}:pytest.PytestUnraisableExceptionWarning")
def test_many_random_documents_give_equal_responses(runner: asyncio.Runner, pair: Both) -> None:
    compare(runner, pair, MANY_EXAMPLES)
