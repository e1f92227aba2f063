"""Folders as a viewer sees them: contents, parents, and the viewer's role."""

from typing import Any

from gateway.media import samples
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, announce, upload

ANN = "ann@example.org"
COUNTED = "files folders plainTexts images placeholders tombstones uploadJobs totalSize"
ROLE = "viewerRole viewerRoleFolder { name }"


async def folder(site: Site, uuid: str, selection: str, who: str = "admin") -> Any:
    """Return a folder as a user sees it."""
    return await site.see("storageFolder", uuid, selection, who)


async def names(site: Site, field: str, who: str = "admin") -> list[str]:
    """Return the names in a list of the root."""
    data = await site.ask(f"{{ list: {field} {{ nodes {{ name }} totalCount }} }}", who=who)
    result = [node["name"] for node in data["list"]["nodes"]]
    assert data["list"]["totalCount"] == len(result)
    return result


async def test_roots_are_the_topmost_granted_folders(site: Site) -> None:
    """Nothing above them is visible: no parent, no parent UUID, no path.

    Inventory: ENC-CLIENT-05, ENC-FOLDER, ENC-PATH-02.
    """
    team = await site.group("team")
    await site.user(ANN, groups=[team])
    hidden = await site.folder("hidden")
    seen = await site.folder("seen", hidden)
    deeper = await site.folder("deeper", seen)
    await site.folder("beside", hidden)
    for granted in (deeper, seen):
        await site.grant(granted, team, "VIEWER")
    own = await site.folder("own", who=ANN)
    assert await names(site, "storageFolders", ANN) == ["own", "seen"]
    assert await names(site, "searchStorageFolders", ANN) == ["deeper", "own", "seen"]
    above = "parentUuid parent { name } pathToRoot { uuid parentUuid name }"
    element = {"uuid": seen, "parentUuid": None, "name": "seen"}
    assert await folder(site, seen, above, ANN) == {"parentUuid": None, "parent": None, "pathToRoot": [element]}
    below = {"uuid": deeper, "parentUuid": seen, "name": "deeper"}
    assert (await folder(site, deeper, above, ANN))["pathToRoot"] == [below, element]
    assert [part["name"] for part in (await folder(site, deeper, above))["pathToRoot"]] == ["deeper", "seen", "hidden"]
    for unseen in (hidden, UNKNOWN):
        assert await folder(site, unseen, "name", ANN) is None
    await site.done("deleteStorageFolder", {"folderUuid": own}, "folderUuid", ANN)
    assert await names(site, "storageFolders", ANN) == ["seen"]


async def test_the_organisation_is_listed_by_site_admins_only(site: Site) -> None:
    """ORGANISATION replaces the viewer's own folders and is refused to members.

    Inventory: ENC-QFOLD-04, ENC-ERR-02, MID-ERR-16, SUB-010, SUB-128.
    """
    await site.user(ANN)
    await site.folder("hers below", await site.folder("hers", who=ANN), ANN)
    await site.folder("mine")
    assert await names(site, "storageFolders(scope: ORGANISATION)") == ["hers", "mine"]
    assert await names(site, "storageFolders") == ["mine"]
    assert await names(site, "searchStorageFolders(scope: ORGANISATION)") == ["hers", "hers below", "mine"]
    for field in ("storageFolders", "searchStorageFolders"):
        answer = await site.body(f"{{ {field}(scope: ORGANISATION) {{ nodes {{ name }} }} }}", who=ANN)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert answer["errors"][0]["extensions"]["inputPath"] == ["scope"]


async def test_contents_of_a_folder(site: Site) -> None:
    """Direct and deep listings work without a condition; searches need one.

    Inventory: ENC-FOLDEROP-01 to 04, ENC-ERR-06, SUB-001, SUB-002.
    """
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    await site.folder("innermost", inner)
    for index, home in enumerate((top, inner)):
        files = [File(f"note {index}.txt", "PLAIN_TEXT", b"x"), File(f"shot {index}.png", "IMAGE", b"x")]
        await announce(site, home, files)
    result = await folder(
        site,
        top,
        """items(filter: {includePlaceholders: true}) { nodes { name } }
        subfolders { nodes { name } } descendantFolders { nodes { name } }
        named: descendantItems(filter: {search: "NOTE", includePlaceholders: true}) { nodes { name } totalCount }
        typed: descendantItems(filter: {itemTypes: [IMAGE], includePlaceholders: true}) {
          nodes { name } totalCount
        }""",
    )
    listed = {key: [node["name"] for node in page["nodes"]] for key, page in result.items()}
    assert listed == {
        "items": ["note 0.txt", "shot 0.png"],
        "subfolders": ["inner"],
        "descendantFolders": ["inner", "innermost"],
        "named": ["note 0.txt", "note 1.txt"],
        "typed": ["shot 0.png", "shot 1.png"],
    }
    assert (result["named"]["totalCount"], result["typed"]["totalCount"]) == (2, 2)
    for nothing in ("{}", '{search: ""}', "{itemTypes: []}", "null"):
        answer = await site.body(f"{{ searchStorageItems(filter: {nothing}) {{ totalCount }} }}")
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", nothing
        assert answer["errors"][0]["extensions"]["inputPath"] == ["filter"]
        below = await folder(site, top, f"descendantItems(filter: {nothing}) {{ totalCount }}")
        assert below["descendantItems"]["totalCount"] == 0, "the items are placeholders"
    below = await folder(site, top, "descendantItems(filter: {includePlaceholders: true}) { totalCount }")
    assert below["descendantItems"]["totalCount"] == 4


