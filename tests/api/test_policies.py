"""Policies of folders on identities: what is in effect, who changes them, and who may see identities."""

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.sites import Site, fresh_settings, serve_site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


async def policy(site: Site, folder: str) -> str:
    """Return the policy in effect."""
    return str((await site.see("storageFolder", folder, "phiPolicy"))["phiPolicy"])


async def set_policy(site: Site, folder: str, value: str | None, who: str = "admin") -> list[tuple[str, str]]:
    """Set a folder's policy, and return the errors."""
    return await site.refused("updateStorageFolder", {"folderUuid": folder, "phiPolicy": value}, who)


async def key_without_phi(site: Site, who: str) -> str:
    """Create an API key without `seesPhi` for a user, and return the name by which it is used."""
    made = await site.done("createApiKey", {"name": "k", "seesPhi": False}, "token apiKey { seesPhi }", who)
    assert made["apiKey"]["seesPhi"] is False
    site.keys[f"{who} without phi"] = made["token"]
    return f"{who} without phi"


async def role_with(site: Site, folder: str, role: str, phi: bool | None, who: str = "admin") -> str:
    """Create a member of a group that has a role on a folder."""
    group = await site.group(role)
    given = {"folderUuid": folder, "groupUuids": [group], "role": role, "seesPhi": phi}
    await site.done("addStorageFolderGroups", given, "folder { uuid }", who)
    return await site.newcomer(group)


async def grants(site: Site, folder: str) -> dict[str, tuple[str, bool]]:
    """Return the role of each group on a folder, and whether it sees identities."""
    shown = await site.see("storageFolder", folder, "groups { edges { role seesPhi node { uuid } } }")
    return {edge["node"]["uuid"]: (edge["role"], edge["seesPhi"]) for edge in shown["groups"]["edges"]}


async def test_policy_applies_to_everything_below(site: Site) -> None:
    """Also to what is created and moved there later, until it is moved away."""
    top, other = await site.folder("top"), await site.folder("other")
    inner = await site.folder("inner", top)
    deep = await site.folder("deep", inner)
    assert await policy(site, top) == await policy(site, deep) == "OPEN"
    assert await set_policy(site, inner, "MASKED") == []
    later = await site.folder("later", deep)
    assert [await policy(site, uuid) for uuid in (top, inner, deep, later)] == ["OPEN", "MASKED", "MASKED", "MASKED"]
    assert await set_policy(site, deep, "OPEN") == [("CONFLICT", "input.phiPolicy")]
    moved = await site.folder("moved", other)
    await move(site, [moved], deep)
    assert await policy(site, moved) == "MASKED"
    await move(site, [deep], other)
    assert [await policy(site, uuid) for uuid in (deep, later, moved, other)] == ["OPEN"] * 4
    assert await set_policy(site, top, "MASKED") == []
    assert await set_policy(site, inner, None) == []
    assert await policy(site, inner) == "MASKED"
    assert await set_policy(site, top, "OPEN") == []
    assert await policy(site, inner) == "OPEN"


async def test_folder_below_keeps_its_own_policy(site: Site) -> None:
    """When the one above is opened, and when it moves elsewhere."""
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    deep = await site.folder("deep", inner)
    for folder in (top, inner):
        assert await set_policy(site, folder, "MASKED") == []
    assert await set_policy(site, top, None) == []
    assert [await policy(site, uuid) for uuid in (top, inner, deep)] == ["OPEN", "MASKED", "MASKED"]
    await move(site, [inner], await site.folder("elsewhere"))
    assert await policy(site, deep) == "MASKED"


async def test_masked_folder_stays_masked_as_a_root(site: Site) -> None:
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    deep = await site.folder("deep", inner)
    assert await set_policy(site, top, "MASKED") == []
    await move(site, [inner], None)
    assert await policy(site, inner) == await policy(site, deep) == "MASKED"
    assert await set_policy(site, inner, "OPEN") == []
    assert await policy(site, deep) == "OPEN"


async def test_many_policies_change_at_once(site: Site) -> None:
    """Each entry is checked by itself."""
    top, other = await site.folder("top"), await site.folder("other")
    inner = await site.folder("inner", top)
    entries = [{"folderUuid": uuid, "phiPolicy": "MASKED"} for uuid in (inner, top, other)]
    await site.done("updateStorageFolders", {"folders": entries}, "results { uuid }")
    assert [await policy(site, uuid) for uuid in (top, inner, other)] == ["MASKED"] * 3
    entries = [{"folderUuid": uuid, "phiPolicy": "OPEN"} for uuid in (inner, other)]
    refused = await site.refused("updateStorageFolders", {"folders": entries, "allowPartial": True})
    assert refused == [("CONFLICT", "input.folders.0.phiPolicy")]
    assert [await policy(site, uuid) for uuid in (inner, other)] == ["MASKED", "OPEN"]


