"""Values of metrics, read from inputs: what is valid, and the numbers in a JSON object."""

import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.catalog.metric_results import NewScalar, TrendKey
from gateway.catalog.rules.names import validate_metadata, validate_name
from gateway.clock import now
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, Path, bad_input
from gateway.json_values import camel_case
from resolvers.inputs.metric_results import MetricFactsInput, MetricUrlInput

MAX_SCALARS = 1_000
_MAX_LINKS, _MAX_KEYS, _MAX_URL, _MAX_PARAMETERS = 100, 100, 2_000, 64 * 1024


@dataclass(frozen=True, slots=True)
class ReadScalar:
    """A valid value, and the items that it names, each with its input field."""

    scalar: NewScalar
    items: list[tuple[UUID, Path]]


def read_scalar(
    facts: MetricFactsInput, metric_name: str, value: float, *path: str | int
) -> ReadScalar:
    """Return a value of a metric with its circumstances.

    Raises:
        DomainError: at the field below `path` that is not valid.
    """
    if not math.isfinite(value):
        raise bad_input("A value must be a finite number.", *path, "value")
    command = facts.reproduction_command
    parameters = None
    if facts.parameters is not None:
        parameters = validate_metadata(facts.parameters, *path, "parameters", most=_MAX_PARAMETERS)
    columns: dict[str, Any] = {
        "value": float(value),
        "revision": text_of(facts.revision, 1_000, *path, "revision"),
        "branch": text_of(facts.branch, 1_000, *path, "branch"),
        "reproduction_command": text_of(command, 10_000, *path, "reproductionCommand"),
        "submitted_at": facts.submitted_at or now(),
        "is_official": facts.is_official,
        "parameters": parameters,
        "links": _links(facts.links or [], (*path, "links")),
    }
    named = {
        "config_item_uuid": facts.config_item_uuid,
        "test_item_uuid": facts.test_item_uuid,
        "truth_item_uuid": facts.truth_item_uuid,
    }
    trend = TrendKey(
        validate_name(metric_name, *path, "metricName"),
        text_of(facts.unit, 100, *path, "unit"),
        **named,
    )
    found = [(uuid, (*path, camel_case(name))) for name, uuid in named.items() if uuid]
    return ReadScalar(NewScalar(trend, columns), found)


def text_of(text: str | None, most: int, *path: str | int) -> str:
    """Return a text, or an empty one for null; raise `BAD_USER_INPUT` if it is too long."""
    if text is not None and len(text) > most:
        raise bad_input(sized(str(path[-1]), 0, most, len(text)), *path)
    return text or ""


def numbers_in(results: Any, parent_keys: list[str] | None) -> dict[str, float]:
    """Return the numbers in a JSON object, by the keys that lead to them, joined with `/`.

    Raises:
        DomainError: it is no object, a parent key is not in it, or it has too many or no numbers.
    """
    validate_metadata([] if results is None else results, "results")
    if parent_keys is not None and not 1 <= len(parent_keys) <= _MAX_KEYS:
        code = ErrorCode.LIMIT_EXCEEDED if parent_keys else ErrorCode.BAD_USER_INPUT
        message = sized("parentKeys", 1, _MAX_KEYS, len(parent_keys), "entries")
        raise DomainError(code, message, ("parentKeys",))
    for index, key in enumerate(parent_keys or []):
        if key not in results:
            raise bad_input(f"The object has no key {key[:100]!r}.", "parentKeys", index)
    numbers: dict[str, float] = {}
    keys = list(results) if parent_keys is None else parent_keys
    waiting = [(key, results[key]) for key in reversed(keys)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{name}/{key}", below) for key, below in reversed(value.items())]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = float(value)
    if not 1 <= len(numbers) <= MAX_SCALARS:
        code = ErrorCode.LIMIT_EXCEEDED if numbers else ErrorCode.BAD_USER_INPUT
        message = sized("results", 1, MAX_SCALARS, len(numbers), "numbers")
        raise DomainError(code, message, ("results",))
    return numbers


def _links(links: list[MetricUrlInput], path: Path) -> list[dict[str, str]]:
    if len(links) > _MAX_LINKS:
        message = sized("links", 0, _MAX_LINKS, len(links), "entries")
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
    valid = []
    for index, link in enumerate(links):
        label = validate_name(link.label, *path, index, "label")
        url = text_of(link.url, _MAX_URL, *path, index, "url")
        if not url.startswith(("http://", "https://")) or not url.isprintable():
            raise bad_input("Expected an http or https URL.", *path, index, "url")
        valid.append({"label": label, "url": url})
    return valid