async def test_summaries_count_what_a_folder_contains(site: Site) -> None:
    """Direct or deep counts; items without bytes of their own are no files.

    Inventory: ENC-FOLDEROP-11, ENC-FSUM, SUB-081.
    """
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    text, image = samples.text(1), samples.png()
    await upload(site, top, [File("a.txt", "PLAIN_TEXT", text), File("b.png", "IMAGE", image)])
    await upload(site, inner, [File("c.txt", "PLAIN_TEXT", text)])
    await announce(site, inner, [File("d.txt", "PLAIN_TEXT", b"later")])
    result = await folder(site, top, f"summary {{ {COUNTED} }} all: summary(recursive: true) {{ {COUNTED} }}")
    direct = {
        "files": 2,
        "folders": 1,
        "plainTexts": 1,
        "images": 1,
        "placeholders": 0,
        "tombstones": 0,
        "uploadJobs": 1,
    }
    deep = {**direct, "files": 3, "plainTexts": 2, "placeholders": 1, "uploadJobs": 2}
    assert result["summary"] == {**direct, "totalSize": len(text) + len(image)}
    assert result["all"] == {**deep, "totalSize": 2 * len(text) + len(image)}
    empty = await folder(
        site, await site.folder("empty"), f"summary {{ {COUNTED} }} all: summary(recursive: true) {{ {COUNTED} }}"
    )
    assert {*empty["summary"].values(), *empty["all"].values()} == {0}


async def test_roles_are_inherited_and_the_strongest_wins(site: Site) -> None:
    """The folder whose grant gives the role is shown, and the groups with their roles.

    Inventory: ENC-FOLDER, ENC-FGROUP.
    """
    readers, editors = await site.group("readers"), await site.group("editors")
    await site.user(ANN, groups=[readers, editors])
    top = await site.folder("top")
    middle = await site.folder("middle", top)
    leaf = await site.folder("leaf", middle)
    await site.grant(top, editors, "USER")
    await site.grant(middle, readers, "VIEWER")
    role = {"viewerRole": "USER", "viewerRoleFolder": {"name": "top"}}
    assert [await folder(site, uuid, ROLE, ANN) for uuid in (top, middle, leaf)] == [role] * 3
    await site.grant(leaf, readers, "ADMIN")
    assert await folder(site, leaf, ROLE, ANN) == {"viewerRole": "ADMIN", "viewerRoleFolder": {"name": "leaf"}}
    edges = "groups { edges { role node { name description createdAt } } totalCount }"
    groups = (await folder(site, middle, edges, ANN))["groups"]
    assert [(edge["role"], edge["node"]["name"]) for edge in groups["edges"]] == [("VIEWER", "readers")]
    await site.done("removeStorageFolderGroups", {"folderUuid": top, "groupUuids": [editors]}, "folder { uuid }")
    assert await folder(site, top, "name", ANN) is None
    assert await folder(site, middle, ROLE, ANN) == {"viewerRole": "VIEWER", "viewerRoleFolder": {"name": "middle"}}


async def test_the_role_folder_is_visible_to_everyone_with_the_role(site: Site) -> None:
    """A site admin's role comes from no folder, unless they also have a grant.

    Inventory: ENC-FOLDER, SUB-019.
    """
    await site.user(ANN)
    hers = await site.folder("hers", who=ANN)
    mine = await site.folder("mine")
    assert await folder(site, hers, ROLE) == {"viewerRole": "ADMIN", "viewerRoleFolder": None}
    assert await folder(site, mine, ROLE) == {"viewerRole": "ADMIN", "viewerRoleFolder": {"name": "mine"}}
    below = await site.folder("below", hers, ANN)
    both = f'{{ a: storageFolder(uuid: "{hers}") {{ {ROLE} }} b: storageFolder(uuid: "{below}") {{ {ROLE} }} }}'
    data = await site.ask(both, who=ANN)
    assert data["a"] == data["b"] == {"viewerRole": "ADMIN", "viewerRoleFolder": {"name": "hers"}}
