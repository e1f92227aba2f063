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
        for title, below in _levels_below(step):
            inner = indent + "    "
            if title:
                yield f"{inner}{title}"
                inner += "    "
            if below.columns:
                columns = ", ".join(str(column.key) for column in below.columns)
                yield f"{inner}columns: {columns}"
            yield from _explain_level(below, inner, with_code)


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
            keys = ", ".join(step.batch.key_names)
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


def _levels_below(step: Step) -> Iterator[tuple[str, Level]]:
    """Yield the levels to which a step leads, with titles where it reads rows by keys."""
    match step:
        case AggregateStep():
            pass
        case BatchStep() | FunctionStep() | AttributeStep() | MutationStep() | EventStep():
            shape = step.shape
            while shape.inner:
                shape = shape.inner
            if shape.level:
                yield "", shape.level
            elif keyed := shape.keyed:
                for name, level in keyed.levels.items():
                    edge = keyed.rows.by_type[name]
                    yield f"rows of {edge.table.name} by {edge.match.key}", level
                if keyed.objects:
                    yield "objects", keyed.objects
        case _:
            yield "", step.level


def _code_of(level: Level) -> Iterator[str]:
    """Yield the generated functions of a level, after the constants to which they refer."""
    for name in sorted(set(re.findall(r"\bk\d+\b", level.source)), key=lambda name: int(name[1:])):
        constant = level.constants[name]
        yield f"{name} = {getattr(constant, '__qualname__', None) or repr(constant)}"
    yield from level.source.splitlines()
