"""A closed directory: members find their own groups and the users in these, and nobody else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.fixtures.items import create_dataset
from tests.fixtures.sites import UNKNOWN, Site, fresh_settings, serve_site

ANN, BEN, CAT = "ann@example.org", "ben@example.org", "cat@example.org"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class House:
    """Ann and Ben share a group, and Cat is in another; Ann administers a folder of the admin."""

    site: Site
    users: dict[str, str]
    ours: str
    theirs: str
    folder: str
    dataset: str


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "scaled"])
async def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Site with a closed directory."""
    directory: Path = tmp_path_factory.mktemp("site")
    with fresh_settings(request.param, request, directory, user_directory="shared_groups") as settings:
        async with serve_site(settings, works=False) as site:
            ours, theirs = await site.group("Ours"), await site.group("Theirs")
            users = {ANN: await site.user(ANN, groups=[ours]), BEN: await site.user(BEN, groups=[ours])}
            users[CAT] = await site.user(CAT, groups=[theirs])
            folder, dataset = await site.folder("F"), await create_dataset(site, "D")
            await site.grant(folder, ours, "ADMIN")
            await site.grant(folder, theirs, "VIEWER")
            given = {"datasetUuid": dataset, "groupUuids": [ours], "role": "ADMIN"}
            await site.done("addDatasetGroups", given, "dataset { uuid }")
            yield House(site, users, ours, theirs, folder, dataset)


async def names(site: Site, selection: str, who: str) -> tuple[list[str], int]:
    """Return the addresses or names in a list of the directory, and its total count."""
    field = selection.split("(")[0]
    key = "email" if field == "users" else "name"
    found = (await site.ask(f"{{ {selection} {{ nodes {{ name: {key} }} totalCount }} }}", who=who))[field]
    return [node["name"] for node in found["nodes"]], found["totalCount"]


async def test_lists_and_counts_end_at_the_own_groups(house: House) -> None:
    """Asked for in turns, so that no statement compiled for one serves the other."""
    site = house.site
    for _ in range(2):
        assert await names(site, "users", ANN) == ([ANN, BEN], 2)
        assert await names(site, "users", CAT) == ([CAT], 1)
        assert await names(site, "groups", ANN) == (["Ours"], 1)
        assert await names(site, 'users(search: "cat")', ANN) == ([], 0)
        assert await names(site, 'groups(search: "the")', ANN) == ([], 0)
        assert await names(site, "users", "admin") == (["admin@localhost", ANN, BEN, CAT], 4)
        assert await names(site, "groups", "admin") == (["Ours", "Theirs"], 2)


async def test_look_ups_find_nobody_else(house: House) -> None:
    site = house.site
    ids = """query($cat: UUID!) { users { nodes { id uuid } } groups { nodes { id uuid } } group(uuid: $cat) { id } }"""
    everything = await site.ask(ids, {"cat": house.theirs})
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on User { email } ... on Group { name } } }"
    for kind, seen in (("users", [None, {"email": ANN}, {"email": BEN}, None]), ("groups", [{"name": "Ours"}, None])):
        chosen = [node["id"] for node in everything[kind]["nodes"]]
        assert (await site.ask(document, {"ids": chosen}, ANN))["nodes"] == seen
    group = "query($uuid: UUID!) { group(uuid: $uuid) { name } }"
    assert (await site.ask(group, {"uuid": house.theirs}, ANN))["group"] is None
    assert (await site.ask(group, {"uuid": house.ours}, ANN))["group"] == {"name": "Ours"}


async def test_keys_of_others_tell_nothing(house: House) -> None:
    """A user who cannot be found is told from one who does not exist in no mutation."""
    for user, code in ((house.users[CAT], "NOT_FOUND"), (UNKNOWN, "NOT_FOUND"), (house.users[BEN], "FORBIDDEN")):
        asked = {"name": "k", "userUuid": user}
        assert await house.site.refused("createApiKey", asked, ANN) == [(code, "input.userUuid")]


async def test_what_is_seen_shows_its_users_and_groups(house: House) -> None:
    """The owner of a visible folder and the groups with a role on it are no secret."""
    selection = "owner { email } groups { edges { role node { name users { totalCount } } } }"
    folder = await house.site.see("storageFolder", house.folder, selection, ANN)
    assert folder["owner"] == {"email": "admin@localhost"}
    shown = {edge["node"]["name"]: edge["node"]["users"]["totalCount"] for edge in folder["groups"]["edges"]}
    assert shown == {"Ours": 2, "Theirs": 1}


async def test_roles_are_granted_to_those_who_are_found(house: House) -> None:
    """Others do not exist, whether or not they do; a group with a role here can get another."""
    site = house.site
    hidden = await site.group("Hidden")

    async def grant(group: str) -> list[Any]:
        given = {"folderUuid": house.folder, "groupUuids": [group], "role": "USER"}
        return await site.refused("addStorageFolderGroups", given, ANN)

    assert await grant(hidden) == [("NOT_FOUND", "input.groupUuids.0")]
    assert await grant(house.theirs) == []
    for given, path in (({"userUuids": [house.users[CAT]]}, "userUuids"), ({"userEmails": [CAT]}, "userEmails")):
        shared = {"datasetUuid": house.dataset, "role": "VIEWER", **given}
        assert await site.refused("addDatasetUsers", shared, ANN) == [("NOT_FOUND", f"input.{path}.0")]
        assert await site.refused("addDatasetUsers", shared) == []
    removed = {"datasetUuid": house.dataset, "userUuids": [house.users[CAT]]}
    assert await site.refused("removeDatasetUsers", removed, ANN) == []
    shared = {"datasetUuid": house.dataset, "role": "VIEWER", "userEmails": [BEN]}
    assert await site.refused("addDatasetUsers", shared, ANN) == []
