"""Plans as text: a tree of statements with the columns they read, and the generated code."""

import re
from collections.abc import Iterator
from typing import Any

from gateway.execution.compiled.plan import (
    AggregateStep,
    AttributeStep,
    BatchStep,
    EventStep,
    FunctionStep,
    Level,
    LookupStep,
    MutationStep,
    PagesStep,
    Plan,
    Step,
    ToOneStep,
)


def explain_plan(plan: Plan, with_code: bool = False) -> str:
    """Return a plan as a tree with one line per step; `with_code` adds the generated functions."""
    return "\n".join(_explain_level(plan.root, "", with_code))


def _explain_level(level: Level, indent: str, with_code: bool) -> Iterator[str]:
    if with_code:
        for line in _code_of(level):
            yield f"{indent}| {line}".rstrip()
    for step in level.steps:
        yield f"{indent}{_explain_step(step)}"
        below = _level_below(step)
        if below is not None:
            if below.columns:
                columns = ", ".join(str(column.key) for column in below.columns)
                yield f"{indent}    columns: {columns}"
            yield from _explain_level(below, indent + "    ", with_code)


def _explain_step(step: Step) -> str:
    match step:
        case LookupStep():
            edge = step.lookup.edge
            page = f", with the page {step.page.edge.name}" if step.page else ""
            return f"look up {edge.table.name} by {edge.match.key} = ${step.lookup.argument}{page}"
        case ToOneStep():
            edge = step.edge
            return (
                f"one of {edge.table.name} by {edge.match.key} = {edge.key_name} of the row above"
            )
        case PagesStep():
            pages = step.edge
            key = "" if pages.parent is None else f" by {pages.parent} = {pages.key_name}"
            above = key and f"{key} of the row above"
            reads = {"rows": step.reads_rows, "cursors": step.reads_cursors}
            reads["count"] = step.reads_total
            names = ", ".join(name for name, is_read in reads.items() if is_read)
            return f"pages of {pages.table.name}: {pages.name}{above} ({names})"
        case AggregateStep():
            key = f"{step.edge.parent} = {step.edge.key_name}"
            return f"{step.edge.value} by {key} of the row above"
        case BatchStep():
            keys = ", ".join(step.batch.reads)
            return f"call {_function_name(step.batch.load)} with {keys} of all rows above"
        case FunctionStep():
            return f"call {_function_name(step.function.load)}"
        case AttributeStep():
            return f"objects in {step.name} of all rows above"
        case MutationStep():
            return f"mutation {step.response_key}"
        case EventStep():
            return "the row of the event"


def _function_name(function: Any) -> str:
    return str(function.__name__).lstrip("_")


def _level_below(step: Step) -> Level | None:
    """Return the level to which a step leads, if there is one."""
    match step:
        case AggregateStep():
            return None
        case BatchStep() | FunctionStep() | AttributeStep() | MutationStep() | EventStep():
            shape = step.shape
            while shape.inner:
                shape = shape.inner
            return shape.level
        case _:
            return step.level


def _code_of(level: Level) -> Iterator[str]:
    """Yield the generated functions of a level, after the constants to which they refer."""
    for name in sorted(set(re.findall(r"\bk\d+\b", level.source)), key=lambda name: int(name[1:])):
        constant = level.constants[name]
        yield f"{name} = {getattr(constant, '__qualname__', None) or repr(constant)}"
    yield from level.source.splitlines()
