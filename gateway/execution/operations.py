"""Operations of the schema: queries and mutations have one answer, subscriptions a stream."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import partial
from inspect import isawaitable
from time import perf_counter
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import anyio.to_thread
import strawberry
from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    VariableValues,
    create_source_event_stream,
    execute_root_selection_set,
    execute_subscription_event,
    get_variable_values,
)

from gateway.auth.anonymous import PART
from gateway.auth.scopes import check_scopes
from gateway.auth.viewer import OnBehalfOf, Viewer
from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.database.outages import raise_outage
from gateway.errors import DomainError, ErrorCode
from gateway.execution.anonymous import check_anonymous
from gateway.execution.answers import Answer
from gateway.execution.cache import Cache
from gateway.execution.cost import Costs
from gateway.execution.documents import (
    RULES,
    Document,
    DocumentErrors,
    Documents,
    name_of,
    root_fields_of,
)
from gateway.execution.error_bodies import coercion_error, error_body
from gateway.execution.input_checks import NoIntrospection, check_variables
from gateway.execution.persisted_documents import PersistedDocuments
from gateway.execution.private_apis import core_schema, optimized_is_awaitable
from gateway.execution.rates import Rates
from gateway.execution.response_cache import ResponseCache
from gateway.execution.subscriptions import (
    Deliver,
    Observe,
    Opened,
    Subscriptions,
    undelivered,
    unobserved,
)
from gateway.execution.variable_coercion import coerce_variables
from gateway.ids import new_request_id
from gateway.interruptions import TimeLimit
from gateway.limits import Limits
from gateway.telemetry.tracing import OPERATION

T = TypeVar("T")

MANY_VALUES = 5_000
"""Values in variables from which on these are coerced in a thread."""
NO_VARIABLES = VariableValues({}, {})
COMPILED, INTERPRETED = {"compiled": 0.0}, {"interpreted": 0.0}
"""Timings that say which executor ran an operation; the seconds are filled in."""
Allowed = Container[OperationType]
Answers = AsyncGenerator["Answer"]
ONE_ANSWER = frozenset({OperationType.QUERY, OperationType.MUTATION})


@dataclass(slots=True)  # not frozen, as for `Answer`
class OperationRequest:
    """An operation that a caller requests, over whichever transport.

    Its document is given by the text, `query`, or by the id of a persisted one, or both.
    """

    query: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    request_id: str = field(default_factory=new_request_id)
    document_id: str | None = None


class Prepared(NamedTuple):
    """A valid operation with the values of its variables."""

    document: Document
    operation: OperationDefinitionNode
    variables: VariableValues
    cost: int = 0


class PlanExecutor(Protocol):
    """A faster executor, which need not support every operation."""

    async def data(self, query: Prepared, context: Any, event: Any = None) -> dict[str, Any] | None:
        """Return the data of an operation without errors; None if graphql-core has to run it.

        A subscription is executed for the row of an `event`. If a mutation ran before this gave up,
        its outcome is in the context, and graphql-core does not run it again.
        """
        ...


class _Operation(NamedTuple):
    """The operation of a request, which is within all limits."""

    request: OperationRequest
    document: Document
    node: OperationDefinitionNode
    cost: int
    has_many_values: bool

    @property
    def key(self) -> tuple[str, str | None, str]:
        """A key that requests for the same share, unless they spell it differently."""
        return self.document.source, self.request.operation_name, repr(self.request.variables)


class OperationNotAllowed(DomainError):
    """Raised for an operation of a type that a transport does not run."""

    def __init__(self, type_: OperationType) -> None:
        super().__init__(ErrorCode.BAD_REQUEST, f"A {type_.value} cannot be run here.")
        self.type = type_


class Operations:
    """The operations of one schema, within limits; a plan executor runs what it supports.

    `persisted` has the documents that clients may request by id. `introspection` says whether they
    may read the schema. `rates` bound what a viewer may spend in a minute. `responses` keeps
    answers to queries.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        limits: Limits,
        plan_executor: PlanExecutor | None = None,
        persisted: PersistedDocuments | None = None,
        *,
        introspection: bool = True,
        rates: Rates | None = None,
        responses: ResponseCache | None = None,
    ) -> None:
        if schema.get_extensions():
            raise ValueError("Schema extensions and custom directives are not supported.")
        self._schema = core_schema(schema)
        self._executor_class = schema.execution_context_class
        self._limits = limits
        self._plan_executor = plan_executor
        self._persisted = persisted or PersistedDocuments()
        rules = RULES if introspection else (*RULES, NoIntrospection)
        self._documents = Documents(self._schema, limits, rules)
        self._costs = Costs(self._schema, limits)
        self._rates = rates
        self._responses = responses
        self._subscriptions = Subscriptions(limits.subscription_cost)
        self._introspections: Cache[Answer] = Cache(100, 32_000_000)

    async def execute(
        self,
        request: OperationRequest,
        context: OnBehalfOf,
        allowed: frozenset[OperationType] = ONE_ANSWER,
    ) -> Answer:
        """Run a query or mutation within the time limit. Failures are returned in the answer.

        Raises:
            OperationNotAllowed: the operation is of another type; the only failure that is raised.
        """

        async def run() -> Answer:
            started = perf_counter()
            operation = await self._read(request, allowed, context.viewer)
            prepared = perf_counter()
            answer = await self._answer(operation, context)
            (executor,) = answer.timing
            timing = {"prepare": prepared - started, executor: perf_counter() - prepared}
            trace, is_query = OPERATION.get(), operation.node.operation is OperationType.QUERY
            outside = trace.outside_plan if trace and is_query and self._plan_executor else ""
            return answer.completed(timing, outside)

        return await self._limited(request, run())

    async def subscribe(
        self,
        request: OperationRequest,
        make_context: Callable[[], OnBehalfOf],
        allowed: Allowed = frozenset(OperationType),
        deliver: Deliver[Answer] = undelivered,
        observe: Observe[Answer] = unobserved,
    ) -> Answers | Answer:
        """Run any operation: a subscription has a stream of answers, everything else one.

        `make_context` is called for the start and for each event, so that no loader outlives what
        it has read. The time limit applies to the start and to each event. An answer that was not
        `executed` ends the stream. What `deliver` sends at once, the stream does not have.
        `observe` is called when a subscription begins to run.

        Raises:
            OperationNotAllowed: the operation is of another type.
        """

        async def start() -> Answers | Answer:
            context = make_context()
            operation = await self._read(request, allowed, context.viewer)
            if operation.node.operation is not OperationType.SUBSCRIPTION:
                return await self._answer(operation, context)
            return self._subscriptions.answers(
                operation.key,
                operation.cost,
                lambda: self._in_time(self._open(operation, make_context)),
                partial(_refusal, request),
                observe,
                deliver,
            )

        return await self._limited(request, start())

    async def _read(
        self, request: OperationRequest, allowed: Allowed, viewer: Viewer
    ) -> _Operation:
        """Return the operation of a request; raise if it is invalid, too big or out of scope."""
        count = check_variables(request.variables, self._limits)
        text = self._persisted.find(request.query, request.document_id)
        if trace := OPERATION.get():
            trace.document = text
        document = await self._documents.get(text)
        self._persisted.register(text, request.document_id)
        node = document.operation(request.operation_name)
        if trace:
            trace.type, trace.name = node.operation.value, name_of(node)
            if not trace.name:
                trace.root_fields = root_fields_of(node)
        part = PART if viewer.is_anonymous else 1
        cost = self._costs.check(document, node, request.variables, part)
        if node.operation not in allowed:
            raise OperationNotAllowed(node.operation)
        if viewer.is_anonymous:
            check_anonymous(self._schema, document.ast, node)
        check_scopes(viewer, document.scopes[name_of(node)])
        if self._rates is not None:
            self._rates.charge(ON_BEHALF_OF.get(), max(cost, 1), part)
        return _Operation(request, document, node, cost, count >= MANY_VALUES)

    async def _answer(self, operation: _Operation, context: OnBehalfOf) -> Answer:
        """Return the answer to a query or mutation."""
        if operation.document.is_introspection(operation.node):
            return await self._introspect(operation, context)
        if self._responses is None or operation.node.operation is not OperationType.QUERY:
            return await self._run(operation, context)
        viewer = context.viewer
        key = viewer, viewer.expires_at, *operation.key
        return await self._responses.answer(key, partial(self._run, operation, context))

    async def _run(self, operation: _Operation, context: OnBehalfOf) -> Answer:
        """Run a query or mutation by a plan, or else by graphql-core."""
        if self._plan_executor is not None:
            variables = await self._coerce_variables(operation)
            query = Prepared(operation.document, operation.node, variables, operation.cost)
            data = await self._plan_executor.data(query, context)
            if data is not None:
                return Answer(data, timing=COMPILED)
        executor = await self._build_executor(operation, context)
        result = await _resolve(execute_root_selection_set(executor))
        return _answer_of(operation.request, result)

    async def _introspect(self, operation: _Operation, context: OnBehalfOf) -> Answer:
        """Run an introspection in a thread; its long answer is cached, as it is everybody's."""
        answer = self._introspections.get(operation.key)
        if answer is None:
            executor = await self._build_executor(operation, context)
            run = cast(Callable[[], ExecutionResult], partial(execute_root_selection_set, executor))
            answer = _answer_of(operation.request, await anyio.to_thread.run_sync(run))
            if not answer.errors:
                self._introspections.put(operation.key, answer, len(answer.shared_json) * 10)
        return answer

    async def _open(
        self, operation: _Operation, make_context: Callable[[], OnBehalfOf]
    ) -> Opened[Answer]:
        """Start a subscription: return its source, and the function that answers an event."""
        executor = await self._build_executor(operation, make_context())
        source = await _resolve(create_source_event_stream(executor))
        if isinstance(source, ExecutionResult):
            raise DocumentErrors(source.errors or [])
        query = Prepared(operation.document, operation.node, executor.variable_values)

        async def answer(row: Any) -> Answer:
            return await self._in_time(self._answer_event(query, operation, make_context(), row))

        return cast(AsyncGenerator[Any], source), answer

    async def _answer_event(
        self, query: Prepared, operation: _Operation, context: OnBehalfOf, row: Any
    ) -> Answer:
        """Run a subscription for one event."""
        data = await self._plan_executor.data(query, context, row) if self._plan_executor else None
        if data is not None:
            return Answer(data)
        executor = (await self._build_executor(operation, context)).build_per_event_executor(row)
        result = await _resolve(execute_subscription_event(executor))
        raise_outage(error.original_error for error in result.errors or ())
        return _answer_of(operation.request, result)

    async def _coerce_variables(self, operation: _Operation) -> VariableValues:
        """Return the values of an operation's variables; raise DocumentErrors for invalid ones."""
        if not operation.node.variable_definitions:
            return NO_VARIABLES
        given = operation.request.variables
        known = operation.document.variables[name_of(operation.node)]
        coerce_known = partial(coerce_variables, known, given)
        if values := await _in_thread_if_many(operation, coerce_known):
            return values
        coerce = partial(
            get_variable_values,
            self._schema,
            operation.node.variable_definitions,
            dict(given),
            max_errors=self._limits.validation_errors,
            hide_suggestions=True,
        )
        return await _run_coercion(operation, coerce)

    async def _build_executor(self, operation: _Operation, context: OnBehalfOf) -> Executor[Any]:
        """Return graphql-core's executor for an operation."""
        name = operation.node.name
        build = partial(
            self._executor_class.build,
            self._schema,
            operation.document.ast,
            context_value=context,
            raw_variable_values=dict(operation.request.variables),
            operation_name=name.value if name else None,
            max_coercion_errors=self._limits.validation_errors,
            is_awaitable=cast(Any, optimized_is_awaitable),
            hide_suggestions=True,
            operation_extensions=dict(operation.request.extensions),
        )
        return await _run_coercion(operation, build)

    async def _limited(self, request: OperationRequest, work: Awaitable[T]) -> T | Answer:
        """Run something within the time limit; exceptions become an answer."""
        try:
            return await self._in_time(work)
        except OperationNotAllowed:
            raise
        except Exception as error:
            return _refusal(request, error)

    async def _in_time(self, work: Awaitable[T]) -> T:
        """Run something within the time limit; raise `TIMEOUT` when it is over."""
        seconds = self._limits.seconds
        try:
            with TimeLimit(seconds) as limit:
                return await work
        except TimeoutError:
            if not limit.is_stopped:
                raise
            message = f"The operation exceeded the time limit of {seconds:g} seconds."
            if limit.unfinished:
                message += (
                    f" It was reading {', '.join(sorted(limit.unfinished))}: narrow the filter, "
                    "order by what the filter is about, or leave out totalCount and facets."
                )
            raise DomainError(ErrorCode.TIMEOUT, message) from None


async def _run_coercion(operation: _Operation, coerce: Callable[[], T | list[GraphQLError]]) -> T:
    """Run what coerces variables, in a thread if they have many values; raise its errors."""
    outcome = await _in_thread_if_many(operation, coerce)
    if isinstance(outcome, list):
        raise DocumentErrors([coercion_error(error) for error in outcome])
    return outcome


async def _in_thread_if_many(operation: _Operation, work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work) if operation.has_many_values else work()


async def _resolve(value: Awaitable[T] | T) -> T:
    return await value if isawaitable(value) else value


def _answer_of(request: OperationRequest, result: ExecutionResult) -> Answer:
    errors = [error_body(error, request.request_id) for error in result.errors or ()]
    return Answer(result.data, errors, timing=INTERPRETED)


def _refusal(request: OperationRequest, reason: Exception) -> Answer:
    errors = reason.errors if isinstance(reason, DocumentErrors) else [reason]
    return Answer(errors=[error_body(each, request.request_id) for each in errors], executed=False)
