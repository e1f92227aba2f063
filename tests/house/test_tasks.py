"""Task functions take exactly the arguments of their task types."""

import inspect
from functools import partial
from typing import Any, cast, get_type_hints

import pytest

from gateway.queues.base import TaskType
from gateway.tasks.worker import encoding_handlers, handlers

NONE = cast(Any, None)
HANDLERS = {**handlers(NONE, NONE), **encoding_handlers(NONE, NONE, NONE, NONE)}


@pytest.mark.parametrize("task", HANDLERS, ids=lambda task: task.name)
def test_task_takes_the_arguments_of_its_type(task: TaskType[Any]) -> None:
    function = cast(partial[Any], HANDLERS[task]).func
    hints = get_type_hints(function)
    taken = {
        name: (hints[name], parameter.default is parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    required = task.args.__required_keys__
    assert taken == {name: (hint, name in required) for name, hint in get_type_hints(task.args).items()}


def test_names_and_arguments_are_stable() -> None:
    """Tasks enqueued by an older version still run."""
    assert {task.name: set(task.args.__annotations__) for task in HANDLERS} == {
        "read_manifest": {"job", "tries"},
        "take_turn": {"job", "turn"},
        "ingest": {"job", "positions", "tries"},
        "film": {"job", "positions", "tries"},
        "remove_objects": {"keys"},
        "abort_parts": {"key", "parts_id"},
        "sync_folder": {"job", "tries"},
        "reencode": {"job", "position", "tries"},
        "sweep": set(),
        "recount": set(),
        "start_daily_syncs": set(),
    }
