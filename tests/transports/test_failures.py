"""Errors: domain errors are returned as they are; all others are masked and logged."""

from typing import Any

import httpx
import pytest
import strawberry
from strawberry.extensions import SchemaExtension
from structlog.typing import EventDict

from gateway.errors import DomainErrors, ErrorCode, bad_input, not_found
from gateway.execution.error_bodies import error_body
from gateway.execution.operations import Operations
from gateway.limits import Limits
from tests.transports.toy import SECRET, Query, Stage


async def failure(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    response = await client.post("/graphql", json={"query": query, "variables": variables})
    (error,) = response.json()["errors"]
    assert error["extensions"].pop("requestId") == response.headers["x-request-id"]
    return error


async def test_a_domain_error_keeps_its_code_and_input_path(client: httpx.AsyncClient) -> None:
    assert await failure(client, "{ folder { lost } }") == {
        "message": "Not yours.",
        "locations": [{"line": 1, "column": 12}],
        "path": ["folder", "lost"],
        "extensions": {"code": "FORBIDDEN", "inputPath": ["input", "folders", 3]},
    }


@pytest.mark.parametrize("field", ["broken", "tooLong"])
async def test_other_errors_are_masked_and_logged(client: httpx.AsyncClient, logs: list[EventDict], field: str) -> None:
    error = await failure(client, f"{{ folder {{ {field} }} }}")
    assert error["message"] == "Internal error. Report it with the request ID in `extensions.requestId`."
    assert error["path"] == ["folder", field]
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    (entry,) = logs
    assert (entry["log_level"], entry["path"]) == ("error", ["folder", field])
    assert len(entry["request_id"]) == 32
    assert isinstance(entry["exc_info"], Exception)
    assert entry["exc_info"].__traceback__


@pytest.mark.parametrize(
    ("variables", "message", "path"),
    [
        (
            {},
            "Variable '$input' has invalid value: Expected a value of non-null type 'Rename!' to be provided.",
            ["input"],
        ),
        (
            {"input": {"name": "x", "parts": [{"number": 1}, {"number": "one"}]}},
            "Variable '$input' has invalid value at .parts[1].number: Int cannot represent non-integer value: 'one'",
            ["input", "parts", 1, "number"],
        ),
        (
            {"input": {"name": "x", "nam": "y"}},
            "Variable '$input' has invalid value: Expected value of type 'Rename' not to include unknown field 'nam'.",
            ["input"],
        ),
    ],
)
async def test_a_variable_of_the_wrong_type_is_named(
    client: httpx.AsyncClient, stage: Stage, variables: dict[str, Any], message: str, path: list[object]
) -> None:
    error = await failure(client, "mutation ($input: Rename!) { rename(input: $input) }", **variables)
    assert error["message"] == message
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "inputPath": path}
    assert stage.renamed == []


async def test_null_for_an_optional_argument_is_bad_input(client: httpx.AsyncClient) -> None:
    query = "mutation ($input: Rename!) { rename(input: $input) }"
    error = await failure(client, query, input={"name": "x", "parts": [{"number": 1, "note": None}]})
    assert (error["message"], error["extensions"]) == (
        "Expected value of type 'str', found null.",
        {"code": "BAD_USER_INPUT"},
    )


async def test_a_null_variable_for_an_argument_with_a_default_is_bad_input(client: httpx.AsyncClient) -> None:
    error = await failure(client, 'query ($name: String = "x") { hello(name: $name) }', name=None)
    assert (error["path"], error["extensions"]) == (["hello"], {"code": "BAD_USER_INPUT"})


@pytest.mark.parametrize("variables", [{"key": {"id": 1, "path": "a"}}, {"key": {}}])
async def test_one_of_is_enforced_in_variables(client: httpx.AsyncClient, variables: dict[str, Any]) -> None:
    error = await failure(client, "query ($key: Key!) { find(key: $key) }", **variables)
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "inputPath": ["key"]}


def test_several_errors_of_one_mutation_are_reported_together() -> None:
    refusal = DomainErrors([bad_input("Too long.", "input", "name"), not_found("folder", "x", "input", "folderUuid")])
    assert error_body(refusal, "r") == {
        "message": "Too long.; No such folder: x.",
        "extensions": {"code": ErrorCode.BAD_USER_INPUT, "requestId": "r", "inputPath": ("input", "name")},
    }


def test_a_long_message_is_truncated() -> None:
    assert len(error_body(bad_input("x" * 5_000), "r")["message"]) == 1_001


def test_a_secret_stays_in_the_log(logs: list[EventDict]) -> None:
    assert SECRET not in str(error_body(RuntimeError(SECRET), "r"))
    assert logs[0]["request_id"] == "r"


def test_a_schema_with_extensions_is_rejected() -> None:
    schema = strawberry.Schema(Query, extensions=[SchemaExtension])
    with pytest.raises(ValueError, match="extensions"):
        Operations(schema, Limits())
