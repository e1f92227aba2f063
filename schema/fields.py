"""The words in which types are written: a field is a column, or a declaration or function answers it."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry.types.base import get_object_definition

from gateway.context import Context, Info
from gateway.errors import DomainError, DomainErrors
from gateway.execution import loader_resolvers as answers
from gateway.execution.declarations import (
    Aggregate,
    Argument,
    Batch,
    Computed,
    Declaration,
    Lookup,
    Mutation,
    RootFunction,
    Subscription,
    ToMany,
    ToOne,
)
from resolvers.outcomes import Outcome, to_user_errors

DECLARATION = "declaration"
_PAGE = (
    Argument(
        "first",
        int | None,
        None,
        "Number of entries from the start of the list, 0 to 1,000. Defaults to 100.",
    ),
    Argument(
        "after",
        str | None,
        None,
        "Return only entries after this cursor, which must come from the same list.",
    ),
    Argument("last", int | None, None, "Number of entries from the end of the list, 0 to 1,000."),
    Argument(
        "before",
        str | None,
        None,
        "Return only entries before this cursor, which must come from the same list.",
    ),
)


def row_type(kind: Callable[[Any], bool] = lambda row: True) -> Callable[[type], type]:
    """Let a type be answered by rows; `kind` tells which rows where several types share an interface."""

    def mark(cls: type) -> type:
        get_object_definition(cls, strict=True).is_type_of = lambda row, _info: kind(row)
        return cls

    return mark


def column(description: str, name: str | None = None, deprecated: str | None = None) -> Any:
    """A field that is a column of the row."""
    return strawberry.field(description=description, name=name, deprecation_reason=deprecated)


def resolved(declaration: Declaration, description: str, deprecated: str | None = None) -> Any:
    """A field that a declaration answers."""
    return _field(_resolver(declaration), description, declaration, deprecated)


def root_field(function: Callable[..., Any]) -> Any:
    """A field of a root that a function answers; its docstring describes it, its keywords are the arguments."""
    arguments = _arguments_of(function)

    async def resolve(info: Info, **given: Any) -> Any:
        return await function(info.context, **given)

    return _field(
        _with_arguments(resolve, arguments, has_root=False),
        inspect.getdoc(function) or "",
        RootFunction(function),
    )


def mutation(function: Callable[..., Any]) -> Any:
    """Declare a mutation, which `function(context, input)` runs.

    The function's docstring describes the field, and its return annotation is the outcome class
    behind the payload. Domain errors that it raises become `userErrors`.
    """
    signature = inspect.signature(function, eval_str=True)
    input_type, outcome_type = signature.parameters["input"].annotation, signature.return_annotation

    async def run(context: Context, input: Any) -> Outcome:
        try:
            outcome: Outcome = await function(context, input)
        except DomainError as error:
            outcome = outcome_type(user_errors=to_user_errors([error]))
        except DomainErrors as refusal:
            outcome = outcome_type(user_errors=to_user_errors(refusal.errors))
        return outcome

    async def make(context: Context, place: str, input: Any) -> Outcome:
        outcome = await context.once(place, partial(run, context, input))
        context.renew()
        return outcome

    async def resolve(info: Info, **given: Any) -> Outcome:
        return await make(info.context, str(info.path.key), **given)

    arguments = [
        Argument("input", input_type, inspect.Parameter.empty, "The arguments of the mutation.")
    ]
    description = f"{inspect.getdoc(function)}\n\nNeeds: {function.needs}."  # type: ignore[attr-defined]  # set by `requires`
    resolver = _with_arguments(resolve, arguments, has_root=False)
    return _field(resolver, description, Mutation(make, outcome_type))


def subscription(function: Callable[..., Any]) -> Any:
    """A subscription: `function(context, **arguments)` yields events, each answered from the present state."""

    def resolve(info: Info, **given: Any) -> Any:
        return function(info.context, **given)

    resolver = _with_arguments(resolve, _arguments_of(function), has_root=False)
    metadata = {DECLARATION: Subscription()}
    return strawberry.subscription(
        resolver=resolver, description=inspect.getdoc(function), metadata=metadata
    )


def _field(
    resolver: Callable[..., Any],
    description: str,
    declaration: Declaration,
    deprecated: str | None = None,
) -> Any:
    return strawberry.field(
        resolver=resolver,
        description=description,
        metadata={DECLARATION: declaration},
        deprecation_reason=deprecated,
    )


def _resolver(declaration: Declaration) -> Callable[..., Any]:
    match declaration:
        case Computed():
            return _plain(lambda _context, row: answers.derived(declaration, row))
        case Lookup():
            return _looked_up(declaration)
        case ToOne():
            return _plain(lambda context, row: answers.one(context, declaration, row))
        case Aggregate():
            return _plain(lambda context, row: answers.aggregate(context, declaration, row))
        case ToMany():
            return _paged(declaration)
        case Batch():
            return _batched(declaration)
        case _:
            return _plain(lambda _context, row: row)


def _plain(answer: Callable[[Context, Any], Any]) -> Callable[..., Any]:
    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return answer(info.context, root)

    return resolve


def _looked_up(lookup: Lookup) -> Callable[..., Any]:
    kind = lookup.edge.match.type.python_type

    async def resolve(info: Info, **given: Any) -> Any:
        return await answers.find(info.context, lookup.edge, given[lookup.argument])

    argument = Argument(lookup.argument, kind, inspect.Parameter.empty, lookup.description)
    return _with_arguments(resolve, [argument], has_root=False)


def _paged(edge: ToMany) -> Callable[..., Any]:
    async def resolve(root: Any, info: Info, **given: Any) -> Any:
        return await answers.many(info.context, edge, root, _place(info), given)

    arguments = [*edge.arguments, *_PAGE]
    if edge.orders.input_type:
        arguments.insert(
            0,
            Argument(
                "order_by", edge.orders.input_type | None, None, "The order; by name if omitted."
            ),
        )
    if edge.filter_type:
        required = edge.filter_required
        kind, default = (
            (edge.filter_type, inspect.Parameter.empty)
            if required
            else (edge.filter_type | None, None)
        )
        arguments.insert(
            0, Argument("filter", kind, default, "Return only entries that match this filter.")
        )
    return _with_arguments(resolve, arguments, has_root=True)


def _batched(batch: Batch) -> Callable[..., Any]:
    async def resolve(root: Any, info: Info, **given: Any) -> Any:
        return await answers.batch(info.context, batch, root, _place(info), given)

    return _with_arguments(resolve, _arguments_of(batch.load), has_root=True)


def _place(info: Info) -> int:
    # One selection in the document has one set of arguments; its syntax node stands for both.
    return id(info._raw_info.field_nodes[0])


def _arguments_of(function: Callable[..., Any]) -> list[Argument]:
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    keywords = [
        parameter for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    return [
        Argument(parameter.name, parameter.annotation, parameter.default, "")
        for parameter in keywords
    ]


def _with_arguments(
    resolve: Callable[..., Any], arguments: list[Argument], has_root: bool
) -> Callable[..., Any]:
    """The resolver with the signature that Strawberry reads arguments from."""
    kinds: Mapping[str, Any] = {"root": Any, "info": Info}
    fixed = [name for name in kinds if has_root or name != "root"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kinds[name])
        for name in fixed
    ]
    parameters += [
        inspect.Parameter(
            argument.name, keyword, default=_default(argument), annotation=_described(argument)
        )
        for argument in arguments
    ]
    resolve.__signature__ = inspect.Signature(parameters, return_annotation=Any)  # type: ignore[attr-defined]  # read by inspect
    return resolve


def _default(argument: Argument) -> Any:
    """Null as a default is the same as none, and is not worth a word in the schema."""
    return strawberry.UNSET if argument.default is None else argument.default


def _described(argument: Argument) -> Any:
    if not argument.description:
        return argument.type
    return Annotated[argument.type, strawberry.argument(description=argument.description)]
