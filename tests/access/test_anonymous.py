"""Reading without a credential: what is public, and nothing of people and of private things."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.execution.private_apis import core_schema
from schema.anonymous import ANSWERS_ANYONE
from schema.api import api
from tests.access.open_world import World, publish
from tests.fixtures.communities import create_community
from tests.fixtures.sites import UNKNOWN, Site, fresh_settings, serve_embedded, serve_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
CORE = core_schema(api)
LARGE = dict.fromkeys(("cost", "interpreted_cost", "tokens", "depth", "root_fields", "aliases"), 1000000000)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "scaled"])
async def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Site that is read openly."""
    directory, more = tmp_path_factory.mktemp("open"), {"anonymous": "read", "dicomweb": "full", "limits": LARGE}
    with fresh_settings(request.param, request, directory, **more) as settings:
        async with serve_site(settings) as running:
            yield running


async def send(site: Site, document: str, variables: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
    """Send an operation without a credential."""
    body = {"query": document, "variables": variables or {}}
    return await site.client.post(f"{site.url}/graphql", json=body, headers=headers)


async def read(site: Site, document: str, variables: dict[str, Any] | None = None) -> Any:
    """Return the data of a query without a credential."""
    answer = (await send(site, document, variables)).json()
    assert "errors" not in answer, (answer["errors"], document)
    return answer["data"]


async def codes(site: Site, document: str, variables: dict[str, Any] | None = None) -> list[str]:
    """Return the codes of the errors of an operation without a credential."""
    answer = (await send(site, document, variables)).json()
    assert answer.get("data") is None
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(site: Site) -> World:
    """Return what is there to be read and to be kept."""
    return await World(site).fill()


def literal(value: Any) -> str:
    """Return a value as GraphQL spells it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return value if isinstance(value, str) and value.isupper() else json.dumps(value)


class Walk:
    """All fields that can be reached without a credential, one document for each type."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.untried: set[str] = set()
        self.errors: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.reached = {"Query"}

    def call(self, owner: str, name: str, field: GraphQLField) -> str | None:
        """Return a field with the arguments that it requires; None if these are not known."""
        given = self.world.known.get(name, {}) if field.args else {}
        if any(is_required_argument(argument) and key not in given for key, argument in field.args.items()):
            self.untried.add(f"{owner}.{name}")
            return None
        passed = ", ".join(f"{key}: {literal(value)}" for key, value in given.items() if key in field.args)
        return f"{name}({passed})" if passed else name

    async def everything(self) -> None:
        """Select each field of each type, below the first path that leads to it."""
        assert CORE.query_type
        waiting: list[tuple[GraphQLObjectType, list[str]]] = [(CORE.query_type, [])]
        while waiting:
            type_, path = waiting.pop(0)
            selected = ["__typename"]
            for name, field in type_.fields.items():
                if type_.name == "Query" and not ANSWERS_ANYONE[name]:
                    continue
                if (call := self.call(type_.name, name, field)) is None:
                    continue
                selected.append(f"{call} {self.below(get_named_type(field.type), 1)}")
                for possible in possible_types(get_named_type(field.type)):
                    # Of all types behind `node`, other fields lead to those that there are.
                    if possible.name not in self.reached and get_named_type(field.type).name != "Node":
                        self.reached.add(possible.name)
                        waiting.append((possible, [*path, call, f"... on {possible.name}"]))
            await self.select([*path, " ".join(selected)])

    def below(self, named: Any, depth: int) -> str:
        """Return a selection of what is some levels below a field."""
        if is_leaf_type(named):
            return ""
        selected = ["__typename"]
        for name, field in getattr(named, "fields", {}).items():
            inner = get_named_type(field.type)
            if (depth or is_leaf_type(inner)) and (call := self.call(named.name, name, field)):
                selected.append(f"{call} {self.below(inner, depth - 1)}")
        return "{ " + " ".join(selected) + " }"

    async def select(self, path: list[str]) -> None:
        """Send a document that selects what is at the end of a path."""
        document = "{ " + " { ".join(path) + " }" * len(path)
        response = await send(self.world.site, document)
        self.texts[document] = response.text
        for error in response.json().get("errors", []):
            if (error["path"][-1], error["extensions"]["code"]) != ("downloadUrl", "UNAUTHENTICATED"):
                self.errors[" { ".join(path[:-1])] = response.text


def possible_types(named: Any) -> list[GraphQLObjectType]:
    """Return the object types behind the type of a field; none if it has no fields."""
    if is_leaf_type(named):
        return []
    return [named] if isinstance(named, GraphQLObjectType) else list(CORE.get_possible_types(named))


async def test_no_field_tells_of_people_and_private_things(world: World) -> None:
    """Whatever path leads there: no name, email address or UUID of a user or group, and nothing private."""
    walk = Walk(world)
    await walk.everything()
    assert len(walk.texts) > 80
    assert walk.errors == {}
    assert walk.untried == set()
    uuids = world.known["storageItems"]["uuids"]
    for document, text in walk.texts.items():
        told = {secret for secret in world.secrets if secret in text}
        if "storageItems(uuids" in document:
            told -= {uuids[-1]}  # which was asked for
        assert not told, (document, text)
    assert sum("open space" in text for text in walk.texts.values()) > 2
    assert any("note" in text for text in walk.texts.values())
    assert {"MetricProducer", "MetricTrend", "MetricScalar", "MetricSubmission", "MetricLink"} <= walk.reached
    assert any("make dice" in text for text in walk.texts.values())


async def test_public_folders_are_read(world: World) -> None:
    """As by a viewer with no grants: folders, items, their bytes, searches, and the public scope."""
    site, top = world.site, world.known["storageFolder"]["uuid"]
    shown = await read(
        site,
        """query($u: UUID!) { storageFolder(uuid: $u) { viewerRole owner { uuid }
          subfolders { nodes { name } totalCount } descendantItems { nodes { name owner { email } } totalCount }
          groups { totalCount } journal { totalCount } uploadJobs { totalCount } summary(recursive: true) { folders } }
          storageFolders { totalCount } public: storageFolders(scope: PUBLIC) { nodes { name } } }""",
        {"u": top},
    )
    folder = shown["storageFolder"]
    assert (folder["viewerRole"], folder["owner"]) == ("VIEWER", None)
    assert folder["subfolders"] == {"nodes": [{"name": "inner"}], "totalCount": 1}
    assert folder["descendantItems"]["totalCount"] == 3
    assert {item["owner"] for item in folder["descendantItems"]["nodes"]} == {None}
    assert folder["groups"] == folder["journal"] == folder["uploadJobs"] == {"totalCount": 0}
    assert folder["summary"] == {"folders": 1}
    assert shown["storageFolders"] == {"totalCount": 0}
    assert {"name": "open space"} in shown["public"]["nodes"]


async def test_the_vocabulary_is_that_of_public_folders(site: Site) -> None:
    """Keys come and go with the visibility of the folders that have items with them."""
    folder = await site.folder("with metadata")
    given: dict[str, Any] = {
        "folderUuid": folder,
        "name": "described",
        "clientMetadata": {"lexicon.a": 1, "lexicon": "x"},
    }
    await site.done("createStorageItem", given, "item { uuid }")
    document = """{ all: metadataVocabulary(element: "lexicon") { key type }
      numbers: metadataVocabulary(element: "lexicon", type: LONG) { key } }"""
    nothing: dict[str, Any] = {"all": [], "numbers": []}
    assert await read(site, document) == nothing
    await publish(site, folder)
    shown = [{"key": "lexicon", "type": "TEXT"}, {"key": "lexicon.a", "type": "LONG"}]
    assert await read(site, document) == {"all": shown, "numbers": [{"key": "lexicon.a"}]}
    await publish(site, folder, "PRIVATE")
    assert await read(site, document) == nothing


async def test_hidden_and_missing_look_alike(world: World) -> None:
    site = world.site
    closed = await site.ask('{ searchStorageFolders(filter: {search: "closed"}) { nodes { uuid id } } }')
    [folder] = closed["searchStorageFolders"]["nodes"]
    for uuid in (folder["uuid"], UNKNOWN):
        assert await read(site, "query($u: UUID!) { storageFolder(uuid: $u) { name } }", {"u": uuid}) == {
            "storageFolder": None
        }
    assert await read(site, "query($i: ID!) { node(id: $i) { id } }", {"i": folder["id"]}) == {"node": None}


async def test_owners_cannot_be_guessed(world: World) -> None:
    """Neither by a filter, nor by a facet, nor by a query."""
    site, top = world.site, world.known["storageFolder"]["uuid"]
    owner = (await site.see("storageItem", world.known["storageItem"]["uuid"], "owner { uuid email }"))["owner"]
    found = await read(
        site,
        """query($u: UUID!, $o: UUID!, $q: String!) { storageFolder(uuid: $u) {
          items(filter: {ownerUuid: $o}) { totalCount }
          all: items { facets(by: [{attribute: OWNER}]) { values { value count } } } }
          searchStorageItemsAdvanced(query: $q) { totalCount } }""",
        {"u": top, "o": owner["uuid"], "q": f'owner:"{owner["email"]}"'},
    )
    assert found["storageFolder"]["items"] == {"totalCount": 0}
    assert found["storageFolder"]["all"]["facets"] == [{"values": [{"value": None, "count": 2}]}]
    assert found["searchStorageItemsAdvanced"] == {"totalCount": 0}


async def test_everything_else_requires_a_credential(world: World) -> None:
    """People, groups, jobs, integrations, mutations, subscriptions, and DICOMweb; a bad credential is 401."""
    site, top = world.site, world.known["storageFolder"]["uuid"]
    assert CORE.query_type
    for name, answers in ANSWERS_ANYONE.items():
        if not answers:
            field = CORE.query_type.fields[name]
            given = "(uuid: $u)" if "uuid" in field.args else "(by: {uuid: $u})" if "by" in field.args else ""
            inner = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
            declared = "($u: UUID!)" if given else ""
            for document in (
                f"query{declared} {{ x: {name}{given} {inner} }}",
                f"query{declared} {{ ...F }} fragment F on Query {{ ... {{ {name}{given} {inner} }} }}",
            ):
                assert await codes(site, document, {"u": UNKNOWN}) == ["UNAUTHENTICATED"], name
    mutation = 'mutation { createStorageFolder(input: {name: "a"}) { folder { uuid } } }'
    assert await codes(site, mutation) == ["UNAUTHENTICATED"]
    watch = f'subscription {{ storageChanged(folderUuid: "{top}") {{ latest }} }}'
    streamed = await send(site, watch, Accept="text/event-stream")
    assert streamed.status_code == 401
    url = site.url.replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {}}))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd and closed.value.rcvd.code in (4401, 4403)
    assert (await site.client.get(f"{site.url}/dicomweb/{top}/studies")).status_code == 401
    for bad in ("Bearer wrong", "Bearer", "", "Basic YTpi"):
        assert (await send(site, "{ __typename }", Authorization=bad)).status_code == 401, bad


