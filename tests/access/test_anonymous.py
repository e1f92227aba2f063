"""Reading without a credential: what is public, and nothing of people and of private things."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.execution.private_apis import core_schema
from gateway.media import samples
from schema.anonymous import ANSWERS_ANYONE
from schema.api import api
from tests.fixtures.communities import create_community
from tests.fixtures.items import upload_items
from tests.fixtures.sites import UNKNOWN, Site, fresh_settings, serve_embedded, serve_site
from tests.fixtures.studies import study_uid, upload_dicom
from tests.fixtures.uploading import File

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


async def publish(site: Site, folder: str, visibility: str | None = "PUBLIC") -> None:
    """Set the visibility of a folder."""
    given = {"folderUuid": folder, "visibility": visibility}
    await site.done("setStorageFolderVisibility", given, "folder { uuid }")


class World:
    """A public folder with things of all kinds, a private one in it, and people with roles on both."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.known: dict[str, Any] = {}
        self.secrets: set[str] = set()

    async def fill(self) -> "World":
        """Create everything."""
        site = self.site
        top = await site.folder("open space")
        inner, closed = await site.folder("inner", top), await site.folder("closed secret", top)
        await publish(site, top)
        await publish(site, closed, "PRIVATE")
        group = await site.group("secret society")
        for folder in (top, closed):
            await site.grant(folder, group, "ADMIN")
        person = await site.newcomer(group)
        files = [File("note", "PLAIN_TEXT", b"note"), File("picture", "IMAGE", samples.png())]
        shown = await upload_items(site, top, files, person)
        hidden = await upload_items(site, closed, [File("hidden secret", "PLAIN_TEXT", b"hidden")], person)
        [scan] = await upload_dicom(site, inner, [samples.dicom_file(1)])
        made = await site.done(
            "createCollection", {"topLevelFolderUuid": top, "name": "collected"}, "collection { uuid }", person
        )
        collection = made["collection"]["uuid"]
        await site.done(
            "addCollectionItems", {"collectionUuid": collection, "itemUuids": shown}, "collection { uuid }", person
        )
        people = await site.ask("{ users(first: 50) { nodes { uuid email } } groups(first: 50) { nodes { uuid } } }")
        nodes = [*people["users"]["nodes"], *people["groups"]["nodes"]]
        uuids = {value for node in nodes for value in (node["uuid"], UUID(node["uuid"]).hex)}
        emails = {node["email"] for node in people["users"]["nodes"]}
        self.secrets = {*uuids, *emails, "secret", closed, *hidden, UUID(closed).hex}
        folder_id = (await site.see("storageFolder", top, "id"))["id"]
        self.known = {
            "storageFolder": {"uuid": top},
            "storageItemExists": {"folderUuid": top, "name": "note"},
            "storageItem": {"uuid": shown[0]},
            "collection": {"uuid": collection},
            "node": {"id": folder_id},
            "nodes": {"ids": [folder_id]},
            "storageItems": {"uuids": [*shown, scan, *hidden]},
            "dicomStudy": {"folderUuid": top, "studyUid": study_uid(1)},
            "dicomStudies": {"folderUuid": top},
            "dicomInstances": {"filter": {"itemUuids": [scan]}},
            "tag": {"name": "Modality"},
            "searchStorageItems": {"filter": {"search": "note"}},
            "searchStorageItemsAdvanced": {"query": "name:note"},
            "search": {"text": "note"},
            "resourceByPath": {"path": "/open space"},
            "bitstream": {"uuid": shown[0]},
            "community": {"by": {"name": "nowhere"}},
            "facets": {"by": [{"attribute": "OWNER"}]},
            "revision": {"number": 1},
        }
        return self


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
        reached = {"Query"}
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
                    if possible.name not in reached and get_named_type(field.type).name != "Node":
                        reached.add(possible.name)
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
    assert data["communities"]["nodes"] == [shown]
