"""The compiled executor: plans each operation once, and runs the plan instead of graphql-core."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import sqlalchemy as sa
import strawberry
import structlog
from graphql import OperationType, VariableValues

from gateway.context import Context
from gateway.execution.cache import Cache
from gateway.execution.compiled.explain import explain_plan
from gateway.execution.compiled.plan import Deoptimized, Plan, Unplannable
from gateway.execution.compiled.plan_run import PlanRun
from gateway.execution.compiled.planner import Planner
from gateway.execution.compiled.selections import Selections
from gateway.execution.compiled.sliced_writes import SlicedWrites
from gateway.execution.compiled.statement_cache import StatementCache
from gateway.execution.documents import Documents
from gateway.execution.limits import LimitExceeded
from gateway.execution.operations import Prepared
from gateway.execution.private_apis import argument_converter, core_schema
from gateway.limits import Limits
from gateway.telemetry.tracing import note_not_compiled

log = structlog.get_logger()

LONG_DOCUMENT = 1_500
"""Characters above which a document is planned in a thread, as that may take half a second."""
MAX_PLANS, MAX_PLANS_SIZE = 1_000, 32_000_000


class CompiledExecutor:
    """Plans and statements of one schema on one database, cached within bounds.

    `outcomes` and `reasons` count how operations ended and why plans were not used. Queries that
    cost more than `most_interpreted` are not left to graphql-core, which would block the event loop
    for long.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        dialect: sa.Dialect,
        most_interpreted: int,
    ) -> None:
        self._most_interpreted = most_interpreted
        self._schema = schema
        self._dialect = dialect.name
        self.plans: Cache[Plan | str] = Cache(MAX_PLANS, MAX_PLANS_SIZE)
        self.statements = StatementCache(dialect)
        self._convert = argument_converter(schema)
        self._sliced = SlicedWrites()
        self._threads = anyio.CapacityLimiter(1)
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    async def data(
        self, query: Prepared, context: Context, event: Any = None
    ) -> dict[str, Any] | None:
        """Return the data of an operation, or of a subscription's `event`.

        None where graphql-core has to run it: because there is no plan, or because anything went
        wrong, which graphql-core then reports as the specification demands.

        Raises:
            Exception: the failure of a field, if the query costs too much for graphql-core.
            LimitExceeded: it does, and has no plan.
        """
        plan = await self._plan(query)
        if isinstance(plan, str):
            self.outcomes["fallback"] += 1
            self.reasons[plan] += 1
            note_not_compiled(plan)
            self._check_cost(query, None)
            return None
        make_run = partial(
            PlanRun, context, query.variables, self.statements, self._convert, self._sliced, event
        )
        try:
            data = await _run_twice_for_lost_rows(make_run, plan)
        except Exception as error:
            self.outcomes["deoptimized"] += 1
            self.reasons[_cause_name(error)] += 1
            note_not_compiled(_cause_name(error))
            log.debug("plan_deoptimized", reason=repr(error))
            self._check_cost(query, error)
            context.renew()
            return None
        self.outcomes["compiled"] += 1
        return data

    def _check_cost(self, query: Prepared, error: Exception | None) -> None:
        """Check that graphql-core may run a query; raise the plan's error if it may not."""
        most = self._most_interpreted
        if query.operation.operation is not OperationType.QUERY or query.cost <= most:
            return
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if error and not isinstance(error, Deoptimized):
            raise error
        raise LimitExceeded(
            f"The query costs {query.cost:,} points and cannot be run by a plan, because it has too "
            f"many fields or changed meanwhile; at most {most:,} are allowed then (limit: "
            "interpreted_cost). Request fewer objects or fields at once.",
            "interpreted_cost",
            most,
            query.cost,
        )

    async def _plan(self, query: Prepared) -> Plan | str:
        """Return the plan of an operation, or the reason why there is none."""
        name, coerced = query.operation.name, query.variables.coerced
        switches = tuple([coerced.get(switch) for switch in query.document.switches])
        key = query.document.source, name.value if name else None, switches
        cached = self.plans.get(key)
        if cached:
            return cached
        length = len(query.document.source)
        make = partial(self._plan_or_reason, query)
        if length < LONG_DOCUMENT:
            plan = make()
        else:
            plan = await anyio.to_thread.run_sync(make, limiter=self._threads)
        plan_size = 1_000 if isinstance(plan, str) else 10 * plan.size
        return self.plans.put(key, plan, length + plan_size)

    def _plan_or_reason(self, query: Prepared) -> Plan | str:
        try:
            return plan_of(query, self._schema, self._dialect)
        except Unplannable as reason:
            return str(reason)


async def _run_twice_for_lost_rows(make_run: Callable[[], PlanRun], plan: Plan) -> dict[str, Any]:
    """Run a plan, and once more on a KeyError.

    That is raised where a row to which one statement led was gone for the next. The second run sees
    neither.
    """
    try:
        return await make_run().data(plan)
    except* KeyError:
        pass  # run again below, outside the handler
    return await make_run().data(plan)


def _cause_name(error: Exception) -> str:
    """Return the class of an error, or of the first in a group."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__


def plan_of(query: Prepared, schema: strawberry.Schema, dialect: str) -> Plan:
    """Return the plan of an operation; raise `Unplannable` if there is none."""
    selections, type_ = Selections(query, schema), query.operation.operation
    root = selections.core.get_root_type(type_)
    if root is None:
        raise Unplannable(f"a schema without any {type_.value}")
    return Planner(selections, dialect).plan(root, serially=type_ is OperationType.MUTATION)


async def explain_document(
    text: str, schema: strawberry.Schema, limits: Limits, dialect: str, with_code: bool = False
) -> str:
    """Return the plans of all operations in a document as trees.

    Variables of `@skip` and `@include` count as true. `with_code` adds the generated functions.

    Raises:
        DocumentErrors: the document is not valid.
    """
    document = await Documents(core_schema(schema), limits).get(text)
    variables = VariableValues({}, dict.fromkeys(document.switches, True))
    explained = []
    for operation in document.operations.values():
        try:
            plan = plan_of(Prepared(document, operation, variables), schema, dialect)
            body = explain_plan(plan, with_code)
        except Unplannable as reason:
            body = f"graphql-core runs it: plans do not cover {reason}"
        title = operation.name.value if operation.name else operation.operation.value
        explained.append(f"{title}\n{body}")
    return "\n\n".join(explained)
