"""Lists of datasets, locations of their items, jobs that fill them, and roles of single users on them."""

from typing import Any

import pytest

from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, send_files, start_upload_job, upload, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
USERS = "dataset { users { totalCount edges { role node { email } } } }"
LISTED = """
query($f: DatasetFilter, $scope: StorageScope! = USER) { datasets(filter: $f, scope: $scope) {
  totalCount nodes { title createdAt lastEditedAt }
} }
"""
JOB = """
query($u: UUID!) { uploadJob(uuid: $u) {
  status unitsPendingCount unitsDoneCount unitsErrorCount unitsCancelledCount unitErrors { error }
  dataset { uuid dataRows { nodes { uuid item { uuid name } } } }
  itemsWithNames { itemUuid name dataRowUuid }
} }
"""
FACTS = """
uuid name itemType createdAt lastEditedAt width height url fileSize mimeType storageLocation clientMetadata fps
duration signedUrl { url }
"""
ROWS = f"""
query($u: UUID!) {{ dataset(uuid: $u) {{ dataRows {{ nodes {{ uuid createdAt item {{
  {FACTS} children {{ nodes {{ {FACTS} }} }}
}} }} }} }} }}
"""


async def create_dataset(site: Site, title: str, description: str = "", **more: Any) -> str:
    """Create a dataset and return its UUID."""
    payload = await site.done("createDataset", {"title": title, "description": description, **more}, "dataset { uuid }")
    return str(payload["dataset"]["uuid"])


async def matching_titles(site: Site, who: str = "admin", **wanted: Any) -> list[str]:
    """Return the titles of the datasets that match a filter."""
    listed = (await site.ask(LISTED, {"f": wanted}, who))["datasets"]
    assert listed["totalCount"] == len(listed["nodes"])
    return [node["title"] for node in listed["nodes"]]


async def test_datasets_are_filtered_by_their_attributes(shared_site: Site) -> None:
    """Datasets match by exact title or description, by pattern, and by times.

    Inventory: ENC-DSQ-01 to ENC-DSQ-08.
    """
    site = shared_site
    await create_dataset(site, "Über 50%", "Streets by day")
    await create_dataset(site, "Under_50", "STREETS by night")
    assert await matching_titles(site, titleEq="Über 50%") == ["Über 50%"]
    assert await matching_titles(site, titleEq="über 50%") == []
    assert await matching_titles(site, titleLike="ÜBER%") == ["Über 50%"]
    assert await matching_titles(site, titleLike=r"u_der\_50") == ["Under_50"]
    assert await matching_titles(site, titleLike=r"%50\%") == ["Über 50%"]
    assert await matching_titles(site, descriptionEq="Streets by day") == ["Über 50%"]
    assert await matching_titles(site, descriptionLike="streets%") == ["Under_50", "Über 50%"]
    assert await matching_titles(site, descriptionLike="streets%", titleLike="u%") == ["Under_50"]
    listed = (await site.ask(LISTED, {"f": {"titleLike": "u_der%"}}))["datasets"]["nodes"][0]
    for before, after, moment in (
        ("createdBefore", "createdAfter", listed["createdAt"]),
        ("editedBefore", "editedAfter", listed["lastEditedAt"]),
    ):
        assert "Under_50" not in [
            *await matching_titles(site, **{before: moment}),
            *await matching_titles(site, **{after: moment}),
        ]
        assert await matching_titles(site, **{after: "2020-01-01T00:00:00Z", before: "2020-01-02T00:00:00Z"}) == []
        assert "Under_50" in await matching_titles(site, **{after: "2020-01-01T00:00:00Z"})
    for bad in ({"titleLike": "x\\"}, {"descriptionLike": "x" * 1001}):
        errors = (await site.body(LISTED, {"f": bad}))["errors"]
        assert [error["extensions"]["code"] for error in errors] == ["BAD_USER_INPUT"]


