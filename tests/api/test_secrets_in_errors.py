"""Errors about an input name the fault and do not quote the input, which may hold secrets."""

import json
from typing import Any

import pytest

from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "a-secret-that-nobody-quotes"
CREATE = (
    "mutation($input: CreateCloudIntegrationInput!) { createCloudIntegration(input: $input) { userErrors { code } } }"
)


@pytest.mark.parametrize(
    "values",
    [
        {"title": "Bucket", "regoin": "eu", "credentials": {"secretAccessKey": SECRET}},
        {"title": "Bucket", "kind": "S3", "credentials": {"accessKeyId": "id", "secretKey": SECRET}},
        {"title": "Bucket", "kind": {"S3": SECRET}},
        {"title": [SECRET]},
        [SECRET, {"secretAccessKey": SECRET}],
    ],
    ids=["misspelt", "misspelt in credentials", "object for an enum", "list for a text", "list for an object"],
)
async def test_rejected_variables_are_not_quoted(shared_site: Site, values: Any) -> None:
    body = await shared_site.body(CREATE, {"input": values})
    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}
    assert all(error["message"].endswith((".", "?")) for error in body["errors"])
    assert SECRET not in json.dumps(body)


async def test_rejected_literals_are_not_quoted(shared_site: Site) -> None:
    document = CREATE.replace("($input: CreateCloudIntegrationInput!)", "").replace(
        "$input", f'{{title: "Bucket", regoin: "eu", credentials: {{secretAccessKey: "{SECRET}"}}}}'
    )
    body = await shared_site.body(document)
    assert "unknown field 'regoin'" in json.dumps(body)
    assert SECRET not in json.dumps(body)