@pytest.mark.parametrize(
    ("role", "phi", "allowed"), [("ADMIN", True, True), ("ADMIN", None, False), ("USER", True, False)]
)
async def test_policy_and_phi_need_admin_with_phi(site: Site, role: str, phi: bool | None, allowed: bool) -> None:
    """In both directions, and whether or not the folder is masked."""
    folder, team = await site.folder("f"), await site.group("team")
    who = await role_with(site, folder, role, phi)
    for value in ("MASKED", "OPEN"):
        assert await set_policy(site, folder, value, who) == ([] if allowed else [("FORBIDDEN", "input.phiPolicy")])
        bulk = {"folders": [{"folderUuid": folder, "phiPolicy": value}]}
        errors = [] if allowed else [("FORBIDDEN", "input.folders.0.phiPolicy")]
        assert await site.refused("updateStorageFolders", bulk, who) == errors
        assert await set_policy(site, folder, value) == []
        given: dict[str, Any] = {"folderUuid": folder, "groupUuids": [team], "role": "VIEWER", "seesPhi": True}
        path = "input.seesPhi" if role == "ADMIN" else "input.folderUuid"
        errors = [] if allowed else [("FORBIDDEN", path)]
        assert await site.refused("addStorageFolderGroups", given, who) == errors
        # Neither does a key without it, of a user who may do both.
        assert await set_policy(site, folder, value, await key_without_phi(site, who)) == [
            ("FORBIDDEN", "input.phiPolicy")
        ]
        assert await site.refused("addStorageFolderGroups", given, await key_without_phi(site, who)) == [
            ("FORBIDDEN", path)
        ]


async def test_phi_of_a_folder_above_counts(site: Site) -> None:
    """Whoever creates a root has it there, and can give it to others, for a part of the tree too."""
    who = await site.newcomer()
    root = await site.folder("root", who=who)
    inner = await site.folder("inner", root, who)
    assert await set_policy(site, root, "MASKED", who) == []
    helper = await role_with(site, inner, "ADMIN", True, who)
    assert await set_policy(site, await site.folder("deep", inner, helper), "MASKED", helper) == []
    outsider = await role_with(site, root, "ADMIN", None, who)
    assert await set_policy(site, inner, "OPEN", outsider) == [("FORBIDDEN", "input.phiPolicy")]


async def test_grants_keep_phi_unless_it_is_given(site: Site) -> None:
    """It is in the answer and in the journal."""
    folder, group = await site.folder("f"), await site.group("g")
    given: dict[str, Any] = {"folderUuid": folder, "groupUuids": [group], "role": "VIEWER"}
    steps = [(None, "VIEWER", False), (True, "VIEWER", True), (None, "USER", True), (False, "USER", False)]
    for phi, role, expected in steps:
        await site.done("addStorageFolderGroups", given | {"role": role, "seesPhi": phi}, "folder { uuid }")
        assert await grants(site, folder) == {group: (role, expected)}
    shown = await site.see("storageFolder", folder, "journal { nodes { objectType before after } }")
    journal = [
        ((node["before"] or {}).get("seesPhi"), (node["after"] or {}).get("seesPhi"))
        for node in shown["journal"]["nodes"]
        if node["objectType"] == "FOLDER_GRANT"
    ]
    assert journal == [(True, None), (True, True), (None, True), (None, None)]


async def test_policy_is_in_the_journal(site: Site) -> None:
    folder = await site.folder("f")
    assert await set_policy(site, folder, "MASKED") == []
    shown = await site.see("storageFolder", await site.folder("above"), "uuid")
    await move(site, [folder], shown["uuid"])
    assert await set_policy(site, folder, None) == []
    shown = await site.see("storageFolder", shown["uuid"], "journal { nodes { action before after } }")
    update = next(node for node in shown["journal"]["nodes"] if node["action"] == "UPDATE")
    assert (update["before"], update["after"]) == ({"phiPolicy": "MASKED"}, {"phiPolicy": None})


async def test_keys_without_phi_create_none_with_it(site: Site) -> None:
    """Not even those of site admins; by default, the new key shows as much."""
    who = await key_without_phi(site, "admin")
    assert (await site.ask("{ viewer { seesPhi } }", who=who))["viewer"]["seesPhi"] is False
    assert (await site.ask("{ viewer { seesPhi } }"))["viewer"]["seesPhi"] is True
    refused = await site.refused("createApiKey", {"name": "k", "seesPhi": True}, who)
    assert refused == [("FORBIDDEN", "input.seesPhi")]
    made = await site.done("createApiKey", {"name": "k"}, "apiKey { seesPhi }", who)
    assert made["apiKey"]["seesPhi"] is False
    assert (await site.done("createApiKey", {"name": "k"}, "apiKey { seesPhi }"))["apiKey"]["seesPhi"] is True


@pytest.mark.parametrize("backend", ["embedded", "scaled"])
async def test_new_roots_are_masked_by_setting(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> None:
    with fresh_settings(backend, request, tmp_path, mask_new_roots=True) as settings:
        async with serve_site(settings, works=False) as site:
            who = await site.newcomer()
            root = await site.folder("root", who=who)
            inner = await site.folder("inner", root, who)
            assert await policy(site, root) == await policy(site, inner) == "MASKED"
            assert await set_policy(site, root, "OPEN", who) == []
            created = {"title": "d", "createBackingFolder": True}
            made = await site.done("createDataset", created, "dataset { backingFolder { phiPolicy } }", who)
            assert made["dataset"]["backingFolder"]["phiPolicy"] == "MASKED"


async def move(site: Site, uuids: list[str], parent: str | None) -> None:
    """Move folders as a site admin."""
    await site.done("moveStorageFolders", {"folderUuids": uuids, "newParentUuid": parent}, "userErrors { code }")