async def test_the_whole_organisation_is_for_admins_of_the_site(shared_site: Site) -> None:
    """Only site admins list all datasets and items of the organisation.

    Inventory: ENC-DSQ-09, ENC-QITEM-05.
    """
    site, folder = shared_site, await shared_site.folder("scoped")
    await create_dataset(site, "Scoped")
    await upload(site, folder, [File("scoped.txt", "PLAIN_TEXT", b"scoped")])
    await site.user("member@example.org")
    items = 'query($s: StorageScope!) { searchStorageItems(filter: {search: "scoped"}, scope: $s) { totalCount } }'
    for who, expected in (("admin", 1), ("member@example.org", 0)):
        assert (await site.ask(items, {"s": "USER"}, who))["searchStorageItems"]["totalCount"] == expected
        assert len(await matching_titles(site, who, titleEq="Scoped")) == expected
    whole = {"f": {"titleEq": "Scoped"}, "scope": "ORGANISATION"}
    assert (await site.ask(LISTED, whole))["datasets"]["totalCount"] == 1
    assert (await site.ask(items, {"s": "ORGANISATION"}))["searchStorageItems"]["totalCount"] == 1
    for document, variables in ((LISTED, whole), (items, {"s": "ORGANISATION"})):
        errors = (await site.body(document, variables, "member@example.org"))["errors"]
        assert [error["extensions"]["code"] for error in errors] == ["FORBIDDEN"]


async def test_single_users_get_roles_on_datasets(shared_site: Site) -> None:
    """Roles are given by address or UUID, one at a time, and removed again.

    Removing unknown addresses has no effect.

    Inventory: ENC-DOP-09.
    """
    site, uuid = shared_site, await create_dataset(shared_site, "Shared")
    first, second, stranger = [await site.newcomer() for _ in range(3)]
    given = {"datasetUuid": uuid, "userEmails": [first.upper(), second], "role": "VIEWER"}
    for role in ("VIEWER", "ADMIN"):
        users = (await site.done("addDatasetUsers", {**given, "role": role}, USERS))["dataset"]["users"]
        roles = {edge["node"]["email"]: edge["role"] for edge in users["edges"]}
        assert (roles, users["totalCount"]) == ({"admin@localhost": "ADMIN", first: role, second: role}, 3)
    assert await matching_titles(site, first, titleEq="Shared") == ["Shared"]
    for wrong, refusal in (
        ({"userEmails": [first, "nobody@example.org"]}, ("NOT_FOUND", "input.userEmails.1")),
        ({"userEmails": []}, ("BAD_USER_INPUT", "input.userUuids")),
        ({"userUuids": [UNKNOWN]}, ("NOT_FOUND", "input.userUuids.0")),
    ):
        assert await site.refused("addDatasetUsers", {**given, **wrong}) == [refusal]
    taken = {"datasetUuid": uuid, "userEmails": [first, "nobody@example.org"]}
    users = (await site.done("removeDatasetUsers", taken, USERS, second))["dataset"]["users"]
    assert {edge["node"]["email"] for edge in users["edges"]} == {"admin@localhost", second}
    for mutation, input in (("addDatasetUsers", given), ("removeDatasetUsers", taken)):
        assert await site.refused(mutation, input, stranger) == [("NOT_FOUND", "input.datasetUuid")]
        assert await site.refused(mutation, {**input, "datasetUuid": UNKNOWN}) == [("NOT_FOUND", "input.datasetUuid")]
    await site.done("addDatasetUsers", {"datasetUuid": uuid, "userEmails": [stranger], "role": "USER"}, USERS)
    assert await site.refused("removeDatasetUsers", taken, stranger) == [("FORBIDDEN", "input.datasetUuid")]


