"""Scopes of API keys: each root field needs one, whatever reads objects needs theirs (MID-CORE-35, MID-ENUM-05)."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from graphql import (
    GraphQLField,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.sites import Site, serve_embedded
from tests.fixtures.uploading import File, upload
from tests.fixtures.watching import subscribe

SCOPES = [
    *("READ_USER_INFO", "WRITE_USER_INFO", "READ_DATA", "WRITE_DATA", "ADMIN_DATA"),
    *("READ_GROUPS", "MANAGE_GROUPS"),
]
FOLDERS = "{ storageFolders { nodes { name } } }"
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def key_with(site: Site, scopes: Collection[str] | None, **more: Any) -> str:
    """Create a key of the admin with these scopes, and return the name by which the site knows it."""
    given = {"name": "scoped", **more} | ({} if scopes is None else {"scopes": list(scopes)})
    token = (await site.done("createApiKey", given, "token"))["token"]
    site.keys[token] = token
    return str(token)


@dataclass(frozen=True)
class RootField:
    """A root field, with an operation that selects it and as little as possible below it."""

    name: str
    coordinate: str
    document: str
    scope: str | None


async def root_fields(site: Site) -> list[RootField]:
    """Return all root fields of the schema; the scope of each is what its description says."""
    schema = build_client_schema(cast(Any, await site.ask(get_introspection_query(input_value_deprecation=True))))
    roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    described = {
        (kind, name): (field, re.search(r"\n\nScope: (?:`([A-Z_]+)`|none)\.$", field.description or ""))
        for kind, root in roots.items()
        if root
        for name, field in root.fields.items()
    }
    assert [name for (_, name), (_, scope) in described.items() if scope is None] == []
    return [
        RootField(name, f"{kind.title()}.{name}", document_of(kind, name, field), scope and scope[1])
        for (kind, name), (field, scope) in described.items()
    ]


def document_of(kind: str, name: str, field: GraphQLField) -> str:
    """Return an operation that selects a root field and as little as possible below it."""
    needed = {key: argument.type for key, argument in field.args.items() if is_required_argument(argument)}
    variables = ", ".join(f"${key}: {type_}" for key, type_ in needed.items())
    arguments = ", ".join(f"{key}: ${key}" for key in needed)
    inner = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    declared, given = (f"({variables})", f"({arguments})") if needed else ("", "")
    return f"{kind}{declared} {{ {name}{given}{inner} }}"


async def refusal(site: Site, document: str, who: str) -> dict[str, Any] | None:
    """Return the first error of an operation that was refused for a scope; None if it was not for that."""
    body, headers = {"query": document}, site.headers(who)
    if document.startswith("subscription"):
        headers |= {"accept": "text/event-stream"}
    async with site.client.stream("POST", f"{site.url}/graphql", json=body, headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line.removeprefix("data: ").startswith("{"):
                break
    body = json.loads(line.removeprefix("data: "))
    lacking = [each for each in body.get("errors", []) if "requires the scope" in each["message"]]
    assert not lacking or "data" not in body
    return lacking[0] if lacking else None


async def test_every_root_field_needs_its_scope_and_says_so(shared_site: Site) -> None:
    """Without just that scope it is refused before its arguments are read; with it alone it is not."""
    site = shared_site
    without = {scope: await key_with(site, [each for each in SCOPES if each is not scope]) for scope in SCOPES}
    alone = {scope: await key_with(site, [scope]) for scope in SCOPES}
    unlimited = await key_with(site, None)
    async with assert_unchanged(site):
        for field in await root_fields(site):
            assert await refusal(site, field.document, unlimited) is None, field
            if field.scope is None:
                assert [await refusal(site, field.document, who) for who in alone.values()] == [None] * len(alone), (
                    field
                )
                continue
            assert await refusal(site, field.document, alone[field.scope]) is None, field
            refused = await refusal(site, field.document, without[field.scope])
            assert refused, field
            assert refused["extensions"]["code"] == "FORBIDDEN"
            assert f"{field.coordinate} requires the scope {field.scope}," in refused["message"]


async def test_deleting_and_moving_need_a_scope_of_their_own(shared_site: Site) -> None:
    changes = {field.name: field.scope for field in await root_fields(shared_site)}
    taking = {name: scope for name, scope in changes.items() if name.startswith(("delete", "move"))}
    assert taking.pop("deleteGroup") == "MANAGE_GROUPS"
    assert set(taking.values()) == {"ADMIN_DATA"}


async def test_no_path_leads_around_a_scope(shared_site: Site) -> None:
    """Not below folders, in fragments, by `node`, in payloads, nor behind a directive."""
    site = shared_site
    group, folder = await site.group("scoped"), await site.folder("scoped")
    await site.grant(folder, group, "VIEWER")
    found = await site.ask(
        f'{{ group(uuid: "{group}") {{ id }} storageFolder(uuid: "{folder}") {{ id }} viewer {{ id user {{ id }} }} }}'
    )
    ids = {"group": found["group"]["id"], "folder": found["storageFolder"]["id"], "viewer": found["viewer"]["id"]}
    reader = await key_with(site, ["READ_DATA"])
    for selection, scope in (
        ("groups { nodes { name } }", "READ_GROUPS"),
        ("groups { totalCount }", "READ_GROUPS"),
        ("groups { edges { role } }", "READ_GROUPS"),
        ("owner { email }", "READ_USER_INFO"),
        ("owner { apiKeys { nodes { name } } }", "READ_USER_INFO"),
        ("... on Node { ... on StorageFolder { owner { ...Person } } }", "READ_USER_INFO"),
        ("name @include(if: true) owner @skip(if: true) { email }", "READ_USER_INFO"),
    ):
        document = f'{{ storageFolder(uuid: "{folder}") {{ {selection} }} }}'
        document += " fragment Person on User { email }" if "Person" in selection else ""
        refused = await refusal(site, document, reader)
        assert refused, selection
        assert f"requires the scope {scope}," in refused["message"]
    shown = await site.see("storageFolder", folder, "name owner { uuid name }", reader)
    assert shown["owner"]["uuid"]
    wanted = [ids["group"], ids["folder"], ids["viewer"]]
    nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    for scopes, seen in (
        (["READ_DATA"], [None, {"id": ids["folder"]}, None]),
        (["READ_GROUPS"], [{"id": ids["group"]}, None, None]),
        (["READ_USER_INFO"], [None, None, {"id": ids["viewer"]}]),
    ):
        who = await key_with(site, scopes)
        assert (await site.ask(nodes, {"ids": wanted}, who))["nodes"] == seen
        assert await refusal(site, f'{{ node(id: "{ids["group"]}") {{ ... on Group {{ name }} }} }}', who) is None or (
            scopes != ["READ_GROUPS"]
        )
    writer = await key_with(site, ["WRITE_DATA"])
    change = {"folderUuid": folder, "name": "renamed"}
    assert (await site.done("updateStorageFolder", change, "folder { id uuid }", writer))["folder"]["uuid"] == folder
    change["name"] = "not renamed"
    document = (
        f'mutation {{ updateStorageFolder(input: {{folderUuid: "{folder}", name: "n"}}) {{ folder {{ name }} }} }}'
    )
    refused = await refusal(site, document, writer)
    assert refused, "the payload shows the folder"
    assert "StorageFolder.name requires the scope READ_DATA," in refused["message"]
    assert (await site.see("storageFolder", folder, "name"))["name"] == "renamed"


async def test_scopes_hold_on_every_transport(shared_site: Site) -> None:
    site = shared_site
    folder = await site.folder("transports")
    writer = await key_with(site, ["WRITE_DATA"])
    graphql, params = f"{site.url}/graphql", {"query": FOLDERS}
    got = await site.client.get(graphql, params=params, headers=site.headers(writer))
    assert got.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    strict = {**site.headers(writer), "accept": "application/graphql-response+json"}
    assert (await site.client.get(graphql, params=params, headers=strict)).status_code == 403
    batch = await site.client.post(
        graphql, json=[params, {"query": "{ rateLimit { limit } }"}], headers=site.headers(writer)
    )
    assert [sorted(each) for each in batch.json()] == [["errors"], ["data"]]
    changes = f'subscription {{ storageChanged(folderUuid: "{folder}") {{ latest }} }}'
    async with subscribe(site, {"query": changes}, writer) as [watch]:
        await watch.ended()
        assert watch.errors[0]["extensions"]["code"] == "FORBIDDEN"
    async with subscribe(site, {"query": FOLDERS}, writer) as [watch]:
        await watch.ended()
        assert watch.errors[0]["extensions"]["code"] == "FORBIDDEN"
    assert await refusal(site, changes, writer)
    metrics = await site.client.get(f"{site.url}/metrics", headers=site.headers(writer))
    assert metrics.status_code == 403


async def test_scopes_hold_for_dicomweb(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path, dicomweb="full") as site:
        folder = await site.folder("studies")
        writer, reader = await key_with(site, ["WRITE_DATA"]), await key_with(site, ["READ_DATA"])
        web = f"{site.url}/dicomweb/{folder}/studies"
        assert (await site.client.get(web, headers=site.headers(reader))).status_code == 200
        searched = await site.client.get(web, headers=site.headers(writer))
        assert (searched.status_code, searched.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
        stored = await site.client.post(web, content=b"", headers=site.headers(reader))
        assert (stored.status_code, stored.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
        assert (await site.client.post(web, content=b"", headers=site.headers(writer))).status_code != 403


async def test_both_executors_enforce_scopes(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """They do before either runs; the other tests use the compiled one."""
    async with serve_embedded(request, tmp_path, execution="interpreted") as site:
        writer, reader = await key_with(site, ["WRITE_DATA"]), await key_with(site, ["READ_DATA"])
        assert await refusal(site, FOLDERS, writer)
        assert await refusal(site, FOLDERS, reader) is None


async def test_a_key_creates_only_keys_within_its_scopes(shared_site: Site) -> None:
    site = shared_site
    some = ["WRITE_USER_INFO", "READ_DATA", "READ_USER_INFO"]
    parent = await key_with(site, some)
    given: dict[str, Any] = {"name": "child"}
    child = await site.done("createApiKey", given, "token apiKey { scopes }", parent)
    assert child["apiKey"]["scopes"] == ["READ_USER_INFO", "WRITE_USER_INFO", "READ_DATA"]
    site.keys["child"] = child["token"]
    shown = await site.ask("{ viewer { scopes } }", who="child")
    assert shown["viewer"]["scopes"] == child["apiKey"]["scopes"]
    narrower = await site.done("createApiKey", {**given, "scopes": ["READ_DATA"]}, "apiKey { scopes }", "child")
    assert narrower["apiKey"]["scopes"] == ["READ_DATA"]
    async with assert_unchanged(site):
        for scopes, code in (
            (["WRITE_DATA"], "FORBIDDEN"),
            ([*some, "ADMIN_DATA"], "FORBIDDEN"),
            ([], "BAD_USER_INPUT"),
        ):
            assert await site.refused("createApiKey", {**given, "scopes": scopes}, "child") == [(code, "input.scopes")]
    unlimited = await site.done("createApiKey", given, "apiKey { scopes }")
    assert unlimited["apiKey"]["scopes"] is None
    assert (await site.ask("{ viewer { scopes } }"))["viewer"]["scopes"] is None


async def test_a_key_that_only_writes_uploads(shared_site: Site) -> None:
    """It learns the ids of what it makes, and nothing else."""
    folder = await shared_site.folder("inbox")
    uploader = await key_with(shared_site, ["WRITE_DATA"])
    target = await shared_site.done(
        "requestUploadUrls",
        {"folderUuid": folder, "files": [{"name": "n", "itemType": "PLAIN_TEXT", "fileSize": 1}]},
        "targets { itemUuid url }",
        uploader,
    )
    assert target["targets"][0]["itemUuid"]
    whole = await key_with(shared_site, ["WRITE_DATA", "READ_DATA"])
    assert (await upload(shared_site, folder, [File("a", "PLAIN_TEXT", b"a")], whole))["unitsDoneCount"] == 1
