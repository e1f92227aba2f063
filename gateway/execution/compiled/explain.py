"""A plan as people read it: a tree of its statements with the columns that they read and the keys that lead to them."""

from collections.abc import Iterator
from typing import Any

from gateway.execution.compiled.plan import (
    AggregateStep,
    AttributeStep,
    BatchStep,
    ChangeStep,
    EventStep,
    FunctionStep,
    Level,
    LookupStep,
    PagesStep,
    Plan,
    Shape,
    Step,
    ToOneStep,
)


def explained(plan: Plan) -> str:
    """The tree, a line a step."""
    return "\n".join(_level(plan.root, ""))


def _level(level: Level, indent: str) -> Iterator[str]:
    for step in level.steps:
        yield f"{indent}{_step(step)}"
        below = _below(step)
        if below is not None:
            if below.columns:
                yield f"{indent}    columns: {', '.join(str(column.key) for column in below.columns)}"
            yield from _level(below, indent + "    ")


def _step(step: Step) -> str:
    match step:
        case LookupStep():
            edge = step.lookup.edge
            page = f", with the page {step.page.edge.name}" if step.page else ""
            return f"look up {edge.table.name} by {edge.match.key} = ${step.lookup.argument}{page}"
        case ToOneStep():
            return f"one of {step.edge.table.name} by {step.edge.match.key} = {step.edge.key_name} of the row above"
        case PagesStep():
            return f"pages of {step.edge.table.name}: {step.edge.name}{_parent(step)}{_reads(step)}"
        case AggregateStep():
            return (
                f"{step.edge.value} by {step.edge.parent} = {step.edge.key_name} of the row above"
            )
        case BatchStep():
            return f"call {_name(step.batch.load)} with {', '.join(step.batch.reads)} of all rows above"
        case FunctionStep():
            return f"call {_name(step.function.load)}"
        case AttributeStep():
            return f"objects in {step.name} of all rows above"
        case ChangeStep():
            return f"change {step.place}"
        case EventStep():
            return "the row of the event"


def _parent(step: PagesStep) -> str:
    return (
        ""
        if step.edge.parent is None
        else f" by {step.edge.parent} = {step.edge.key_name} of the row above"
    )


def _reads(step: PagesStep) -> str:
    wanted = {"rows": step.reads_rows, "cursors": step.reads_cursors, "count": step.reads_total}
    return f" ({', '.join(name for name, reads in wanted.items() if reads)})"


def _name(function: Any) -> str:
    return str(function.__name__).lstrip("_")


def _below(step: Step) -> Level | None:
    match step:
        case AggregateStep():
            return None
        case BatchStep() | FunctionStep() | AttributeStep() | ChangeStep() | EventStep():
            return _of_shape(step.shape)
        case _:
            return step.level


def _of_shape(shape: Shape) -> Level | None:
    return _of_shape(shape.inner) if shape.inner else shape.level
