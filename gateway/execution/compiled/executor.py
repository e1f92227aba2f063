"""The compiled executor: plans operations once and runs them; whatever it cannot do is left to graphql-core."""

from collections import Counter
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import sqlalchemy as sa
import strawberry
import structlog
from graphql import OperationDefinitionNode, OperationType, VariableValues

from gateway.context import Context
from gateway.execution.cache import Cache
from gateway.execution.compiled.explain import explained
from gateway.execution.compiled.plan import Plan, Unplannable
from gateway.execution.compiled.plan_run import PlanRun
from gateway.execution.compiled.planner import Planner
from gateway.execution.compiled.selections import Selections
from gateway.execution.compiled.statement_cache import StatementCache
from gateway.execution.documents import Document, Documents
from gateway.execution.operations import Prepared
from gateway.execution.private_apis import argument_converter, core_schema
from gateway.settings import Limits

log = structlog.get_logger()
LONG = 1_500  # characters of a document that is planned in a thread: that may take half a second
PLANS, PLANS_SIZE = 1_000, 32_000_000


class CompiledExecutor:
    """Plans and statements of one schema on one database, kept within bounds."""

    def __init__(self, schema: strawberry.Schema, dialect: sa.Dialect) -> None:
        self._schema = schema
        self._dialect = dialect.name
        self.plans: Cache[Plan | str] = Cache(PLANS, PLANS_SIZE)
        self.texts = StatementCache(dialect)
        self._convert = argument_converter(schema)
        self._threads = anyio.CapacityLimiter(1)
        self.counted: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    async def data(
        self, query: Prepared, context: Context, event: Any = None
    ) -> dict[str, Any] | None:
        """What an operation answers, of an event if it is a subscription; None where graphql-core has to run it."""
        plan = await self._plan(query)
        if isinstance(plan, str):
            self.counted["fallen back"] += 1
            self.reasons[plan] += 1
            return None
        run = partial(PlanRun, context, query.variables, self.texts, self._convert, event)
        try:
            data = await _steadily(run, plan)
        except (
            Exception
        ) as error:  # whatever it is, graphql-core says it as the specification wants it
            self.counted["deoptimised"] += 1
            self.reasons[_cause(error)] += 1
            log.debug("plan_deoptimized", reason=repr(error))
            context.renew()
            return None
        self.counted["compiled"] += 1
        return data

    async def _plan(self, query: Prepared) -> Plan | str:
        name, coerced = query.operation.name, query.variables.coerced
        switches = tuple([coerced.get(switch) for switch in query.document.switches])
        key = query.document.source, name.value if name else None, switches
        return self.plans.get(key) or await self._planned(key, query)

    async def _planned(self, key: Hashable, query: Prepared) -> Plan | str:
        length = len(query.document.source)
        make = partial(_plan_or_reason, query, self._schema, self._dialect)
        plan = (
            make() if length < LONG else await anyio.to_thread.run_sync(make, limiter=self._threads)
        )
        return self.plans.put(
            key, plan, length + (1_000 if isinstance(plan, str) else 10 * plan.size)
        )


async def _steadily(run: Callable[[], PlanRun], plan: Plan) -> dict[str, Any]:
    try:
        return await run().data(plan)
    except* (
        KeyError
    ):  # a row to which another statement had led was gone: both see that the next time
        pass
    return await run().data(plan)


def _cause(error: Exception) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__


def _plan_or_reason(query: Prepared, schema: strawberry.Schema, dialect: str) -> Plan | str:
    try:
        return plan_of(query, schema, dialect)
    except Unplannable as what:
        return str(what)


def plan_of(query: Prepared, schema: strawberry.Schema, dialect: str) -> Plan:
    """The plan of an operation; raises Unknown."""
    selections, type_ = Selections(query, schema), query.operation.operation
    root = selections.core.get_root_type(type_)
    if root is None:
        raise Unplannable(f"a schema without any {type_.value}")
    return Planner(selections, dialect).plan(root, serially=type_ is OperationType.MUTATION)


async def explain(text: str, schema: strawberry.Schema, limits: Limits, dialect: str) -> str:
    """The plans of all operations in a document as trees; raises DocumentErrors."""
    document = await Documents(core_schema(schema), limits).get(text)
    return "\n\n".join(
        [_explained(document, each, schema, dialect) for each in document.operations.values()]
    )


def _explained(
    document: Document, operation: OperationDefinitionNode, schema: strawberry.Schema, dialect: str
) -> str:
    title = operation.name.value if operation.name else operation.operation.value
    yes = dict.fromkeys(document.switches, True)
    try:
        return f"{title}\n{explained(plan_of(Prepared(document, operation, VariableValues({}, yes)), schema, dialect))}"
    except Unplannable as what:
        return f"{title}\ngraphql-core runs it: plans do not know {what}"
