"""Operations that are recorded in the log and the metrics."""

from collections.abc import AsyncGenerator, Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from time import perf_counter

from graphql import OperationType

from gateway.auth.viewer import OnBehalfOf
from gateway.execution.answers import Answer
from gateway.execution.operations import (
    ONE_ANSWER,
    OperationNotAllowed,
    OperationRequest,
    Operations,
)
from gateway.execution.subscriptions import Deliver, undelivered
from gateway.telemetry.metrics import SUBSCRIPTIONS
from gateway.telemetry.operation_log import OK, OperationLog
from gateway.telemetry.tracing import OPERATION, OperationTrace, note_error

End = tuple[str, str]
NO_EXECUTOR = "none"


class ObservedOperations:
    """Operations, each of which is recorded when it ends."""

    def __init__(self, operations: Operations, log: OperationLog) -> None:
        self._operations = operations
        self._log = log

    async def execute(
        self,
        request: OperationRequest,
        context: OnBehalfOf,
        allowed: frozenset[OperationType] = ONE_ANSWER,
    ) -> Answer:
        """Run a query or mutation as `Operations` does."""
        trace, started = OperationTrace(request.request_id), perf_counter()
        answer = None
        token = OPERATION.set(trace)
        try:
            answer = await self._operations.execute(request, context, allowed)
            return answer
        except OperationNotAllowed as error:
            note_error(error.code)
            answer = Answer(executed=False)
            raise
        finally:
            self._record(trace, _end_of(answer, trace), started)
            OPERATION.reset(token)

    async def subscribe(
        self,
        request: OperationRequest,
        make_context: Callable[[], OnBehalfOf],
        allowed: Container[OperationType] = frozenset(OperationType),
        deliver: Deliver[Answer] = undelivered,
    ) -> AsyncGenerator[Answer] | Answer:
        """Run any operation as `Operations` does; a subscription is recorded when its stream ends.

        The caller has a task of its own for each operation.
        """
        trace, started = OperationTrace(request.request_id), perf_counter()
        OPERATION.set(trace)
        outcome = None
        try:
            observe = partial(self._observe, trace, started)
            outcome = await self._operations.subscribe(
                request, make_context, allowed, deliver, observe
            )
            return outcome
        except OperationNotAllowed as error:
            note_error(error.code)
            outcome = Answer(executed=False)
            raise
        finally:
            if outcome is None or isinstance(outcome, Answer):
                self._record(trace, _end_of(outcome, trace), started)

    @contextmanager
    def _observe(self, trace: OperationTrace, started: float) -> Iterator[Callable[[Answer], None]]:
        """Count a subscription while it runs, and record it when it ends.

        Yields what notes each answer. A generator around that of the answers would cost more than
        all of this, for each answer and subscriber.
        """
        executed = True
        timing: Mapping[str, float] | None = None

        def note(answer: Answer) -> None:
            nonlocal executed, timing
            trace.events += 1
            executed, timing = answer.executed, answer.timing

        try:
            with SUBSCRIPTIONS.one_more():
                yield note
        finally:
            self._record(trace, _end(trace, executed, timing), started)

    def _record(self, trace: OperationTrace, end: End, started: float) -> None:
        seconds, (status, executor) = perf_counter() - started, end
        self._log.record(trace, seconds=seconds, status=status, executor=executor)


def _end_of(answer: Answer | None, trace: OperationTrace) -> End:
    """Return the status and executor of an operation; without an answer, it was cancelled."""
    if answer is None:
        return "cancelled", NO_EXECUTOR
    return _end(trace, answer.executed, answer.timing)


def _end(trace: OperationTrace, executed: bool, timing: Mapping[str, float] | None) -> End:
    """Return the status and executor of an operation whose last answer has this timing."""
    if not executed:
        return "refused", NO_EXECUTOR
    status = "errors" if trace.codes else OK
    if timing is None:
        return status, NO_EXECUTOR
    if "interpreted" in timing:
        return status, "interpreted"
    return status, "cached" if "cached" in timing else "compiled"
