"""Further attributes of folders and of their datasets and groups: times, types, counters and orders."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.media import samples
from tests.fixtures.items import create_dataset, upload_group, upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

COUNTERS = "files videos imageGroups dicomFiles dicomSeries niftis audios pdfs images"
PAGE = "nodes { name } pageInfo { hasNextPage endCursor } totalCount"
LISTED = f"""query($order: StorageOrder, $first: Int, $after: String) {{
  storageFolders(orderBy: $order, first: $first, after: $after) {{ {PAGE} }} }}"""
GROUP = "uuid name description createdAt"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


def is_between(start: datetime, moment: str, end: datetime) -> bool:
    """Return whether the site's timestamp lies in between, to the millisecond."""
    millisecond = timedelta(milliseconds=1)
    return start - millisecond <= datetime.fromisoformat(moment) <= end + millisecond


async def test_a_folder_has_its_creation_time_and_type(site: Site) -> None:
    """Edits change neither; clients create GENERIC folders.

    Inventory: ENC-FOLDER-07, ENC-FOLDER-12.
    """
    facts = "createdAt folderType"
    start = datetime.now(UTC)
    uuid = await site.folder("facts")
    created = await site.see("storageFolder", uuid, facts)
    assert is_between(start, created["createdAt"], datetime.now(UTC))
    assert created["folderType"] == "GENERIC"
    await site.done("updateStorageFolder", {"folderUuid": uuid, "name": "edited"}, "folder { uuid }")
    assert await site.see("storageFolder", uuid, facts) == created


async def test_each_kind_has_its_counter(site: Site) -> None:
    """Items of each kind move into a folder one by one.

    Inventory: ENC-FSUM-03, ENC-FSUM-05, ENC-FSUM-07 to ENC-FSUM-11.
    """
    folder, other = await site.folder("kinds"), await site.folder("counted")
    files = [
        File("a.webm", "VIDEO", samples.webm(0.2)),
        File("b.nii.gz", "NIFTI", samples.nifti((4, 4, 4))),
        File("c.wav", "AUDIO", samples.wav(0.1)),
        File("d.pdf", "PDF", samples.pdf(1)),
    ]
    video, nifti, audio, pdf = await upload_items(site, folder, files)
    series, (slice_,) = await upload_group(site, folder, [File("e.dcm", "DICOM_FILE", samples.dicom_file(study=31))])
    group, (image,) = await upload_group(site, folder, [File("f.png", "IMAGE", samples.png(seed=31))])
    expected = dict.fromkeys(COUNTERS.split(), 0)
    kinds = {"videos": video, "niftis": nifti, "audios": audio, "pdfs": pdf, "dicomFiles": slice_, "images": image}
    for name, uuid in {**kinds, "dicomSeries": series, "imageGroups": group}.items():
        await site.done("moveStorageItems", {"itemUuids": [uuid], "newParentUuid": other}, "folder { uuid }")
        expected = {**expected, name: 1, "files": expected["files"] + (name in kinds)}
        result = await site.see("storageFolder", other, f"summary {{ {COUNTERS} }}")
        assert result["summary"] == expected, name


async def test_a_mirror_and_its_folder_name_each_other(site: Site) -> None:
    """Folder, dataset and item refer to each other; hidden references are null.

    Inventory: ENC-FOLDER-10, ENC-PATH-04, ENC-DSET-08, ENC-CLIENT-24; ENC-DSHORT-02.
    """
    team, who = await site.group("mirrors"), "mirrors@example.org"
    await site.user(who, groups=[team])
    top = await site.folder("top")
    folder = await site.folder("mirrored", top)
    (item,) = await upload_items(site, folder, [File("m.txt", "PLAIN_TEXT", b"mirrored")])
    mirror, plain = (
        await create_dataset(site, "mirror", backingFolderUuid=folder),
        await create_dataset(site, "plain", [item]),
    )
    backing = "backingFolder { uuid name } backingFolderUuid"
    named = {"backingFolder": {"uuid": folder, "name": "mirrored"}, "backingFolderUuid": folder}
    assert await site.see("dataset", mirror, backing) == named
    assert await site.see("dataset", plain, backing) == dict.fromkeys(named)
    ways = "mirrorDatasetUuid mirrorDataset { title } pathToRoot { name mirrorDatasetUuid }"
    path = [{"name": "mirrored", "mirrorDatasetUuid": mirror}, {"name": "top", "mirrorDatasetUuid": None}]
    seen = {"mirrorDatasetUuid": mirror, "mirrorDataset": {"title": "mirror"}, "pathToRoot": path}
    assert await site.see("storageFolder", folder, ways) == seen
    usages = "summary { accessibleDatasets { dataset { uuid } backingFolderUuid } }"
    used = (await site.see("storageItem", item, usages))["summary"]["accessibleDatasets"]
    assert {entry["dataset"]["uuid"]: entry["backingFolderUuid"] for entry in used} == {mirror: folder, plain: None}
    await site.grant(folder, team, "VIEWER")
    hidden = {**dict.fromkeys(seen), "pathToRoot": [{"name": "mirrored", "mirrorDatasetUuid": None}]}
    assert await site.see("storageFolder", folder, ways, who) == hidden


