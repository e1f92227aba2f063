"""Imports of trees: folders and placeholders for many files at once, and a job that takes them all."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.sites import Site
from tests.fixtures.trees import (
    ENTRY,
    announce,
    contents,
    entries,
    expected,
    files_of,
    import_files,
    send_all,
    start,
    tree,
)
from tests.fixtures.uploading import wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_tree_is_imported_in_three_requests(shared_site: Site) -> None:
    """Folders, an empty one too, and files wherever they are (MID-API-05, MID-API-07, SUB-122)."""
    site, top = shared_site, await shared_site.folder("imported")
    files = tree("imported")
    imported = await announce(site, top, files)
    states = {path: entry["state"] for path, entry in imported["entries"].items()}
    assert states == {path: "FOLDER" if data is None else "NEW" for path, data in files.items()}
    assert await send_all(site, imported, files) == 5
    job = await start(site, top, imported)
    assert (job["status"], job["unitsDoneCount"], job["errors"]) == ("DONE", 5, [])
    assert await contents(site, "/imported") == expected(files)
    again = await site.refused("startUploadJob", {"folderUuid": top, "importUuid": imported["importUuid"]})
    assert again == [("NOT_FOUND", "input.importUuid")]


async def test_leaf_directories_become_items(shared_site: Site) -> None:
    """With their files in name order; empty ones are folders (MID-API-08, MID-API-11, SUB-122)."""
    site, top = shared_site, await shared_site.folder("leaves")
    more = {"scans/one/10.txt": b"leaves 10", "scans/deep/leaf/b": b"leaves b", "scans/deep/leaf/a": b"leaves a"}
    files = {**tree("leaves"), **more}
    imported = await import_files(site, top, files, leafFoldersAsItems=True)
    leaf = {entry["itemUuid"] for path, entry in imported["entries"].items() if path.startswith("scans/one/")}
    assert len(leaf) == 1
    number, names = await files_of(site, leaf.pop())
    assert (number, list(names)) == (1, ["1.txt", "10.txt", "2.txt"])
    seen = await contents(site, "/leaves")
    assert {path for path in seen if path.endswith("/")} == {"empty/", "scans/", "scans/deep/"}
    assert {path for path in seen if not path.endswith("/")} == {
        "a.txt",
        "scans/readme",
        r"scans/odd\\name\/.bin",
        "scans/one",
        "scans/deep/leaf",
    }


async def test_a_directory_that_has_an_entry_is_no_leaf(shared_site: Site) -> None:
    """Its subdirectories may come with another request."""
    site, top = shared_site, await shared_site.folder("listed")
    files = {"d/": None, "d/x": b"listed x", "d/e/": None, "d/e/s.dcm": b"", "f/y": b"listed y"}
    imported = await announce(site, top, files, leafFoldersAsItems=True, dicomSeries=True)
    states = {path: entry["state"] for path, entry in imported["entries"].items()}
    assert (states["d/"], states["d/e/"]) == ("FOLDER", "FOLDER")
    for path in ("d", "d/e", "f"):
        kind = (await site.ask(f'{{ resourceByPath(path: "/listed/{path}") {{ __typename }} }}'))["resourceByPath"]
        assert kind == {"__typename": "FileItem" if path == "f" else "StorageFolder"}


async def test_an_item_of_a_kind_is_no_directory(shared_site: Site) -> None:
    site, top = shared_site, await shared_site.folder("no directory")
    text = {"folderUuid": top, "entries": [{**entries({"d": b"text"})[0], "itemType": "PLAIN_TEXT"}]}
    payload = await site.done("importTree", text, f"importUuid entries {{ {ENTRY} }}")
    await send_all(site, {"entries": {entry["path"]: entry for entry in payload["entries"]}}, {"d": b"text"})
    await start(site, top, payload)
    wanted = {"folderUuid": top, "entries": entries({"d/x": b"x"}), "leafFoldersAsItems": True, "ifNameTaken": "REUSE"}
    assert await site.refused("importTree", wanted) == [("CONFLICT", "input.entries.0.path")]


async def test_names_that_are_taken(shared_site: Site) -> None:
    site, top = shared_site, await shared_site.folder("taken")
    await import_files(site, top, {"d/x.txt": b"1", "y.txt": b"2"})
    files = {"d/x.txt": b"3", "y.txt": b"4"}
    refused = {"folderUuid": top, "entries": entries(files), "ifNameTaken": "REFUSE"}
    assert await site.refused("importTree", refused) == [
        ("CONFLICT", f"input.entries.{index}.path") for index in (0, 1)
    ]
    renamed = await import_files(site, top, files, ifNameTaken="RENAME")
    assert [entry["nameOutcome"] for entry in renamed["entries"].values()] == ["AS_GIVEN", "RENAMED"]
    assert await contents(site, "/taken") == expected(
        {"d/x.txt": b"1", "y.txt": b"2", "d (1)/x.txt": b"3", "y (1).txt": b"4"}
    )


async def test_directories_of_dicom_files_become_series(shared_site: Site) -> None:
    """Only those that contain nothing else."""
    site, top = shared_site, await shared_site.folder("dicom")
    slices = {
        f"ct/{name}/{number}.dcm": samples.dicom_file(7, series, number)
        for series, name in enumerate(("axial", "mixed"))
        for number in range(1, 4)
    }
    await import_files(site, top, {**slices, "ct/mixed/notes.txt": b"notes"}, dicomSeries=True)
    listed = "items { nodes { name __typename children { totalCount } } }"
    folders = {
        path: await site.ask(
            f"query($p: String!) {{ resourceByPath(path: $p) {{ ... on StorageFolder {{ {listed} }} }} }}", {"p": path}
        )
        for path in ("/dicom/ct/axial", "/dicom/ct/mixed")
    }
    series = [
        [node for node in answer["resourceByPath"]["items"]["nodes"] if node["__typename"] == "DicomSeriesItem"]
        for answer in folders.values()
    ]
    assert series == [[{"name": "axial", "__typename": "DicomSeriesItem", "children": {"totalCount": 3}}], []]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("", {}),
        ("/absolute", {}),
        ("a//b", {}),
        ("../a", {}),
        ("a/../b", {}),
        ("./a", {}),
        (r"windows\a", {}),
        ("x" * 1001, {}),
        ("a/\n", {}),
        (" /a", {}),
        ("twin", {}),
        ("twi\u0301n/..", {}),
        ("twin/below", {}),
    ],
)
async def test_bad_paths_are_refused_at_their_entry(shared_site: Site, path: str, more: dict[str, Any]) -> None:
    site, top = shared_site, await shared_site.folder("refused")
    wanted = {"folderUuid": top, "entries": [{"path": "twin", "fileSize": 1}, {"path": path, "fileSize": 1, **more}]}
    index = 0 if path == "twin/below" else 1
    assert await site.refused("importTree", wanted) == [("BAD_USER_INPUT", f"input.entries.{index}.path")]
    assert (await site.see("storageFolder", top, "items(filter: {includePlaceholders: true}) { totalCount }"))[
        "items"
    ] == {"totalCount": 0}


async def test_all_errors_are_reported(shared_site: Site) -> None:
    """Each at its field; directories have no size, files have one, and folders are 64 levels deep at most."""
    site, top = shared_site, await shared_site.folder("all errors")
    wanted = [{"path": "a"}, {"path": "b/", "fileSize": 1}, {"path": "c", "fileSize": 1, "sha256": "x"}]
    refused = await site.refused("importTree", {"folderUuid": top, "entries": wanted})
    assert [path for _, path in refused] == [
        f"input.entries.{index}.{name}" for index, name in enumerate(("fileSize", "fileSize", "sha256"))
    ]
    deep = {"folderUuid": top, "entries": [{"path": "d/" * 64}]}
    assert await site.refused("importTree", deep) == [("LIMIT_EXCEEDED", "input.entries.0.path")]
    many = {"folderUuid": top, "entries": [{"path": f"{number}/"} for number in range(2001)]}
    assert await site.refused("importTree", many) == [("LIMIT_EXCEEDED", "input.entries")]


async def test_composed_and_decomposed_directories_are_one(shared_site: Site) -> None:
    site, top = shared_site, await shared_site.folder("forms")
    imported = await announce(site, top, {"\u00e9/a": b"1", "e\u0301/b": b"2"})
    assert len({entry["folderUuid"] for entry in imported["entries"].values()}) == 1


async def test_a_replay_returns_the_same(shared_site: Site) -> None:
    """Also when the job has begun: nothing is announced twice."""
    site, top = shared_site, await shared_site.folder("replayed")
    files = tree("replayed")
    first = await announce(site, top, files, idempotencyKey="import")
    second = await announce(site, top, files, idempotencyKey="import")
    uuids = [[entry["itemUuid"] for entry in each["entries"].values()] for each in (first, second)]
    assert uuids[0] == uuids[1]
    assert first["importUuid"] == second["importUuid"]
    await send_all(site, second, files)
    await start(site, top, second)
    third = await announce(site, top, files, idempotencyKey="import")
    assert third["importUuid"] is None
    assert {bool(entry["target"]) for entry in third["entries"].values()} == {False}


async def test_a_thousand_files_take_three_requests(shared_site: Site) -> None:
    """Two thousand entries fit into one."""
    site, top = shared_site, await shared_site.folder("thousand")
    files = {f"{number % 40}/{number % 7}/{number}.txt": f"thousand {number}".encode() for number in range(1000)}
    imported = await announce(site, top, files)
    assert {entry["state"] for entry in imported["entries"].values()} == {"NEW"}
    again = await announce(site, top, files, ifNameTaken="REUSE")
    assert [entry["itemUuid"] for entry in again["entries"].values()] == [
        entry["itemUuid"] for entry in imported["entries"].values()
    ]


async def test_a_job_leaves_files_of_an_import_out(shared_site: Site) -> None:
    """They stay as they are, and another import and job can take them."""
    site, top = shared_site, await shared_site.folder("left out")
    files = {"a.txt": b"left out a", "b.txt": b"left out b"}
    imported = await announce(site, top, files)
    placeholder = imported["entries"]["b.txt"]["target"]["itemUuid"]
    await send_all(site, imported, {"a.txt": files["a.txt"], "b.txt": files["b.txt"]})
    wanted = {"folderUuid": top, "importUuid": imported["importUuid"], "exceptItemUuids": [placeholder]}
    job = await wait_for_job(
        site, (await site.done("startUploadJob", wanted, "uploadJob { uuid }"))["uploadJob"]["uuid"]
    )
    assert (job["status"], job["unitsDoneCount"]) == ("DONE", 1)
    assert await contents(site, "/left out") == expected({"a.txt": files["a.txt"]})
    assert await site.refused("startUploadJob", wanted) == [("NOT_FOUND", "input.importUuid")]
    again = await announce(site, top, files, ifNameTaken="REUSE")
    assert again["entries"]["b.txt"]["target"]["itemUuid"] == placeholder
    assert (await start(site, top, again))["status"] == "DONE"
    assert await contents(site, "/left out") == expected(files)
    wanted = {"folderUuid": top, "items": {"text": []}, "exceptItemUuids": [placeholder]}
    assert await site.refused("startUploadJob", wanted) == [("BAD_USER_INPUT", "input.exceptItemUuids")]
    wanted = {"folderUuid": top, "importUuid": imported["importUuid"], "exceptItemUuids": [placeholder] * 2001}
    assert await site.refused("startUploadJob", wanted) == [("LIMIT_EXCEEDED", "input.exceptItemUuids")]
