"""Every type of task is enqueued and has a function, which takes exactly its arguments."""

import ast
import inspect
from functools import partial
from typing import Any, cast, get_type_hints

import pytest

from gateway.queues.base import TaskType
from gateway.tasks.worker import drawing_handlers, encoding_handlers, handlers
from tests.house.sources import modules

NONE = cast(Any, None)
HANDLERS = {
    **handlers(NONE, NONE, NONE, NONE),
    **encoding_handlers(NONE, NONE, NONE, NONE),
    **drawing_handlers(NONE, NONE),
}


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
        "take_turn": {"job", "turn", "size"},
        "ingest": {"job", "positions", "tries", "waits"},
        "film": {"job", "positions", "tries", "waits"},
        "cancel_units": {"job", "user"},
        "remove_folders": {"job"},
        "link_items": {"job"},
        "collect_items": {"job"},
        "remove_dataset": {"job"},
        "delete_dicom": {"job"},
        "copy_folders": {"job"},
        "copy_dicom": {"job", "after", "only", "tries"},
        "remove_objects": {"keys"},
        "abort_parts": {"key", "parts_id"},
        "make_thumbnails": {"items", "frame", "tries"},
        "extract_encapsulated": {"item", "object_key", "tries"},
        "sync_folder": {"job", "tries"},
        "fill_metadata": {"field"},
        "fill_checksums": {"after"},
        "index_dicom_tag": {"tag"},
        "reencode": {"job", "position", "tries"},
        "reprobe": {"folder", "item_types", "after", "only", "untagged", "chosen"},
        "sweep": set(),
        "recount": set(),
        "start_daily_syncs": set(),
    }


def test_every_task_has_a_function() -> None:
    """A task that workers do not know would wait in the queue forever."""
    declared = {
        ast.literal_eval(call.args[0])
        for tree in modules("gateway", "resolvers").values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "TaskType"
    }
    assert declared == {task.name for task in HANDLERS}


def test_every_task_is_enqueued() -> None:
    """The name of a task type is read outside of the worker, which only runs tasks."""
    declared: set[str] = set()
    read: set[str] = set()
    for name, tree in modules("gateway", "resolvers").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                function = node.value.func
                if isinstance(function, ast.Name) and function.id == "TaskType":
                    declared |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and name != "gateway.tasks.worker":
                read.add(node.id)
    assert declared
    assert declared - read == set()
