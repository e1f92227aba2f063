"""Imports that run again: what is there is used, and only what is missing or has changed is sent."""

import asyncio
import hashlib
from typing import Any

import pytest

from tests.fixtures.sites import Site
from tests.fixtures.trees import (
    announce,
    contents,
    expected,
    files_of,
    import_files,
    send_all,
    start,
    tree,
)
from tests.fixtures.uploading import send

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_second_run_sends_nothing(shared_site: Site) -> None:
    """Folders are used again, files with the same bytes are left alone (MID-API-09, MID-API-10, SUB-121)."""
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


async def test_changed_files_become_new_revisions(shared_site: Site) -> None:
    """The item stays, its older bytes too, and nothing else is sent."""
    site, top = shared_site, await shared_site.folder("changed")
    files = tree("changed")
    first = await import_files(site, top, files, ifNameTaken="REUSE")
    item = first["entries"]["scans/readme"]["itemUuid"]
    for number in (2, 3):
        files["scans/readme"] = f"changed {number}".encode()
        second = await announce(site, top, files, ifNameTaken="REUSE")
        entry = second["entries"]["scans/readme"]
        assert (entry["state"], entry["itemUuid"]) == ("REVISION", item)
        assert await send_all(site, second, files) == 1
        job = await start(site, top, second)
        assert (job["status"], job["errors"], job["unitsDoneCount"]) == ("DONE", [], 1)
        assert (await site.see("storageItem", item, "revisionNumber"))["revisionNumber"] == number
        assert await contents(site, "/changed") == expected(files)
    counted = await site.see("storageFolder", top, "summary(recursive: true) { placeholders }")
    assert counted["summary"]["placeholders"] == 0


async def test_an_interrupted_revision_goes_on(shared_site: Site) -> None:
    """The same bytes are expected where they were; names of such placeholders are free."""
    site, top = shared_site, await shared_site.folder("revised")
    await import_files(site, top, {"a": b"revised 1"})
    announced = [await announce(site, top, {"a": b"revised 2"}, ifNameTaken="REUSE") for _ in range(2)]
    first, second = (each["entries"]["a"]["target"]["itemUuid"] for each in announced)
    assert first == second
    other = await announce(site, top, {"a": b"revised 3"}, ifNameTaken="REUSE")
    assert other["entries"]["a"]["target"]["itemUuid"] != first
    await send_all(site, announced[1], {"a": b"revised 2"})
    await start(site, top, announced[1])
    assert await contents(site, "/revised") == expected({"a": b"revised 2"})


async def test_leaf_directories_are_imported_again(shared_site: Site) -> None:
    """What is new is added, what has changed is in a new revision, and nothing else is sent."""
    site, top = shared_site, await shared_site.folder("leaf again")
    files: dict[str, bytes | None] = {f"d/{name}": f"leaf {name}".encode() for name in "abc"}
    more: dict[str, Any] = {"leafFoldersAsItems": True, "ifNameTaken": "REUSE"}
    interrupted = await announce(site, top, files, **more)
    first = await announce(site, top, files, **more)
    assert [entry["target"]["itemUuid"] for entry in first["entries"].values()] == [
        entry["target"]["itemUuid"] for entry in interrupted["entries"].values()
    ]
    await send_all(site, first, files)
    await start(site, top, first)
    files |= {"d/b": b"leaf changed", "d/z": b"leaf new"}
    second = await announce(site, top, files, **more)
    assert {path: entry["state"] for path, entry in second["entries"].items()} == {
        "d/a": "UNCHANGED",
        "d/b": "REVISION",
        "d/c": "UNCHANGED",
        "d/z": "NEW",
    }
    assert await send_all(site, second, files) == 2
    job = await start(site, top, second)
    assert (job["status"], job["errors"]) == ("DONE", [])
    number, names = await files_of(site, second["entries"]["d/a"]["itemUuid"])
    assert number == 2
    assert names == {path[2:]: hashlib.sha256(data or b"").hexdigest() for path, data in files.items()}
    third = await announce(site, top, files, **more)
    assert third["importUuid"] is None


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
