"""Imports of trees: folders and placeholders for many files at once, and a job that takes them all."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.sites import Site
from tests.fixtures.uploading import TARGET, send, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENTRY = f"path state nameOutcome folderUuid itemUuid target {{ {TARGET} }}"
PATHS = ("a.txt", "scans/one/1.txt", "scans/one/2.txt", "scans/readme", r"scans/odd\\name\/.bin", "empty/")
Files = Mapping[str, bytes | None]


def tree(seed: str) -> dict[str, bytes | None]:
    """Return a tree of files whose bytes no other tree has."""
    return {
        path: None if path.endswith("/") and not path.endswith(r"\/") else f"{seed} {path}".encode() for path in PATHS
    }


def entries(files: Files) -> list[dict[str, Any]]:
    """Return the entries of files with their digests, and of directories."""
    return [
        {"path": path}
        if data is None
        else {"path": path, "fileSize": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in files.items()
    ]


async def announce(site: Site, folder: str, files: Files, who: str = "admin", **more: Any) -> dict[str, Any]:
    """Import a tree, without its bytes, and return the payload; `entries` are by path."""
    wanted = {"folderUuid": folder, "entries": entries(files), **more}
    payload = await site.done("importTree", wanted, f"importUuid entries {{ {ENTRY} }}", who)
    return {**payload, "entries": {entry["path"]: entry for entry in payload["entries"]}}


async def send_all(site: Site, imported: dict[str, Any], files: Files) -> int:
    """Send the bytes that are expected, and return the number of files sent."""
    targets = [
        (entry["target"], files[path] or b"")
        for path, entry in imported["entries"].items()
        if entry["target"] and entry["target"]["url"]
    ]
    await asyncio.gather(*(send(site, target, data) for target, data in targets))
    return len(targets)


async def start(site: Site, folder: str, imported: dict[str, Any], who: str = "admin") -> dict[str, Any]:
    """Start the job of an import and wait for it."""
    wanted = {"folderUuid": folder, "importUuid": imported["importUuid"]}
    payload = await site.done("startUploadJob", wanted, "uploadJob { uuid }", who)
    return await wait_for_job(site, payload["uploadJob"]["uuid"], who)


async def import_files(site: Site, folder: str, files: Files, who: str = "admin", **more: Any) -> dict[str, Any]:
    """Import a tree with its bytes, and return the payload of its announcement."""
    imported = await announce(site, folder, files, who, **more)
    await send_all(site, imported, files)
    if imported["importUuid"]:
        job = await start(site, folder, imported, who)
        assert (job["status"], job["errors"]) == ("DONE", [])
    return imported


async def contents(site: Site, path: str, who: str = "admin") -> dict[str, Any]:
    """Return the paths below a folder, with the digests of files."""
    document = """query($path: String!) {
      resourceByPath(path: $path) {
        ... on StorageFolder {
          descendantFolders(first: 1000) { nodes { path } }
          descendantItems(first: 1000) { nodes { path sha256 } }
        }
      }
    }"""
    seen = (await site.ask(document, {"path": path}, who))["resourceByPath"]
    below = {node["path"][len(path) + 1 :]: node["sha256"] for node in seen["descendantItems"]["nodes"]}
    return {**below, **{node["path"][len(path) + 1 :] + "/": None for node in seen["descendantFolders"]["nodes"]}}


def expected(files: Files) -> dict[str, Any]:
    """Return what `contents` returns of an imported tree."""
    digests = {path: None if data is None else hashlib.sha256(data).hexdigest() for path, data in files.items()}
    for path in files:
        parts = path.replace(r"\/", "").split("/")[:-1]
        digests |= {"/".join(parts[:depth]) + "/": None for depth in range(1, len(parts) + 1)}
    return digests


async def test_a_tree_is_imported_in_three_requests(shared_site: Site) -> None:
    """MID-SRV-08, GIR-CMP-03: folders, an empty one too, and files wherever they are."""
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


async def test_a_second_run_sends_nothing(shared_site: Site) -> None:
    """Folders are used again, files with the same bytes are left alone."""
    site, top = shared_site, await shared_site.folder("twice")
    files = tree("twice")
    first = await import_files(site, top, files, ifNameTaken="REUSE")
    second = await announce(site, top, {**files, "new/x": b"x"}, ifNameTaken="REUSE")
    assert await send_all(site, second, {**files, "new/x": b"x"}) == 1
    for path, entry in first["entries"].items():
        same = second["entries"][path]
        assert (same["itemUuid"], same["folderUuid"]) == (entry["itemUuid"], entry["folderUuid"])
        assert same["nameOutcome"] == "REUSED"
        assert same["state"] == ("FOLDER" if entry["itemUuid"] is None else "UNCHANGED")
    await start(site, top, second)
    assert await contents(site, "/twice") == expected({**files, "new/x": b"x"})
    third = await announce(site, top, files, ifNameTaken="REUSE")
    assert third["importUuid"] is None


async def test_an_interrupted_import_goes_on(shared_site: Site) -> None:
    """What was announced and not sent gets a target again; what has changed since, another placeholder."""
    site, top = shared_site, await shared_site.folder("interrupted")
    files = tree("interrupted")
    first = await announce(site, top, files, ifNameTaken="REUSE")
    await send(site, first["entries"]["a.txt"]["target"], files["a.txt"] or b"")
    changed = {**files, "scans/readme": b"interrupted and changed"}
    second = await announce(site, top, changed, ifNameTaken="REUSE")
    for path, entry in second["entries"].items():
        assert (entry["itemUuid"] == first["entries"][path]["itemUuid"]) == (path != "scans/readme")
    missing = {**second, "entries": {path: each for path, each in second["entries"].items() if path != "a.txt"}}
    await send_all(site, missing, changed)
    await start(site, top, second)
    assert await contents(site, "/interrupted") == expected(changed)
    assert await site.refused("startUploadJob", {"folderUuid": top, "importUuid": first["importUuid"]})


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


@pytest.mark.parametrize("rule", ["REUSE", "RENAME"])
async def test_imports_at_once_make_one_tree_or_many(shared_site: Site, rule: str) -> None:
    """Many that reuse make one folder and one placeholder of each name; none is lost."""
    site, top, writers = shared_site, await shared_site.folder(f"at once {rule}"), 20
    files = {"d/e/x": f"{rule} x".encode(), "y": f"{rule} y".encode()}
    imports = await asyncio.gather(*(announce(site, top, files, ifNameTaken=rule) for _ in range(writers)))
    items = {entry["itemUuid"] for each in imports for entry in each["entries"].values()}
    folders = {entry["folderUuid"] for each in imports for entry in each["entries"].values()}
    assert (len(items), len(folders)) == ((2, 2) if rule == "REUSE" else (2 * writers, writers + 1))
    counted = await site.see("storageFolder", top, "summary(recursive: true) { folders placeholders }")
    assert counted["summary"] == {"folders": 2 if rule == "REUSE" else 2 * writers, "placeholders": len(items)}


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
