"""Credentials that are limited to a tree: what is outside it does not exist, on any edge, for members and admins."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa

from gateway.database.tree import ancestors
from gateway.ids import global_id
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.shares import item_shares
from tests.execution.test_edges import CORE, ITEM, LOOK_UP, NODE, NODE_TYPES, documents, ids_of
from tests.execution.world import Both

IN_NO_TREE = {"Dataset", "DataRow", "CloudIntegration", "Group", "IndexingJob", "LinkingJob", "ReencodeJob", "ApiKey"}
"""Types of which the world has no objects in a tree."""
PEOPLE = {"User", "Group"}
"""Types whose objects are shown where they belong to what is seen, though they cannot be looked up."""


@pytest.fixture
async def limited(pair: Both) -> AsyncIterator[Both]:
    """The world with viewers whose credentials are limited to its largest tree that is no root."""
    paths = await folder_paths(pair)
    roots = {path[-1] for path in paths.values()}
    sizes = {uuid: sum(uuid in path for path in paths.values()) for uuid in paths.keys() - roots}
    tree = max(sizes, key=lambda uuid: (sizes[uuid], uuid))
    assert sizes[tree] > 1
    for who in ("admin", "member"):
        pair.world.viewers[f"limited {who}"] = replace(pair.world.viewers[who], tree_uuid=tree)
    yield pair
    for who in ("admin", "member"):
        del pair.world.viewers[f"limited {who}"]


async def folder_paths(pair: Both) -> dict[UUID, list[UUID]]:
    """Return each folder with those above it."""
    rows = await pair.services.database.rows(sa.select(folders.c.uuid, folders.c.path), sa.Row)
    return {row.uuid: ancestors(row.path) for row in rows}


async def seen(pair: Both, ids: list[str], who: str) -> set[str]:
    """Return those of the objects that a viewer may look up."""
    quick, slow = await pair.bodies(LOOK_UP, {"ids": ids}, who)
    assert quick == slow
    return {node["id"] for node in orjson.loads(slow)["data"]["nodes"] if node}


async def test_what_is_outside_the_tree_cannot_be_looked_up(limited: Both) -> None:
    tree = limited.world.viewers["limited admin"].tree_uuid
    inside = {uuid for uuid, path in (await folder_paths(limited)).items() if tree in path}
    database = limited.services.database
    homes = await database.rows(sa.select(items.c.uuid, items.c.folder_uuid), sa.Row)
    places = await database.rows(sa.select(item_shares.c.item_uuid, item_shares.c.folder_uuid), sa.Row)
    expected = {
        "StorageFolder": inside,
        "StorageItem": {uuid for uuid, folder in [*homes, *places] if folder in inside},
        "User": {limited.world.viewers["admin"].user_uuid},
        **{name: set[UUID]() for name in IN_NO_TREE},
    }
    ids = await ids_of(limited)
    shown = await seen(limited, ids["StorageFolder"], "member")
    # An item counts by its folders in the tree, even if the member sees it in another one.
    listed = {
        uuid for uuid, folder in [*homes, *places] if folder in inside and global_id("StorageFolder", folder) in shown
    }
    for name, uuids in expected.items():
        wanted = {global_id(name, uuid) for uuid in uuids}
        assert await seen(limited, ids[name], "limited admin") == wanted, name
        as_member = await seen(limited, ids[name], "member") if name != "User" else None
        own = {global_id("User", limited.world.viewers["member"].user_uuid)}
        limited_member = await seen(limited, ids[name], "limited member")
        if name == "StorageItem":
            wanted = {global_id(name, uuid) for uuid in listed}
        assert limited_member == (own if as_member is None else wanted & as_member), name
    for name in NODE_TYPES & ids.keys():
        for who in ("admin", "member"):
            assert await seen(limited, ids[name], f"limited {who}") <= await seen(limited, ids[name], who), (name, who)


async def test_no_edge_leads_out_of_the_tree(limited: Both) -> None:
    """Both executors agree, and what a field leads to can be looked up."""
    ids = await ids_of(limited)
    for type_ in [ITEM, *CORE.get_possible_types(NODE)]:
        variables = {"ids": ids["StorageItem" if type_ is ITEM or ITEM in type_.interfaces else type_.name]}
        for text in documents(type_):
            for who in ("limited admin", "limited member"):
                quick, slow = await limited.bodies(text, variables, who)
                assert quick == slow, (text, who)
                assert "errors" not in orjson.loads(slow), (text, who, slow)
                shown = dict.fromkeys(re.findall(r'"__typename":"(\w+)","id":"([^"]+)"', slow.decode()))
                found = {id for name, id in shown if name in NODE_TYPES - PEOPLE}
                assert await seen(limited, list(found)[:1000], who) == found, (text, who)


async def test_lists_show_only_the_tree(limited: Both) -> None:
    tree = limited.world.viewers["limited admin"].tree_uuid
    inside = {str(uuid) for uuid, path in (await folder_paths(limited)).items() if tree in path}
    document = """{
        storageFolders { totalCount nodes { uuid } }
        searchStorageFolders { totalCount nodes { uuid } }
        searchStorageItems(filter: {fileSize: {from: 0}}, first: 1000) { totalCount nodes { folder { uuid } } }
        dicomStudies(first: 1000) { totalCount nodes { id } }
        jobs(first: 1000) { totalCount nodes { id } }
        datasets { totalCount } cloudIntegrations { totalCount } groups { totalCount }
        users { nodes { uuid } } viewer { user { groups { totalCount } apiKeys { totalCount } } }
    }"""
    for who in ("limited admin", "limited member"):
        quick, slow = await limited.bodies(document, {}, who)
        assert quick == slow
        data = orjson.loads(slow)["data"]
        assert {node["uuid"] for node in data["storageFolders"]["nodes"]} <= inside
        assert who != "limited admin" or data["storageFolders"]["nodes"] == [{"uuid": str(tree)}]
        assert {node["uuid"] for node in data["searchStorageFolders"]["nodes"]} <= inside
        assert data["searchStorageFolders"]["totalCount"] == len(data["searchStorageFolders"]["nodes"])
        for name in ("datasets", "cloudIntegrations", "groups"):
            assert data[name]["totalCount"] == 0, name
        assert data["viewer"]["user"] == {"groups": {"totalCount": 0}, "apiKeys": {"totalCount": 0}}
        assert [user["uuid"] for user in data["users"]["nodes"]] == [str(limited.world.viewers[who].user_uuid)]
        for name in ("dicomStudies", "jobs"):
            listed = {node["id"] for node in data[name]["nodes"]}
            assert len(listed) == data[name]["totalCount"]
            assert await seen(limited, sorted(listed), who) == listed, name