async def test_a_job_fills_a_dataset(shared_site: Site) -> None:
    """Items of the job are added as they are created, and each names its data row.

    Inventory: ENC-DOP-07, ENC-DJOB, ENC-DINFO.
    """
    site, folder = shared_site, await shared_site.folder("filled")
    uuid = await create_dataset(site, "Filled")
    files = [File("a.txt", "PLAIN_TEXT", b"filled"), File("b.png", "IMAGE", b"no image")]
    text, image = await send_files(site, folder, files)
    wanted = {"text": [{"placeholderUuid": text}], "images": [{"placeholderUuid": image}]}
    job = await start_upload_job(site, folder, wanted, datasetUuid=uuid, ignoreErrors=True)
    await wait_for_job(site, job)
    seen = (await site.ask(JOB, {"u": job}))["uploadJob"]
    counts = [seen[f"units{name}Count"] for name in ("Pending", "Done", "Error", "Cancelled")]
    assert (seen["status"], counts, len(seen["unitErrors"])) == ("DONE", [0, 1, 1, 0], 1)
    (row,), (created,) = seen["dataset"]["dataRows"]["nodes"], seen["itemsWithNames"]
    assert (created["itemUuid"], created["name"]) == (text, "a.txt")
    assert row == {"uuid": created["dataRowUuid"], "item": {"uuid": text, "name": "a.txt"}}
    locations = f'{{ dataset(uuid: "{uuid}") {{ storageLocations }} }}'
    assert (await site.ask(locations))["dataset"] == {"storageLocations": ["STOREGRAPH"]}
    await site.done("deleteDataset", {"datasetUuid": uuid}, "removedDataRowsCount")
    seen = (await site.ask(JOB, {"u": job}))["uploadJob"]
    assert (seen["dataset"], seen["itemsWithNames"]) == (None, [{**created, "dataRowUuid": None}])


async def test_a_job_is_refused_for_datasets_that_it_may_not_fill(shared_site: Site) -> None:
    """Mirrors are refused, as are datasets that are missing, hidden or read-only for the user."""
    site, folder = shared_site, await shared_site.folder("unfilled")
    group = await site.group("fillers")
    await site.user("filler@example.org", groups=[group])
    await site.grant(folder, group, "USER")
    plain, mirror = (
        await create_dataset(site, "Plain"),
        await create_dataset(site, "Mirror", createBackingFolder=True),
    )
    (uuid,) = await send_files(site, folder, [File("c.txt", "PLAIN_TEXT", b"unfilled")])
    given = {"folderUuid": folder, "items": {"text": [{"placeholderUuid": uuid}]}}
    for chosen, code in ((UNKNOWN, "NOT_FOUND"), (mirror, "CONFLICT")):
        refused = await site.refused("startUploadJob", {**given, "datasetUuid": chosen})
        assert refused == [(code, "input.datasetUuid")]
    mine = {**given, "datasetUuid": plain}
    assert await site.refused("startUploadJob", mine, "filler@example.org") == [("NOT_FOUND", "input.datasetUuid")]
    viewer = {"datasetUuid": plain, "userEmails": ["filler@example.org"], "role": "VIEWER"}
    await site.done("addDatasetUsers", viewer, USERS)
    assert await site.refused("startUploadJob", mine, "filler@example.org") == [("FORBIDDEN", "input.datasetUuid")]


async def test_a_data_row_shows_the_metadata_of_its_item(shared_site: Site) -> None:
    """Metadata of each data row is stored once, with the item.

    Inventory: ENC-DROW, ENC-DIMG, SUB-140.
    """
    site, folder = shared_site, await shared_site.folder("rows")
    uuids = await send_files(site, folder, [File(f"{number}.png", "IMAGE", PNG) for number in range(2)])
    group = {"title": "Both", "clientMetadata": {"k": 1}, "images": [{"placeholderUuid": uuid} for uuid in uuids]}
    uuid = await create_dataset(site, "Rows")
    await wait_for_job(site, await start_upload_job(site, folder, {"imageGroups": [group]}, datasetUuid=uuid))
    (row,) = (await site.ask(ROWS, {"u": uuid}))["dataset"]["dataRows"]["nodes"]
    item = row["item"]
    assert (item["name"], item["itemType"], item["clientMetadata"]) == ("Both", "IMAGE_GROUP", {"k": 1})
    assert (item["width"], item["height"], item["url"], item["signedUrl"]) == (None, None, None, None)
    images = item["children"]["nodes"]
    assert [image["name"] for image in images] == ["0.png", "1.png"]
    for image in images:
        assert (image["width"], image["height"], image["mimeType"], image["fileSize"]) == (1, 1, "image/png", len(PNG))
        assert (image["storageLocation"], image["url"][:14]) == ("STOREGRAPH", "storegraph:///")
        assert image["signedUrl"]["url"].startswith("http")
        assert image["createdAt"] <= image["lastEditedAt"]
