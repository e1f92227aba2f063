"""Roles that groups get and lose on folders and datasets."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from tests.fixtures.sites import UNKNOWN, Site, error_paths

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


@dataclass(frozen=True)
class Kind:
    """Kind of object that roles are given on, with its field and its mutations."""

    field: str
    root: str
    stem: str

    async def make(self, site: Site) -> str:
        """Create an object of the admin and return its UUID."""
        if self.field == "folder":
            return await site.folder("Shared")
        payload = await site.done("createDataset", {"title": "Shared"}, "dataset { uuid }")
        return str(payload["dataset"]["uuid"])

    async def change(
        self, site: Site, verb: str, uuid: str, groups: list[str], who: str, **more: str
    ) -> dict[str, Any]:
        """Return the payload of adding or removing groups."""
        given = {f"{self.field}Uuid": uuid, "groupUuids": groups, **more}
        return await site.do(f"{verb}{self.stem}Groups", given, f"{self.field} {{ uuid }}", who)

    async def give(self, site: Site, uuid: str, groups: list[str], role: str, who: str = "admin") -> dict[str, Any]:
        """Give groups a role."""
        return await self.change(site, "add", uuid, groups, who, role=role)

    async def take(self, site: Site, uuid: str, groups: list[str], who: str = "admin") -> dict[str, Any]:
        """Remove groups."""
        return await self.change(site, "remove", uuid, groups, who)

    async def roles(self, site: Site, uuid: str) -> dict[str, str]:
        """Return the role of each group on the object."""
        groups = "groups { totalCount edges { role node { uuid } } }"
        data = (await site.ask(f'{{ {self.root}(uuid: "{uuid}") {{ {groups} }} }}'))[self.root]["groups"]
        assert data["totalCount"] == len(data["edges"])
        return {edge["node"]["uuid"]: edge["role"] for edge in data["edges"]}

    async def role_of(self, site: Site, uuid: str, who: str) -> str | None:
        """Return the role of a user on the object; None if they do not see it."""
        data = (await site.ask(f'{{ {self.root}(uuid: "{uuid}") {{ viewerRole }} }}', who=who))[self.root]
        return data and str(data["viewerRole"])


@pytest.fixture(params=[Kind("folder", "storageFolder", "StorageFolder"), Kind("dataset", "dataset", "Dataset")])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Folders, and again datasets."""
    chosen: Kind = request.param
    return chosen


async def test_a_group_gets_a_role_and_loses_it(site: Site, kind: Kind) -> None:
    """A second role replaces the first; without a role nothing is visible.

    Inventory: ENC-FOLDEROP-13, -14, ENC-DOP-08, SUB-020.
    """
    team, others, uuid = await site.group("Team"), await site.group("Others"), await kind.make(site)
    ann = await site.newcomer(team)
    assert await kind.role_of(site, uuid, ann) is None
    assert (await kind.give(site, uuid, [team, others], "VIEWER"))[kind.field] == {"uuid": uuid}
    assert await kind.role_of(site, uuid, ann) == "VIEWER"
    assert error_paths(await kind.give(site, uuid, [team], "ADMIN")) == []
    assert await kind.role_of(site, uuid, ann) == "ADMIN"
    assert await kind.roles(site, uuid) == {team: "ADMIN", others: "VIEWER"}
    # Ann removes the grant by which she sees it.
    gone = await kind.take(site, uuid, [team], ann)
    assert (gone[kind.field], gone["userErrors"]) == (None, [])
    assert await kind.role_of(site, uuid, ann) is None
    assert await kind.roles(site, uuid) == {others: "VIEWER"}


async def test_bad_lists_are_refused_whole(site: Site, kind: Kind) -> None:
    """Entries that are unknown, repeated or without a role are reported by position.

    The other entries are not applied.
    """
    team, others, uuid = await site.group("Team"), await site.group("Others"), await kind.make(site)
    await kind.give(site, uuid, [team], "VIEWER")
    answers = [
        (await kind.give(site, uuid, [others, UNKNOWN], "USER"), [("NOT_FOUND", "input.groupUuids.1")]),
        (await kind.give(site, uuid, [team, team], "USER"), [("BAD_USER_INPUT", "input.groupUuids.1")]),
        (await kind.give(site, uuid, [], "USER"), [("BAD_USER_INPUT", "input.groupUuids")]),
        (await kind.give(site, uuid, [UNKNOWN] * 1001, "USER"), [("LIMIT_EXCEEDED", "input.groupUuids")]),
        (
            await kind.take(site, uuid, [team, others, UNKNOWN]),
            [("NOT_FOUND", f"input.groupUuids.{n}") for n in (1, 2)],
        ),
        (await kind.take(site, uuid, [team, team]), [("BAD_USER_INPUT", "input.groupUuids.1")]),
        (await kind.take(site, uuid, []), [("BAD_USER_INPUT", "input.groupUuids")]),
    ]
    for payload, expected in answers:
        assert error_paths(payload) == expected
    assert await kind.roles(site, uuid) == {team: "VIEWER"}


async def test_only_admins_give_roles(site: Site, kind: Kind) -> None:
    """Strangers see nothing, VIEWER and USER are refused, and nothing changes."""
    team, uuid = await site.group("Team"), await kind.make(site)
    ann = await site.newcomer(team)
    for role, code in ((None, "NOT_FOUND"), ("VIEWER", "FORBIDDEN"), ("USER", "FORBIDDEN")):
        if role:
            await kind.give(site, uuid, [team], role)
        before = await kind.roles(site, uuid)
        for payload in (await kind.give(site, uuid, [team], "ADMIN", ann), await kind.take(site, uuid, [team], ann)):
            assert error_paths(payload) == [(code, f"input.{kind.field}Uuid")]
        assert await kind.roles(site, uuid) == before


async def test_each_change_of_a_role_is_recorded(site: Site, kind: Kind) -> None:
    """The journal has one row per change, none for an equal role, found by its folder."""
    team, uuid = await site.group("Team"), await kind.make(site)
    before = len(await _record(site, kind))
    for role in ("VIEWER", "USER", "USER"):
        await kind.give(site, uuid, [team], role)
    await kind.take(site, uuid, [team])
    await kind.give(site, uuid, [team], "VIEWER")
    await site.done("deleteGroup", {"groupUuid": team}, "groupUuid")
    rows = (await _record(site, kind))[before:]
    assert [row.action for row in rows] == ["CREATE", "UPDATE", "DELETE", "CREATE", "DELETE"]
    assert {row.folder_uuid is not None for row in rows} == {kind.field == "folder"}


async def test_concurrent_requests_leave_one_role(site: Site, kind: Kind) -> None:
    """However many requests give a group a role at once, it has one role."""
    team, uuid = await site.group("Team"), await kind.make(site)
    roles = ["VIEWER", "USER", "ADMIN"] * 2
    answers = await asyncio.gather(*(kind.give(site, uuid, [team], role) for role in roles))
    assert all(error_paths(answer) == [] for answer in answers)
    assert set(await kind.roles(site, uuid)) == {team}


async def _record(site: Site, kind: Kind) -> list[Any]:
    chosen = sa.text("SELECT action, folder_uuid FROM changes WHERE object_type = :type ORDER BY uuid")
    return await site.services.database.rows(chosen.bindparams(type=f"{kind.field.title()}Grant"), sa.Row)
