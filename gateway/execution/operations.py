"""Runs operations of the schema: queries and mutations to one answer, subscriptions to a stream of answers."""

import asyncio
import os
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Hashable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from inspect import isawaitable
from time import perf_counter
from typing import Any, Protocol, TypeVar, cast

import anyio.to_thread
import orjson
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

from gateway.errors import DomainError, ErrorCode
from gateway.events.streams import Event
from gateway.execution.cache import Cache
from gateway.execution.cost import Costs
from gateway.execution.documents import Document, DocumentErrors, Documents, name_of
from gateway.execution.error_bodies import ErrorBody, coercion_failure, describe
from gateway.execution.input_checks import check_variables
from gateway.execution.private_apis import core_schema, optimized_is_awaitable
from gateway.execution.variable_coercion import leaf_values
from gateway.settings import Limits

T = TypeVar("T")

MANY_VALUES = 5_000  # coercing more variables than these is done in a thread
NO_VARIABLES = VariableValues({}, {})
COMPILED, INTERPRETED = {"compiled": 0.0}, {"interpreted": 0.0}
ONE_ANSWER = frozenset({OperationType.QUERY, OperationType.MUTATION})


def new_request_id() -> str:
    """A name for a request under which it is logged."""
    return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """What a caller asks for, whatever brought it here."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    request_id: str = field(default_factory=new_request_id)


@dataclass(frozen=True)
class Answer:
    """A response: `data` counts only if the operation was `executed`, else it was refused before that.

    `timing` tells how many seconds each part of the work took.
    """

    data: dict[str, Any] | None = None
    errors: Sequence[ErrorBody] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    executed: bool = True
    timing: Mapping[str, float] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The response as JSON has it: errors first, and no `data` if nothing was executed."""
        body: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        if self.executed:
            body["data"] = self.data
        return body | ({"extensions": self.extensions} if self.extensions else {})

    @cached_property
    def text(self) -> str:
        """The response as JSON text, written once however many read it; raises TypeError for what JSON cannot hold."""
        return orjson.dumps(self.body()).decode()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid operation with the values of its variables."""

    document: Document
    operation: OperationDefinitionNode
    variables: VariableValues


class PlanExecutor(Protocol):
    """Another executor of operations, which does not have to know them all."""

    async def data(self, query: Prepared, context: Any, event: Any = None) -> dict[str, Any] | None:
        """What an operation answers, without errors, or None: then graphql-core runs it.

        A subscription is answered for the row of an `event`. A change that was made for graphql-core to tell of is in
        the context, and is not made again.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    request: OperationRequest
    document: Document
    operation: OperationDefinitionNode
    is_large: bool

    @property
    def key(self) -> Hashable:
        """Two who ask for the same have the same key; those who spell it otherwise may have another."""
        return self.request.query, self.request.operation_name, repr(self.request.variables)


class OperationNotAllowed(DomainError):
    """This entrance does not run operations of that type."""

    def __init__(self, type_: OperationType) -> None:
        super().__init__(ErrorCode.BAD_REQUEST, f"A {type_.value} cannot be run here.")
        self.type = type_