async def test_pages_and_the_schema_are_open(world: World) -> None:
    site = world.site
    page = await site.client.get(f"{site.url}/graphql", headers={"Accept": "text/html"})
    assert page.status_code == 200 and "GraphiQL" in page.text
    assert (await read(site, "{ __schema { queryType { name } } }"))["__schema"] == {"queryType": {"name": "Query"}}


async def test_urls_live_an_hour(world: World) -> None:
    """They are of bytes of public items, and cannot be requested for longer."""
    site, item = world.site, world.known["storageItem"]["uuid"]
    document = "query($u: UUID!, $l: Int) { storageItem(uuid: $u) { signedUrl(lifetime: $l) { url expiresAt } } }"
    url = (await read(site, document, {"u": item, "l": 3600}))["storageItem"]["signedUrl"]["url"]
    assert (await site.client.get(url)).content == b"note"
    answer = (await send(site, document, {"u": item, "l": 3601})).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_site_is_closed_unless_it_is_opened(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path) as site:
        response = await send(site, "{ storageFolders(scope: PUBLIC) { totalCount } }")
        assert response.status_code == 401


async def test_limits_are_a_quarter(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Of the cost of an operation and of a minute, of a batch, and of requests at a time."""
    limits = {"cost": 160, "cost_per_minute": 4_000, "batch": 8}
    async with serve_embedded(request, tmp_path, anonymous="read", limits=limits) as site:
        page = "query($n: Int!) { storageFolders(scope: PUBLIC, first: $n) { nodes { uuid name } } }"
        refused = (await send(site, page, {"n": 50})).json()["errors"][0]["extensions"]
        assert (refused["code"], refused["limit"], refused["allowed"]) == ("LIMIT_EXCEEDED", "cost", 40)
        assert (await site.ask(page, {"n": 50}))["storageFolders"] == {"nodes": []}
        batch = [{"query": "{ __typename }"}] * 3
        assert (await site.client.post(f"{site.url}/graphql", json=batch)).json()["errors"][0]["extensions"][
            "allowed"
        ] == 2
        while (answer := (await send(site, page, {"n": 10}))).status_code == 200 and "errors" not in answer.json():
            pass
        extensions = answer.json()["errors"][0]["extensions"]
        assert (extensions["code"], extensions["allowed"]) == ("RATE_LIMITED", 1_000)
        assert (await site.ask(page, {"n": 10}))["storageFolders"] == {"nodes": []}


async def test_a_public_community_is_read_without_its_people(site: Site) -> None:
    """Groups are null, and lists are empty: nothing fails for want of a credential."""
    lab = await create_community(site, visibility="PUBLIC")
    await create_community(site)
    people = "groups { admins { uuid } members { uuid } } members { totalCount } joinRequests { totalCount }"
    data = await read(site, f"{{ communities(scope: PUBLIC) {{ nodes {{ name viewerRole isMember {people} }} }} }}")
    nobody = {"groups": None, "members": {"totalCount": 0}, "joinRequests": {"totalCount": 0}}
    shown = {"name": lab["name"], "viewerRole": "VIEWER", "isMember": False, **nobody}
    assert [each for each in data["communities"]["nodes"] if each["name"] != "open lab"] == [shown]


async def test_official_metrics_of_public_communities_are_read(world: World) -> None:
    """Without the users who added them; items that are linked to them are those that are public."""
    document = """query($u: UUID!) { metricSubmission(uuid: $u) { user { uuid } scalars { totalCount nodes {
      value user { uuid } trend { metricName producer { displayName } } items { totalCount nodes { item { name } } }
    } } }
      community(by: {name: "open lab"}) { metricProducers { nodes {
        trends { nodes { scalars { totalCount } } } } } } }"""
    shown = await read(world.site, document, {"u": world.known["metricSubmission"]["uuid"]})
    official = {
        "value": 0.9,
        "user": None,
        "trend": {"metricName": "dice", "producer": {"displayName": "nightly"}},
        "items": {"totalCount": 1, "nodes": [{"item": {"name": "plot"}}]},
    }
    assert shown["metricSubmission"] == {"user": None, "scalars": {"totalCount": 1, "nodes": [official]}}
    [producer] = shown["community"]["metricProducers"]["nodes"]
    assert producer["trends"]["nodes"] == [{"scalars": {"totalCount": 1}}]
    folder = await world.site.ask('{ community(by: {name: "open lab"}) { folderUuid } }')
    uuid, closed = folder["community"]["folderUuid"], {"u": world.known["metricSubmission"]["uuid"]}
    try:
        await publish(world.site, uuid, "PRIVATE")
        assert (await read(world.site, "query($u: UUID!) { metricSubmission(uuid: $u) { name } }", closed)) == {
            "metricSubmission": None
        }
    finally:
        await publish(world.site, uuid)


async def test_requests_at_a_time_are_a_quarter(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Of those of members, for all that come from one address; others are not kept waiting."""
    async with serve_embedded(request, tmp_path, anonymous="read", limits={"connections_per_address": 8}) as site:
        ends = asyncio.Event()

        async def slow_body() -> AsyncIterator[bytes]:
            yield b'{"query": '
            await ends.wait()
            yield b'"{ __typename }"}'

        async def wait() -> dict[str, Any]:
            headers = {"Content-Type": "application/json"}
            answer = await site.client.post(f"{site.url}/graphql", content=slow_body(), headers=headers)
            return dict(answer.json())

        waiting, answer = [asyncio.create_task(wait()) for _ in range(4)], {}
        async with asyncio.timeout(20):
            while "errors" not in answer:
                await asyncio.sleep(0.5)
                answer = (await send(site, "{ __typename }")).json()
        extensions = answer["errors"][0]["extensions"]
        assert (extensions["code"], extensions["limit"]) == ("LIMIT_EXCEEDED", "connectionsPerAddress")
        assert extensions["allowed"] == 2
        assert (await site.ask("{ __typename }")) == {"__typename": "Query"}
        ends.set()
        assert sum("data" in answer for answer in await asyncio.gather(*waiting)) == 2
        assert (await read(site, "{ __typename }")) == {"__typename": "Query"}
