"""Mutations run from plans too, and exactly once whether or not the plan is abandoned."""

from typing import Any

import orjson
import pytest

from gateway.context import Context
from gateway.execution.compiled import plan_run
from gateway.execution.compiled.plan import Deoptimized
from gateway.execution.compiled.plan_run import PlanRun
from gateway.execution.operations import OperationRequest, Operations
from gateway.limits import Limits
from schema.api import api
from tests.execution.world import Both

CREATE = """
mutation Create($input: CreateStorageFolderInput!) {
  first: createStorageFolder(input: $input) { folder { name parent { name } } userErrors { code message path } }
  second: createStorageFolder(input: $input) { ...Payload }
  refused: createStorageFolder(input: { name: "" }) { ...Payload }
}
fragment Payload on CreateStorageFolderPayload { __typename folder { uuid name viewerRole } userErrors { code path } }
"""
COUNT = "{ storageFolders(first: 200) { nodes { name } } }"


async def run_compiled(pair: Both, text: str, **variables: Any) -> dict[str, Any]:
    """Return the response that the compiled executor gives to the admin."""
    operations = Operations(api, Limits(), pair.compiled)
    context = Context(pair.services, pair.world.viewers["admin"], "same")
    answer = await operations.execute(OperationRequest(text, variables), context)
    body: dict[str, Any] = orjson.loads(answer.json())
    return body


async def count_folders(pair: Both) -> int:
    """Return how many folders the mutations created."""
    body = await run_compiled(pair, COUNT)
    return [node["name"] for node in body["data"]["storageFolders"]["nodes"]].count("new")


def check_payload(body: dict[str, Any]) -> None:
    data = body["data"]
    assert list(body) == ["data"] and list(data) == ["first", "second", "refused"]
    assert data["first"] == {"folder": {"name": "new", "parent": None}, "userErrors": []}
    assert data["second"]["folder"] | {"uuid": ""} == {"uuid": "", "name": "new", "viewerRole": "ADMIN"}
    assert data["refused"]["folder"] is None
    assert data["refused"]["userErrors"][0]["path"] == ["input", "name"]


async def test_payloads_are_resolved_by_plans(pair: Both) -> None:
    check_payload(await run_compiled(pair, CREATE, input={"name": "new"}))
    assert pair.compiled.outcomes == {"compiled": 1}
    assert await count_folders(pair) == 2, "the same mutation sent twice runs twice"


async def test_expensive_queries_are_not_left_to_the_other_executor(
    pair: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would block the event loop: the error of the field is the answer."""
    items = 'items(first: 90, after: "none") { nodes { name } }'
    query = f"{{ searchStorageFolders(first: 1000, scope: ORGANISATION) {{ nodes {{ {items} }} }} }}"
    pair.compiled._most_interpreted = 10_000
    body = await run_compiled(pair, query)
    assert list(body) == ["errors"], body
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"

    async def fails(*_: Any) -> Any:
        raise Deoptimized("for the test")

    with monkeypatch.context() as patch:
        patch.setattr(PlanRun, "data", fails)
        body = await run_compiled(pair, query)
        assert body["errors"][0]["extensions"]["limit"] == "interpretedCost"
        assert "data" in await run_compiled(pair, COUNT)


async def test_mutation_runs_once_if_its_plan_is_abandoned(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(plan_run, "complete", fails)
        body = await run_compiled(pair, CREATE, input={"name": "new"})
    check_payload(body)
    assert pair.compiled.outcomes["deoptimized"] == 1
    assert await count_folders(pair) == 2


async def test_introspection_results_are_cached(pair: Both) -> None:
    operations = Operations(api, Limits(), pair.compiled)
    request = OperationRequest(
        "query($all: Boolean) { __schema { types { name fields(includeDeprecated: $all) { name } } } }"
    )
    context = Context(pair.services, pair.world.viewers["admin"], "same")
    first, second = [await operations.execute(request, context) for _ in range(2)]
    assert first.data is second.data is not None
    other = await operations.execute(OperationRequest(request.query, {"all": True}), context)
    assert other.data is not first.data
    mixed = await run_compiled(
        pair, '{ __typename __type(name: "Query") { name } storageFolders(first: 1) { totalCount } }'
    )
    assert mixed["data"]["__type"] == {"name": "Query"} and "storageFolders" in mixed["data"]