class Operations:
    """The operations of one schema, each within its limits; queries are given to a quicker executor first."""

    def __init__(
        self, schema: strawberry.Schema, limits: Limits, quick: PlanExecutor | None = None
    ) -> None:
        if schema.get_extensions():
            raise ValueError("Schema extensions and custom directives are not run here.")
        self._schema = core_schema(schema)
        self._executor_class = schema.execution_context_class
        self._limits = limits
        self._plan_executor = quick
        self._documents = Documents(self._schema, limits)
        self._costs = Costs(self._schema, limits)
        self._introspections: Cache[Answer] = Cache(100, 32_000_000)

    async def execute(
        self,
        request: OperationRequest,
        context: object,
        allowed: frozenset[OperationType] = ONE_ANSWER,
    ) -> Answer:
        """Run a query or mutation within the time limit.

        Raises OperationNotAllowed if the operation is of another type; every other failure is in the answer.
        """
        return await self._limited(request, self._execute(request, context, allowed))

    async def subscribe(
        self, request: OperationRequest, contexts: Callable[[], object]
    ) -> AsyncGenerator[Answer] | Answer:
        """Run any operation: a subscription gives a stream, everything else one answer.

        `contexts` makes a context for the start and one for each event, so that no loader outlives what it has read.
        The time limit holds for the start and for each event. An answer that was not `executed` ends the stream.
        """
        return await self._limited(request, self._subscribe(request, contexts))

    async def _execute(
        self, request: OperationRequest, context: object, allowed: frozenset[OperationType]
    ) -> Answer:
        started = perf_counter()
        asked = await self._asked(request)
        if asked.operation.operation not in allowed:
            raise OperationNotAllowed(asked.operation.operation)
        prepared = perf_counter()
        answer = await self._answered(asked, context)
        (by,) = answer.timing
        return replace(
            answer, timing={"prepare": prepared - started, by: perf_counter() - prepared}
        )

    async def _answered(self, asked: _Asked, context: object) -> Answer:
        if asked.document.introspects(asked.operation):
            return await self._introspected(asked, context)
        if self._plan_executor is not None:
            query = Prepared(asked.document, asked.operation, await self._variables(asked))
            data = await self._plan_executor.data(query, context)
            if data is not None:
                return Answer(data, timing=COMPILED)
        executor = await self._prepare(asked, context)
        return _answer(asked.request, await _settled(execute_root_selection_set(executor)))

    async def _introspected(self, asked: _Asked, context: object) -> Answer:
        """What a document asks of the schema alone is the same for everybody, and long: it is kept."""
        answer = self._introspections.get(asked.key)
        if answer is None:
            executor = await self._prepare(asked, context)
            run = cast(Callable[[], ExecutionResult], partial(execute_root_selection_set, executor))
            answer = _answer(asked.request, await anyio.to_thread.run_sync(run))
            if not answer.errors:
                self._introspections.put(asked.key, answer, len(answer.text) * 10)
        return answer

    async def _subscribe(
        self, request: OperationRequest, contexts: Callable[[], object]
    ) -> AsyncGenerator[Answer] | Answer:
        asked = await self._asked(request)
        if asked.operation.operation is not OperationType.SUBSCRIPTION:
            return await self._answered(asked, contexts())
        executor = await self._prepare(asked, contexts())
        source = await _settled(create_source_event_stream(executor))
        if isinstance(source, ExecutionResult):
            return _refused(request, *source.errors or ())
        query = Prepared(asked.document, asked.operation, executor.variable_values)
        return self._stream(
            asked, cast(AsyncGenerator[Any], source), partial(self._event, query, asked, contexts)
        )

    async def _stream(
        self,
        asked: _Asked,
        source: AsyncGenerator[Any],
        answer: Callable[[Any], Coroutine[Any, Any, Answer]],
    ) -> AsyncGenerator[Answer]:
        key = asked.key
        try:
            async with aclosing(source) as events:
                async for event in events:
                    if isinstance(event, Event):
                        yield await event.compute_once(key, answer)
                    else:
                        yield await answer(event)
                    del event  # who waits holds nothing of his own
        except Exception as error:  # whatever the source raises ends the stream, and is told there
            yield _refused(asked.request, error)

    async def _event(
        self, query: Prepared, asked: _Asked, contexts: Callable[[], object], row: Any
    ) -> Answer:
        return await self._in_time(self._answered_event(query, asked, contexts(), row))

    async def _answered_event(
        self, query: Prepared, asked: _Asked, context: object, row: Any
    ) -> Answer:
        data = await self._plan_executor.data(query, context, row) if self._plan_executor else None
        if data is not None:
            return Answer(data)
        executor = await self._prepare(asked, context)
        interpreter = executor.build_per_event_executor(row)
        return _answer(asked.request, await _settled(execute_subscription_event(interpreter)))

    async def _asked(self, request: OperationRequest) -> _Asked:
        count = check_variables(request.variables, self._limits)
        document = await self._documents.get(request.query)
        operation = document.operation(request.operation_name)
        self._costs.check(document, operation, request.variables)
        return _Asked(request, document, operation, count >= MANY_VALUES)

    async def _variables(self, asked: _Asked) -> VariableValues:
        if not asked.operation.variable_definitions:
            return NO_VARIABLES
        leaves = asked.document.leaves.get(name_of(asked.operation))
        if leaves and (values := leaf_values(leaves, asked.request.variables)):
            return values
        coerce = partial(
            get_variable_values,
            self._schema,
            asked.operation.variable_definitions,
            dict(asked.request.variables),
            max_errors=self._limits.validation_errors,
            hide_suggestions=True,
        )
        return await _coerced(asked, coerce)

    async def _prepare(self, asked: _Asked, context: object) -> Executor[Any]:
        name = asked.operation.name
        build = partial(
            self._executor_class.build,
            self._schema,
            asked.document.ast,
            context_value=context,
            raw_variable_values=dict(asked.request.variables),
            operation_name=name.value if name else None,
            max_coercion_errors=self._limits.validation_errors,
            is_awaitable=cast(Any, optimized_is_awaitable),
            hide_suggestions=True,
            operation_extensions=dict(asked.request.extensions),
        )
        return await _coerced(asked, build)

    async def _limited(self, request: OperationRequest, work: Awaitable[T]) -> T | Answer:
        try:
            return await self._in_time(work)
        except OperationNotAllowed:
            raise
        except DocumentErrors as refusal:
            return _refused(request, *refusal.errors)
        except Exception as error:  # our own failures too: the caller reads them masked
            return _refused(request, error)

    async def _in_time(self, work: Awaitable[T]) -> T:
        seconds = self._limits.seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await work
        except TimeoutError:
            if not deadline.expired():
                raise
            message = f"The operation was stopped: it may take {seconds:g} seconds."
            raise DomainError(ErrorCode.TIMEOUT, message) from None


async def _coerced(asked: _Asked, coerce: Callable[[], T | list[GraphQLError]]) -> T:
    outcome = await anyio.to_thread.run_sync(coerce) if asked.is_large else coerce()
    if isinstance(outcome, list):
        raise DocumentErrors([coercion_failure(error) for error in outcome])
    return outcome


async def _settled(value: Awaitable[T] | T) -> T:
    return await value if isawaitable(value) else value


def _answer(request: OperationRequest, result: ExecutionResult) -> Answer:
    errors = [describe(error, request.request_id) for error in result.errors or ()]
    return Answer(result.data, errors, timing=INTERPRETED)


def _refused(request: OperationRequest, *errors: Exception) -> Answer:
    return Answer(errors=[describe(error, request.request_id) for error in errors], executed=False)