async def test_a_data_row_has_a_stable_uuid_and_creation_time(site: Site) -> None:
    """Data rows keep their UUID and time; an item has the time of its first row.

    Inventory: ENC-DSET-04, ENC-DROW-01, ENC-DROW-04; ENC-DSHORT-05.
    """
    (item,) = await upload_items(site, await site.folder("rows"), [File("r.txt", "PLAIN_TEXT", b"rows")])
    start = datetime.now(UTC)
    uuid = await create_dataset(site, "rows")
    created = datetime.now(UTC)
    rows = []
    for _ in range(2):
        link = {"datasetUuid": uuid, "itemUuids": [item], "duplicatesBehavior": "DUPLICATE"}
        rows += (await site.done("linkItemsToDataset", link, "dataRows { uuid createdAt }"))["dataRows"]
    result = await site.see("dataset", uuid, "createdAt dataRows { nodes { uuid createdAt } }")
    assert is_between(start, result["createdAt"], created)
    assert result["dataRows"]["nodes"] == rows
    assert is_between(created, rows[0]["createdAt"], datetime.now(UTC))
    assert rows[0]["createdAt"] < rows[1]["createdAt"]
    usages = "summary { accessibleDatasets { dataRowUuids dataRowsCreatedAt } }"
    (usage,) = (await site.see("storageItem", item, usages))["summary"]["accessibleDatasets"]
    assert usage["dataRowsCreatedAt"] == rows[0]["createdAt"]
    assert sorted(usage["dataRowUuids"]) == sorted(row["uuid"] for row in rows)


async def test_folders_are_ordered_and_paged(site: Site) -> None:
    """Folders are listed by each field in both directions, page by page.

    Inventory: ENC-QFOLD-06, ENC-QFOLD-07, ENC-QFOLD-08, ENC-QFOLD-09.
    """
    who = "pages@example.org"
    await site.user(who)
    uuids = {name: await site.folder(name, who=who) for name in ("b", "C", "a")}
    edit = {"folderUuid": uuids["C"], "description": "edited last"}
    await site.done("updateStorageFolder", edit, "folder { uuid }", who)
    orders = {"NAME": "abC", "CREATED_AT": "bCa", "LAST_EDITED_AT": "baC"}
    for field, order in orders.items():
        for direction, expected in (("ASC", order), ("DESC", order[::-1])):
            result, cursor, has_next = "", None, True
            while has_next:
                requests = {"order": {"field": field, "direction": direction}, "first": 2, "after": cursor}
                page = (await site.ask(LISTED, requests, who))["storageFolders"]
                assert (len(page["nodes"]), page["totalCount"]) == (1 if result else 2, 3)
                result += "".join(node["name"] for node in page["nodes"])
                cursor, has_next = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
            assert result == expected, (field, direction)


async def test_a_group_is_shown_alone_and_in_lists(site: Site) -> None:
    """A group has the same attributes on its own and in the list of groups.

    Inventory: ENC-CLIENT-13, ENC-FGROUP-04, ENC-QGRP-04, ENC-QGRP-05, ENC-QGRP-12.
    """
    start = datetime.now(UTC)
    wanted = {"name": "facts of groups", "description": "told at once"}
    payload = (await site.done("createGroup", wanted, f"group {{ {GROUP} }}"))["group"]
    assert {key: payload[key] for key in wanted} == wanted
    assert is_between(start, payload["createdAt"], datetime.now(UTC))
    renamed = {**payload, "name": "renamed facts"}
    change = {"groupUuid": payload["uuid"], "name": renamed["name"]}
    assert (await site.done("updateGroup", change, f"group {{ {GROUP} }}"))["group"] == renamed
    assert await site.see("group", payload["uuid"], GROUP) == renamed
    every = (await site.ask(f"{{ groups(first: 1000) {{ nodes {{ {GROUP} }} }} }}"))["groups"]["nodes"]
    assert renamed in every
    assert await site.see("group", await site.folder("no group"), GROUP) is None
    folder = await site.folder("granted")
    await site.grant(folder, payload["uuid"], "VIEWER")
    groups = (await site.see("storageFolder", folder, f"groups {{ nodes {{ {GROUP} }} }}"))["groups"]
    assert groups["nodes"] == [renamed]
