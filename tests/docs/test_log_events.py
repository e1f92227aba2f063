"""The table of log events in `docs/operating.md` is complete, and names the fields of each event."""

import ast
import re
from collections import defaultdict

from tests.house.sources import ROOT, modules

PAGE = (ROOT / "docs" / "operating.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| ([a-z ]+) \|(.*?)\| .+ \|$", re.MULTILINE)
METHODS = {"debug", "info", "warning", "error", "exception"}
DESCRIBED = {"client", "viewer", "operation", "request_id"}
"""Fields of `**describe_caller()`."""
LOGS_FAILURES = "log.error(event, exc_info=error, **facts)"
"""The call in `log_failure`, which is given the event."""
UNDOCUMENTED = {"exc_info"}
FREE = {"not_ready", "operation_ended"}
"""Events whose fields are collected before the call."""


def logged() -> dict[str, set[str]]:
    """Return the fields of each event that is logged."""
    events: dict[str, set[str]] = defaultdict(set)
    for tree in modules("gateway", "resolvers").values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_log_call(node) and ast.unparse(node) != LOGS_FAILURES:
                event = node.args[0]
                assert isinstance(event, ast.Constant) and isinstance(event.value, str), ast.unparse(node)
                events.setdefault(event.value, set())
                for keyword in node.keywords:
                    is_caller = ast.unparse(keyword.value) == "describe_caller()"
                    events[event.value] |= DESCRIBED if is_caller else {keyword.arg or ""}
    return events


def _is_log_call(node: ast.Call) -> bool:
    match node.func:
        case ast.Attribute(value=ast.Name(id="log"), attr=name):
            return name in METHODS
        case ast.Name(id="log_failure"):
            return True
        case ast.Name(id="write"):  # the method that was chosen for the level of an operation
            return bool(node.args) and isinstance(node.args[0], ast.Constant)
    return False


def test_every_event_is_in_the_table_with_its_fields() -> None:
    documented = {event: set(re.findall(r"`(\w+)`", fields)) for event, _, fields in ROW.findall(PAGE)}
    events = logged()
    assert sorted(documented) == sorted(events)
    differing = {
        event: (fields - UNDOCUMENTED, documented[event])
        for event, fields in events.items()
        if event not in FREE and fields - UNDOCUMENTED != documented[event]
    }
    assert not differing
