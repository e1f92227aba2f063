"""Strawberry fields made from declarations and functions: their resolvers, arguments and texts.

`schema/fields.py` has the helpers with which types declare their fields; this module implements
them. The resolvers run under graphql-core, while compiled plans read the declaration in the
field's metadata.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types.base import get_object_definition

from gateway.context import Context, Info
from gateway.errors import DomainError, DomainErrors
from gateway.execution import loader_resolvers
from gateway.execution.declarations import (
    METADATA_KEY,
    Aggregate,
    Argument,
    Batch,
    Computed,
    Declaration,
    KeyedRows,
    Lookup,
    MutationField,
    PageFunction,
    RootFunction,
    SubscriptionField,
    ToMany,
    ToOne,
)
from gateway.execution.private_apis import selection_node
from gateway.execution.viewer_columns import ViewerColumn
from gateway.full_disks import InsufficientStorage, is_disk_full
from gateway.telemetry.tracing import note_change

_PAGE_ARGUMENTS = (
    Argument(
        "first",
        int | None,
        None,
        "Return at most this many entries, from the start of the list or after `after`: 0 to "
        "1,000. Defaults to 100.",
    ),
    Argument(
        "after",
        str | None,
        None,
        "A cursor of this list: return the entries after it. Cannot be combined with `last` or "
        "`before`.",
    ),
    Argument(
        "last",
        int | None,
        None,
        "Return at most this many entries, from the end of the list or before `before`: 0 to "
        "1,000. Cannot be combined with `first` or `after`.",
    ),
    Argument(
        "before",
        str | None,
        None,
        "A cursor of this list: return the entries before it. Cannot be combined with `first` or "
        "`after`.",
    ),
)
_START = Argument(
    "start_at",
    UUID | None,
    None,
    "UUID of an entry at which the page begins, or would begin if the filter left the entry in. "
    "Cannot be combined with `after`, `last` or `before`.",
)
_MAKING_ROOM = ("abort_", "cancel_", "delete_", "remove_", "revoke_", "unlink_", "update_user")
"""How the names of mutations begin that are accepted while the disk of the database is low."""
_FILTER = "Return only entries that match this filter."

Resolver = Callable[..., Any]
ToUserErrors = Callable[[Sequence[DomainError]], Any]


def bind_declaration(declaration: Declaration, description: str) -> Any:
    """Return the field that a declaration resolves."""
    return _field(_resolver_of(declaration), description, declaration)


def bind_root_function(
    function: Callable[..., Any], work: int, rows: KeyedRows | None = None
) -> Any:
    """Return the root field that `function(context, **arguments)` resolves."""

    async def resolve(info: Info, **given: Any) -> Any:
        value = await function(info.context, **given)
        return await loader_resolvers.load_keyed(info.context, rows, value) if rows else value

    resolver = _with_arguments(resolve, _keyword_arguments(function), has_root=False)
    return _field(resolver, inspect.getdoc(function) or "", RootFunction(function, work, rows))


def bind_mutation(function: Callable[..., Any], to_user_errors: ToUserErrors) -> Any:
    """Return the mutation that `function(context, input)` runs.

    Its return annotation is the outcome class behind the payload, which is built from
    `user_errors` alone when the function raises domain errors. While the disk of the database is
    low, only mutations that make room run.
    """
    makes_room = function.__name__.startswith(_MAKING_ROOM)
    signature = inspect.signature(function, eval_str=True)
    input_type, outcome_type = signature.parameters["input"].annotation, signature.return_annotation

    async def outcome_of(context: Context, input: Any) -> Any:
        disk = context.database.disk
        if disk and disk.is_low and not makes_room:
            raise InsufficientStorage("The disk of the database is nearly full.")
        try:
            return await function(context, input)
        except DomainError as error:
            if is_disk_full(error):
                raise
            return outcome_type(user_errors=to_user_errors([error]))
        except DomainErrors as refusal:
            return outcome_type(user_errors=to_user_errors(refusal.errors))

    async def run(context: Context, response_key: str, input: Any) -> Any:
        outcome = await context.once(response_key, partial(outcome_of, context, input))
        context.renew()
        if not outcome.user_errors:
            note_change(response_key)
        return outcome

    async def resolve(info: Info, **given: Any) -> Any:
        return await run(info.context, str(info.path.key), **given)

    described = get_object_definition(input_type, strict=True).description or ""
    argument = Argument("input", input_type, inspect.Parameter.empty, described)
    description = f"{inspect.getdoc(function)}\n\nRequires: {function.needs}."  # type: ignore[attr-defined]  # set by `requires`
    resolver = _with_arguments(resolve, [argument], has_root=False)
    return _field(resolver, description, MutationField(run, outcome_type))


def bind_subscription(function: Callable[..., Any]) -> Any:
    """Return the subscription whose events `function(context, **arguments)` yields."""

    def resolve(info: Info, **given: Any) -> Any:
        return function(info.context, **given)

    return strawberry.subscription(
        resolver=_with_arguments(resolve, _keyword_arguments(function), has_root=False),
        description=inspect.getdoc(function),
        metadata={METADATA_KEY: SubscriptionField()},
    )


def _field(resolver: Resolver, description: str, declaration: Declaration) -> Any:
    return strawberry.field(
        resolver=resolver,
        description=description,
        metadata={METADATA_KEY: declaration},
    )


def _resolver_of(declaration: Declaration) -> Resolver:
    """Return the resolver by which graphql-core answers a declared field."""
    match declaration:
        case Computed():
            return _from_row(lambda _context, row: declaration.value(row))
        case ViewerColumn():
            return _from_row(lambda _context, row: getattr(row, declaration.key))
        case ToOne():
            return _from_row(
                lambda context, row: loader_resolvers.load_row(context, declaration, row)
            )
        case Aggregate():
            return _from_row(
                lambda context, row: loader_resolvers.load_aggregate(context, declaration, row)
            )
        case Lookup():
            return _lookup_resolver(declaration)
        case ToMany():
            return _page_resolver(declaration)
        case Batch():
            return _batch_resolver(declaration)
        case PageFunction():
            return _page_function_resolver(declaration)
        case _:
            return _from_row(lambda _context, row: row)


def _from_row(resolve_row: Callable[[Context, Any], Any]) -> Resolver:
    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return resolve_row(info.context, root)

    return resolve


def _lookup_resolver(lookup: Lookup) -> Resolver:
    """Return the resolver of a row by an argument."""

    async def resolve(info: Info, **given: Any) -> Any:
        return await loader_resolvers.find_row(info.context, lookup.edge, given[lookup.argument])

    key_type = lookup.edge.match.type.python_type
    argument = Argument(lookup.argument, key_type, inspect.Parameter.empty, lookup.description)
    return _with_arguments(resolve, [argument], has_root=False)


def _page_resolver(edge: ToMany) -> Resolver:
    """Return the resolver of a page, with the arguments of filter, order, edge and page."""

    async def resolve(root: Any, info: Info, **given: Any) -> Any:
        return await loader_resolvers.load_page(info.context, edge, root, _selection(info), given)

    arguments = [*edge.arguments, *_PAGE_ARGUMENTS, *([_START] if edge.starts_at else [])]
    if edge.orders.input_type:
        order_type = edge.orders.input_type | None
        arguments.insert(
            0, Argument("order_by", order_type, None, "Order of the list; by name if omitted.")
        )
    if edge.filter_type:
        filter = Argument("filter", edge.filter_type | None, None, _FILTER)
        if edge.requires_filter:
            filter = replace(filter, type=edge.filter_type, default=inspect.Parameter.empty)
        arguments.insert(0, filter)
    return _with_arguments(resolve, arguments, has_root=True)


def _batch_resolver(batch: Batch) -> Resolver:
    """Return the resolver of a batch function, with its keywords as arguments."""

    async def resolve(root: Any, info: Info, **given: Any) -> Any:
        return await loader_resolvers.load_batch(info.context, batch, root, _selection(info), given)

    return _with_arguments(resolve, _keyword_arguments(batch.load), has_root=True)


def _page_function_resolver(function: PageFunction) -> Resolver:
    """Return the resolver of a function over a whole list, with its keywords as arguments."""

    async def resolve(root: Any, info: Info, **given: Any) -> Any:
        return await root.compute(function, _selection(info), given)

    return _with_arguments(resolve, _keyword_arguments(function.load), has_root=True)


def _selection(info: Info) -> int:
    """Identify a selection in the document: it has one set of arguments, for all its parents."""
    return id(selection_node(info))


def _keyword_arguments(function: Callable[..., Any]) -> list[Argument]:
    """Return the keyword-only parameters of a function as arguments of its field."""
    return [
        Argument(parameter.name, parameter.annotation, parameter.default, "")
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]


def _with_arguments(resolve: Resolver, arguments: list[Argument], has_root: bool) -> Resolver:
    """Give a resolver the signature from which Strawberry reads the arguments of its field."""
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("root", positional, annotation=Any)] if has_root else []
    parameters.append(inspect.Parameter("info", positional, annotation=Info))
    for argument in arguments:
        annotation = argument.type
        if argument.description:
            described = strawberry.argument(description=argument.description)
            annotation = Annotated[argument.type, described]
        # As a default, null means the same as no default, which is not printed in the SDL.
        default = strawberry.UNSET if argument.default is None else argument.default
        parameters.append(
            inspect.Parameter(
                argument.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=default,
                annotation=annotation,
            )
        )
    signature = inspect.Signature(parameters, return_annotation=Any)
    resolve.__signature__ = signature  # type: ignore[attr-defined]  # read by inspect
    return resolve
