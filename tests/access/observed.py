"""What someone sees of a world through the API, edge by edge, and what the model says they should."""

from typing import Any

import httpx

from tests.access.model import Folder, Item, Person, World
from tests.fixtures.sites import Site

LOOK_AT_FOLDER = """query ($uuid: UUID!) { storageFolder(uuid: $uuid) {
  uuid viewerRole visibility parent { uuid } pathToRoot { uuid }
  subfolders(first: 1000) { totalCount nodes { uuid } }
  descendantFolders(first: 1000) { totalCount nodes { uuid } }
  items(first: 1000) { totalCount nodes { uuid } }
  descendantItems(first: 1000) { totalCount nodes { uuid } }
  backwards: descendantItems(last: 1000, orderBy: {field: CREATED_AT}) { nodes { uuid } }
  summary(recursive: true) { folders plainTexts }
} }"""
LOOK_AT_ITEM = """query ($uuid: UUID!) {
  storageItem(uuid: $uuid) { uuid folder { uuid } folders { uuid } signedUrl { url } }
}"""
LOOK_AT_PATH = """query ($path: String!) { resourceByPath(path: $path) {
  ... on StorageFolder { uuid } ... on StorageItem { uuid }
} }"""
PATH_OF_FOLDER = "query ($uuid: UUID!) { storageFolder(uuid: $uuid) { path } }"
PATH_OF_ITEM = "query ($uuid: UUID!) { storageItem(uuid: $uuid) { path } }"
ROOTS = """{
  given: storageFolders(first: 1000) { totalCount nodes { uuid } }
  public: storageFolders(first: 1000, scope: PUBLIC) { totalCount nodes { uuid } }
  searchedFolders: searchStorageFolders(first: 1000, filter: {search: "folder"}) { totalCount nodes { uuid } }
  searchedItems: searchStorageItems(first: 1000, filter: {search: "item"}) { totalCount nodes { uuid } }
}"""


def uuids(connection: dict[str, Any]) -> set[str]:
    """Return the UUIDs on a page that has all entries; none may be there twice, and all are counted."""
    nodes = [node["uuid"] for node in connection["nodes"]]
    assert len(nodes) == len(set(nodes)), nodes
    assert connection.get("totalCount", len(nodes)) == len(nodes)
    return set(nodes)


def names(world: World, folders: set[str]) -> list[str]:
    """Return the names of folders, which errors can show."""
    return sorted(world.folders[uuid].name for uuid in folders)


async def ask(site: Site, person: Person, document: str, **variables: str) -> dict[str, Any]:
    """Return the data of a query as that person."""
    if person.who is not None:
        return await site.ask(document, variables, person.who)
    given = {"query": document, "variables": variables}
    answer: httpx.Response = await site.client.post(f"{site.url}/graphql", json=given)
    body = answer.json()
    assert "errors" not in body, body
    data: dict[str, Any] = body["data"]
    return data


async def check(site: Site, world: World, person: Person) -> None:
    """Compare all that a person sees with the model."""
    for folder in world.folders.values():
        seen = await ask(site, person, LOOK_AT_FOLDER, uuid=folder.uuid)
        _check_folder(world, person, folder, seen["storageFolder"])
    for item in world.items.values():
        seen = await ask(site, person, LOOK_AT_ITEM, uuid=item.uuid)
        _check_item(world, person, item, seen["storageItem"])
    _check_lists(world, person, await ask(site, person, ROOTS))


async def check_paths(site: Site, world: World, person: Person, paths: dict[str, str]) -> None:
    """Compare what is at paths, as others see them, with the model: what is hidden is not there."""
    for uuid, path in paths.items():
        resource = (await ask(site, person, LOOK_AT_PATH, path=path))["resourceByPath"]
        if resource is None:
            continue
        seen = resource["uuid"]
        is_visible = world.sees(person, seen) if seen in world.folders else world.sees_item(person, seen)
        assert is_visible, (person, path, uuid)


async def paths_of(site: Site, world: World, person: Person) -> dict[str, str]:
    """Return the path of all that a person sees and that has one; each leads back, where names are unique."""
    paths: dict[str, str] = {}
    for document, field, uuids in (
        (PATH_OF_FOLDER, "storageFolder", world.folders),
        (PATH_OF_ITEM, "storageItem", world.items),
    ):
        for uuid in uuids:
            if seen := (await ask(site, person, document, uuid=uuid))[field]:
                home = uuid if uuid in world.folders else world.first_folder(person, uuid)
                leads_back = world.leads_back(person, home)
                assert (seen["path"] is None) == (leads_back is None), (person, uuid, seen)
                if leads_back is None:
                    continue
                paths[uuid] = seen["path"]
                found = (await ask(site, person, LOOK_AT_PATH, path=seen["path"]))["resourceByPath"]
                assert found == {"uuid": uuid} or not leads_back, (person, uuid, seen, found)
    return paths


def _check_folder(world: World, person: Person, folder: Folder, seen: Any) -> None:
    uuid = folder.uuid
    assert (seen is not None) == world.sees(person, uuid), (person, folder)
    if seen is None:
        return
    context = person, folder
    assert seen["viewerRole"] == world.role(person, uuid), context
    assert seen["visibility"] == ("PUBLIC" if world.is_public(uuid) else "PRIVATE"), context
    parent = folder.parent if world.sees(person, folder.parent) else None
    assert seen["parent"] == (parent and {"uuid": parent}), context
    path = [up.uuid for up in world.up(uuid) if world.sees(person, up.uuid)]
    assert [each["uuid"] for each in seen["pathToRoot"]] == path, context
    below = {each for each in world.below(uuid) if world.sees(person, each)}
    children = {each for each in below if world.folders[each].parent == uuid}
    assert uuids(seen["subfolders"]) == children, context
    assert uuids(seen["descendantFolders"]) == below, context
    assert uuids(seen["items"]) == world.seen_items_in(person, {uuid}), context
    in_tree = world.seen_items_in(person, {uuid, *below})
    assert uuids(seen["descendantItems"]) == in_tree, context
    assert uuids(seen["backwards"]) == in_tree, context
    at_home = [each for each in world.items.values() if each.home in {uuid, *below}]
    counts = {"folders": len(below), "plainTexts": len(at_home)}
    assert seen["summary"] == counts, context


def _check_item(world: World, person: Person, item: Item, seen: Any) -> None:
    assert (seen is not None) == world.sees_item(person, item.uuid), (person, item)
    if seen is None:
        return
    places = [place for place in item.places if world.sees(person, place)]
    assert [each["uuid"] for each in seen["folders"]] == places, (person, item)
    assert seen["folder"]["uuid"] == places[0], (person, item)
    assert (seen["signedUrl"] is not None) == world.reads_bytes(person, item.uuid), (person, item)


def _check_lists(world: World, person: Person, seen: dict[str, Any]) -> None:
    assert names(world, uuids(seen["given"])) == names(world, world.roots(person)), person
    assert names(world, uuids(seen["public"])) == names(world, world.public_roots(person)), person
    given = {uuid for uuid in world.folders if world.is_given(person, uuid)}
    assert uuids(seen["searchedFolders"]) == given, person
    listed = {item.uuid for item in world.items.values() if given & set(item.places)}
    assert uuids(seen["searchedItems"]) == listed, person
