"""Runs operations of the schema: queries and mutations to one answer, subscriptions to a stream of answers."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from inspect import isawaitable
from typing import Any, TypeVar, cast

import anyio.to_thread
import strawberry
from graphql import ExecutionResult, OperationType
from graphql.execution import (
    Executor,
    create_source_event_stream,
    execute_root_selection_set,
    execute_subscription_event,
    map_source_to_response_event,
)
from strawberry.execution import optimized_is_awaitable

from gateway.errors import DomainError, ErrorCode
from gateway.execution.documents import DocumentErrors, Documents
from gateway.execution.failures import ErrorBody, coercion_failure, describe
from gateway.execution.inputs import check_variables
from gateway.settings import Limits

T = TypeVar("T")

MANY_VALUES = 5_000  # coercing more variables than these is done in a thread
ONE_ANSWER = frozenset({OperationType.QUERY, OperationType.MUTATION})


def new_request_id() -> str:
    """A name for a request under which it is logged."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """What a caller asks for, whatever brought it here."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    request_id: str = field(default_factory=new_request_id)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: `data` counts only if the operation was `executed`, else it was refused before that."""

    data: dict[str, Any] | None = None
    errors: Sequence[ErrorBody] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    executed: bool = True

    def body(self) -> dict[str, Any]:
        """The response as JSON has it: errors first, and no `data` if nothing was executed."""
        body: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        if self.executed:
            body["data"] = self.data
        return body | ({"extensions": self.extensions} if self.extensions else {})


class OperationNotAllowed(DomainError):
    """This entrance does not run operations of that type."""

    def __init__(self, type_: OperationType) -> None:
        super().__init__(ErrorCode.BAD_REQUEST, f"A {type_.value} cannot be run here.")
        self.type = type_


class Operations:
    """The operations of one schema, each within its limits."""

    def __init__(self, schema: strawberry.Schema, limits: Limits) -> None:
        if schema.get_extensions():
            raise ValueError("Schema extensions and custom directives are not run here.")
        self._schema = schema._schema  # strawberry has no public name for it
        self._executor_class = schema.execution_context_class
        self._limits = limits
        self._documents = Documents(self._schema, limits)

    async def execute(
        self, request: OperationRequest, context: object, allowed: frozenset[OperationType] = ONE_ANSWER
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

    async def _execute(self, request: OperationRequest, context: object, allowed: frozenset[OperationType]) -> Answer:
        executor = await self._prepare(request, context)
        if executor.operation.operation not in allowed:
            raise OperationNotAllowed(executor.operation.operation)
        return _answer(request, await _settled(execute_root_selection_set(executor)))

    async def _subscribe(
        self, request: OperationRequest, contexts: Callable[[], object]
    ) -> AsyncGenerator[Answer] | Answer:
        executor = await self._prepare(request, contexts())
        if executor.operation.operation is not OperationType.SUBSCRIPTION:
            return _answer(request, await _settled(execute_root_selection_set(executor)))
        source = await _settled(create_source_event_stream(executor))
        if isinstance(source, ExecutionResult):
            return _refused(request, *source.errors or ())
        event = partial(self._event, contexts)
        return self._stream(request, map_source_to_response_event(executor, cast(AsyncIterable[Any], source), event))

    async def _stream(
        self, request: OperationRequest, results: AsyncGenerator[ExecutionResult]
    ) -> AsyncGenerator[Answer]:
        try:
            async with aclosing(results):
                async for result in results:
                    yield _answer(request, result)
        except Exception as error:  # whatever the source raises ends the stream, and is told there
            yield _refused(request, error)

    async def _event(self, contexts: Callable[[], object], executor: Executor[Any]) -> ExecutionResult:
        executor.context_value = contexts()
        async with self._deadline():
            return await _settled(execute_subscription_event(executor))

    async def _prepare(self, request: OperationRequest, context: object) -> Executor[Any]:
        count = check_variables(request.variables, self._limits)
        document = await self._documents.get(request.query)
        operation = document.operation(request.operation_name)
        build = partial(
            self._executor_class.build,
            self._schema,
            document.ast,
            context_value=context,
            raw_variable_values=dict(request.variables),
            operation_name=operation.name.value if operation.name else None,
            max_coercion_errors=self._limits.validation_errors,
            is_awaitable=cast(Any, optimized_is_awaitable),
            hide_suggestions=True,
            operation_extensions=dict(request.extensions),
        )
        executor = build() if count < MANY_VALUES else await anyio.to_thread.run_sync(build)
        if isinstance(executor, Executor):
            return executor
        raise DocumentErrors([coercion_failure(error) for error in executor])

    async def _limited(self, request: OperationRequest, work: Awaitable[T]) -> T | Answer:
        try:
            async with self._deadline():
                return await work
        except OperationNotAllowed:
            raise
        except DocumentErrors as refusal:
            return _refused(request, *refusal.errors)
        except Exception as error:  # our own failures too: the caller reads them masked
            return _refused(request, error)

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        seconds = self._limits.seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                yield
        except TimeoutError:
            if not deadline.expired():
                raise
            message = f"The operation was stopped: it may take {seconds:g} seconds."
            raise DomainError(ErrorCode.TIMEOUT, message) from None


async def _settled(value: Awaitable[T] | T) -> T:
    return await value if isawaitable(value) else value


def _answer(request: OperationRequest, result: ExecutionResult) -> Answer:
    errors = [describe(error, request.request_id) for error in result.errors or ()]
    return Answer(result.data, errors)


def _refused(request: OperationRequest, *errors: Exception) -> Answer:
    return Answer(errors=[describe(error, request.request_id) for error in errors], executed=False)
