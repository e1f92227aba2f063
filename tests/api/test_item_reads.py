"""Items as a viewer sees them: facts, groups and datasets that use them, and URLs of their bytes."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.media import samples
from tests.fixtures.items import create_dataset, make_tombstone, upload_group, upload_items
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, announce

SIGNED = "signedUrl { url method expiresAt headers } signedUrlUnavailableReason"
SUMMARY = """summary { frameInGroups usedInDatasets
  accessibleDatasets { title backingFolderUuid dataRowUuids dataRowsCreatedAt dataset { uuid title } } }"""
SCALARS = """__typename id uuid folderUuid itemType name description clientMetadata owner { email } createdAt
  lastEditedAt
  isTombstone isPlaceholder dataRowsCount storageLocation url fileSize mimeType sha256 duration fps height width
  frameCount pageCount audioSampleRate audioBitDepth audioCodec audioNumChannels
  dicomInstanceUid dicomStudyUid dicomSeriesUid"""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def frames(*seeds: int) -> list[File]:
    """Return images with different contents, named by number."""
    return [File(f"{seed}.png", "IMAGE", samples.png(16, 16, seed), "image/png") for seed in seeds]


async def test_one_query_lists_a_mixed_folder(site: Site) -> None:
    """Each kind has its type; attributes that it lacks are null.

    Inventory: ENC-ITEM, ENC-ENUM-01, ENC-CLIENT-03.
    """
    folder = await site.folder("mixed")
    text = samples.text(7)
    note, shot = await upload_items(site, folder, [File("n.txt", "PLAIN_TEXT", text, "text/plain"), *frames(1)])
    series, (slice_,) = await upload_group(site, folder, [File("s.dcm", "DICOM_FILE", samples.dicom_file())], "series")
    waiting = (await announce(site, folder, [File("v.webm", "VIDEO", b"later")]))[0]["itemUuid"]
    data = await site.ask(
        f"""query($u: UUID!) {{ storageFolder(uuid: $u) {{
        items(filter: {{includePlaceholders: true}}) {{ nodes {{ {SCALARS}
        ... on DicomSeriesItem {{ instanceTotal }} }} }} }} }}""",
        {"u": folder},
    )
    result = {node["uuid"]: node for node in data["storageFolder"]["items"]["nodes"]}
    assert {uuid: node["__typename"] for uuid, node in result.items()} == {
        note: "PlainTextItem",
        shot: "ImageItem",
        series: "DicomSeriesItem",
        slice_: "DicomFileItem",
        waiting: "VideoItem",
    }
    shown = result[note]
    assert (shown["itemType"], shown["fileSize"], shown["mimeType"]) == ("PLAIN_TEXT", len(text), "text/plain")
    assert (shown["owner"]["email"], shown["folderUuid"], shown["storageLocation"]) == (
        "admin@localhost",
        folder,
        "STOREGRAPH",
    )
    assert shown["width"] is shown["duration"] is shown["pageCount"] is shown["dicomStudyUid"] is None
    assert len(shown["sha256"]) == 64
    assert shown["createdAt"].endswith("Z")
    assert (result[shot]["width"], result[shot]["height"]) == (16, 16)
    assert (result[waiting]["isPlaceholder"], result[waiting]["fileSize"], result[waiting]["url"]) == (True, None, None)
    assert (result[series]["instanceTotal"], result[series]["fileSize"], result[series]["sha256"]) == (1, None, None)
    assert result[series]["dicomSeriesUid"] == result[slice_]["dicomSeriesUid"] is not None


async def test_items_keep_the_requested_order(site: Site) -> None:
    """Gaps are marked, a UUID may be repeated, and 1,000 is the limit.

    Inventory: ENC-CLIENT-04, ENC-INACC-01, SUB-016, SUB-017.
    """
    folder = await site.folder("bulk")
    targets = await announce(site, folder, [File(name, "PLAIN_TEXT", b"x") for name in ("a", "b")])
    a, b = (target["itemUuid"] for target in targets)
    document = """query($uuids: [UUID!]!) { storageItems(uuids: $uuids) {
        __typename ... on PlainTextItem { name } ... on StorageItemInaccessible { uuid } } }"""
    data = await site.ask(document, {"uuids": [b, UNKNOWN, a, b]})
    gap = {"__typename": "StorageItemInaccessible", "uuid": UNKNOWN}
    first, second = ({"__typename": "PlainTextItem", "name": name} for name in ("a", "b"))
    assert data["storageItems"] == [second, gap, first, second]
    assert (await site.ask(document, {"uuids": []}))["storageItems"] == []
    assert (await site.ask(document, {"uuids": [UNKNOWN] * 1000}))["storageItems"] == [gap] * 1000
    answer = await site.body(document, {"uuids": [UNKNOWN] * 1001})
    assert answer["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert answer["errors"][0]["extensions"]["inputPath"] == ["uuids"]


async def test_nodes_are_looked_up_by_id(site: Site) -> None:
    """Every kind of node leads back to itself; an invalid id is null."""
    folder = await site.folder("nodes")
    note = (await upload_items(site, folder, [File("n.txt", "PLAIN_TEXT", b"n", "text/plain")]))[0]
    used_by = await create_dataset(site, "nodes", [note])
    await site.group("nodes")
    data = await site.ask(
        """query($f: UUID!, $i: UUID!, $d: UUID!) {
        storageFolder(uuid: $f) { id uploadJobs { nodes { id units { nodes { id } } } } }
        storageItem(uuid: $i) { id } dataset(uuid: $d) { id dataRows { nodes { id } } }
        groups(search: "nodes") { nodes { id } } viewer { id user { id apiKeys { nodes { id } } } } }""",
        {"f": folder, "i": note, "d": used_by},
    )
    ids = {
        "StorageFolder": data["storageFolder"]["id"],
        "UploadJob": data["storageFolder"]["uploadJobs"]["nodes"][0]["id"],
        "PlainTextItem": data["storageItem"]["id"],
        "Dataset": data["dataset"]["id"],
        "DataRow": data["dataset"]["dataRows"]["nodes"][0]["id"],
        "Group": data["groups"]["nodes"][0]["id"],
        "User": data["viewer"]["user"]["id"],
        "Viewer": data["viewer"]["id"],
        "ApiKey": data["viewer"]["user"]["apiKeys"]["nodes"][0]["id"],
        "UploadUnit": data["storageFolder"]["uploadJobs"]["nodes"][0]["units"]["nodes"][0]["id"],
    }
    assert len(set(ids.values())) == len(ids)
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    result = (await site.ask(document, {"ids": list(ids.values())}))["nodes"]
    assert {node["__typename"]: node["id"] for node in result} == ids
    wrong = ["", "x", note, "é", ids["User"] + "A", ids["User"][:-2], ids["User"][::-1], "AAAA" * 5000]
    assert (await site.ask(document, {"ids": [*wrong, ids["User"]]}))["nodes"][:-1] == [None] * len(wrong)
    assert await site.ask('{ node(id: "nothing") { id } }') == {"node": None}


async def test_children_are_ordered(site: Site) -> None:
    """Edges have frame numbers; pages and single frames can be requested.

    Single files have no children.

    Inventory: ENC-ITEMOP-04, ENC-ITEM-33.
    """
    folder = await site.folder("children")
    group, members = await upload_group(site, folder, frames(5, 3, 4, 1), "four")
    children = "children { edges { frameNumber node { uuid } } totalCount }"
    result = await site.see("storageItem", group, f"{children} ... on ImageGroupItem {{ frameTotal }}")
    assert [edge["node"]["uuid"] for edge in result["children"]["edges"]] == members
    assert [edge["frameNumber"] for edge in result["children"]["edges"]] == [0, 1, 2, 3]
    assert result["children"]["totalCount"] == result["frameTotal"] == 4
    some = await site.see(
        "storageItem",
        group,
        """some: children(frames: [3, 1, 9, 1, -1]) { edges { frameNumber } totalCount }
        none: children(frames: []) { totalCount }
        page: children(first: 2) { nodes { uuid } pageInfo { hasNextPage endCursor } }""",
    )
    assert [edge["frameNumber"] for edge in some["some"]["edges"]] == [1, 3]
    assert (some["some"]["totalCount"], some["none"]["totalCount"]) == (2, 0)
    assert [node["uuid"] for node in some["page"]["nodes"]] == members[:2]
    rest = f'children(first: 2, after: "{some["page"]["pageInfo"]["endCursor"]}") {{ nodes {{ uuid }} }}'
    assert [node["uuid"] for node in (await site.see("storageItem", group, rest))["children"]["nodes"]] == members[2:]
    single = await site.see("storageItem", members[0], f"{children} groupsContaining {{ nodes {{ uuid }} totalCount }}")
    assert single["children"] == {"edges": [], "totalCount": 0}
    assert single["groupsContaining"] == {"nodes": [{"uuid": group}], "totalCount": 1}


async def test_summaries_count_all_and_list_visible(site: Site) -> None:
    """Counts are global, lists are not.

    Inventory: ENC-ITEMOP-03, ENC-ISUM, ENC-ISHORT, ENC-DSHORT, SUB-018.
    """
    team, who = await site.group("summaries"), "summaries@example.org"
    await site.user(who, groups=[team])
    home, seen = await site.folder("home"), await site.folder("seen")
    group, (frame,) = await upload_group(site, home, frames(8), "of one")
    await site.done("moveStorageItems", {"itemUuids": [frame], "newParentUuid": seen}, "folder { uuid }")
    await site.grant(seen, team, "VIEWER")
    hidden = await create_dataset(site, "hidden", [frame])
    shown = await create_dataset(site, "shown", [frame])
    again = {"datasetUuid": shown, "itemUuids": [frame], "duplicatesBehavior": "DUPLICATE"}
    await site.done("linkItemsToDataset", again, "dataset { uuid }")
    await site.done(
        "addDatasetGroups", {"datasetUuid": shown, "groupUuids": [team], "role": "VIEWER"}, "dataset { uuid }"
    )
    mine = await site.see("storageItem", frame, f"{SUMMARY} dataRowsCount")
    containing = "groupsContaining { nodes { uuid name itemType folder { uuid name } } }"
    reference = {"uuid": group, "name": "of one", "folder": {"uuid": home, "name": "home"}, "itemType": "IMAGE_GROUP"}
    assert await site.see("storageItem", frame, containing) == {"groupsContaining": {"nodes": [reference]}}
    assert [usage["dataset"]["uuid"] for usage in mine["summary"]["accessibleDatasets"]] == [hidden, shown]
    assert mine["dataRowsCount"] == 3
    theirs = await site.see("storageItem", frame, f"{SUMMARY} dataRowsCount", who)
    assert theirs["dataRowsCount"] == 3
    assert await site.see("storageItem", frame, containing, who) == {"groupsContaining": {"nodes": []}}
    usages = theirs["summary"]["accessibleDatasets"]
    assert [(usage["title"], usage["dataset"]["title"], len(usage["dataRowUuids"])) for usage in usages] == [
        ("shown", "shown", 2)
    ]
    for summary in (mine["summary"], theirs["summary"]):
        assert (summary["frameInGroups"], summary["usedInDatasets"]) == (1, 2)
    alone = await site.see("storageItem", group, SUMMARY)
    assert (alone["summary"]["frameInGroups"], alone["summary"]["accessibleDatasets"]) == (0, [])


async def test_a_signed_url_serves_the_bytes(site: Site) -> None:
    """It has the requested lifetime within bounds and cannot be altered.

    Inventory: ENC-ITEMOP-02, ENC-ITEM-16, SUB-024.
    """
    folder = await site.folder("signed")
    text = "Größe".encode()
    uuid = (await upload_items(site, folder, [File('a "b"/ü.txt', "PLAIN_TEXT", text, "text/plain")]))[0]
    for lifetime, seconds in (("", 3600), ("(lifetime: 60)", 60), ("(lifetime: 604800)", 604800)):
        result = await site.see("storageItem", uuid, f"signedUrl{lifetime} {{ url method expiresAt headers }}")
        signed = result["signedUrl"]
        left = datetime.fromisoformat(signed["expiresAt"]) - datetime.now(UTC)
        assert timedelta(seconds=seconds - 5) < left <= timedelta(seconds=1.5 * seconds), lifetime
        answer = await site.client.request(signed["method"], signed["url"], headers=signed["headers"])
        assert (answer.status_code, answer.content) == (200, text)
        assert "attachment" in answer.headers["content-disposition"]
        assert (await site.client.get(signed["url"][:-1])).status_code in (400, 403)
    for seconds in (59, 604801, -1, 0, 2147483647):
        body = await site.body(f'{{ storageItem(uuid: "{uuid}") {{ signedUrl(lifetime: {seconds}) {{ url }} }} }}')
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", seconds
        assert body["errors"][0]["extensions"]["inputPath"] == ["lifetime"]


async def test_items_without_a_single_object_have_a_reason(site: Site) -> None:
    """The URL is null with a reason, never an error.

    Inventory: ENC-ITEMOP-02, ENC-ERR-17, SUB-021, SUB-022.
    """
    folder = await site.folder("unsigned")
    group, (frame,) = await upload_group(site, folder, frames(9))
    gone = (await upload_items(site, folder, [File("gone", "PLAIN_TEXT", b"gone")]))[0]
    await make_tombstone(site, gone)
    series, _ = await upload_group(site, folder, [File("s.dcm", "DICOM_FILE", samples.dicom_file(study=9))], "series")
    waiting = (await announce(site, folder, [File("later", "PLAIN_TEXT", b"x")]))[0]["itemUuid"]
    document = f"query($uuids: [UUID!]!) {{ storageItems(uuids: $uuids) {{ ... on StorageItem {{ {SIGNED} }} }} }}"
    data = (await site.ask(document, {"uuids": [group, series, waiting, gone, frame]}))["storageItems"]
    reasons = [entry["signedUrlUnavailableReason"] for entry in data]
    assert reasons == ["NOT_A_SINGLE_OBJECT", "NOT_A_SINGLE_OBJECT", "NOT_YET_STORED", "TOMBSTONE", None]
    assert [entry["signedUrl"] is None for entry in data] == [True] * 4 + [False]
    data = await site.ask("query($u: UUID!) { storageFolder(uuid: $u) { summary { tombstones } } }", {"u": folder})
    assert data["storageFolder"]["summary"]["tombstones"] == 1
