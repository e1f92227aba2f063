"""Names of downloaded folders and files that a file system refuses, or that others have already."""

from pathlib import Path

import pytest

from gateway.transfer.download import download_tree
from gateway.transfer.events import FileOutcome
from gateway.transfer.site import Site as Client
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.transfers import contents, download, upload
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_odd_names_of_directories_are_changed_once(site: Site, tmp_path: Path) -> None:
    """Each directory has its files, and is listed if it has another name."""
    given = ["a:b?", "a:b?/CON", "CON", "dot.", "x" * 255, "Case", "case", "e\u0301"]
    back = ["a_b_", "a_b_/_CON", "_CON", "dot", "x" * 254, "Case", "case (1)", "é"]
    top = tmp_path / "odd"
    for name in given:
        (top / name).mkdir(parents=True)
        (top / name / "x.txt").write_text(name)
    await site.folder("odd directories")
    await upload(site, top, "odd directories")
    async with Client(site.url, site.keys["admin"]) as client:
        report = await download_tree(client, "/odd directories/odd", tmp_path / "back")
    expected: dict[str, bytes | None] = dict.fromkeys(back)
    expected |= {f"{new}/x.txt": old.encode() for old, new in zip(given, back, strict=True)}
    assert contents(tmp_path / "back" / "odd") == expected
    assert not report.failures
    assert report.renamed == {
        "odd/a:b?": "it is called a_b_ here",
        "odd/a_b_/CON": "it is called _CON here",
        "odd/CON": "it is called _CON here",
        "odd/dot.": "it is called dot here",
        f"odd/{'x' * 255}": f"it is called {'x' * 254} here",
        "odd/case": "it is called case (1) here",
    }


async def test_folders_whose_names_become_one_stay_apart(site: Site, tmp_path: Path) -> None:
    """Also those of the same name, in the order of their creation; a second download finds them."""
    top = await site.folder("alike folders")
    for number, name in enumerate(["b?", "b:", "b_", "b_", "B_"]):
        folder = await site.folder(name, top)
        for below in ("c?", "c*"):
            inner = await site.folder(below, folder)
            await upload_items(site, inner, [File("x", "FILE", f"{number}{below}".encode())])
        await site.folder("empty", folder)
    expected: dict[str, bytes | None] = {}
    for number, name in enumerate(["b_", "b_ (1)", "b_ (2)", "b_ (3)", "B_ (4)"]):
        expected |= dict.fromkeys([name, f"{name}/empty", f"{name}/c_", f"{name}/c_ (1)"])
        expected |= {f"{name}/c_/x": f"{number}c?".encode(), f"{name}/c_ (1)/x": f"{number}c*".encode()}
    counts = await download(site, "/alike folders", tmp_path)
    assert counts[FileOutcome.FETCHED] == 10
    assert contents(tmp_path / "alike folders") == expected
    again = await download(site, "/alike folders", tmp_path)
    assert again == {FileOutcome.RENAMED: counts[FileOutcome.RENAMED], FileOutcome.UNCHANGED: 10}
    assert contents(tmp_path / "alike folders") == expected


async def test_items_whose_names_become_one_stay_apart(site: Site, tmp_path: Path) -> None:
    """Items of several files, items of one, and a folder, all of one name."""
    top = await site.folder("alike items")
    await site.folder("leaf_", top)
    for number, name in enumerate(["leaf?", "leaf*", "leaf_", "leaf_"]):
        local = tmp_path / str(number) / name
        local.mkdir(parents=True)
        for file in "xy":
            (local / file).write_text(f"{number}{file}")
        await upload(site, local, "alike items", leaf_folders_as_items=True, allow_duplicates=True)
    await upload_items(site, top, [File("leaf|", "FILE", b"one file")])
    expected: dict[str, bytes | None] = {"leaf_": None, "leaf_ (5)": b"one file"}
    for own, number in enumerate([1, 0, 2, 3], 1):
        name = f"leaf_ ({own})"
        expected |= {name: None, f"{name}/x": f"{number}x".encode(), f"{name}/y": f"{number}y".encode()}
    for outcome in (FileOutcome.FETCHED, FileOutcome.UNCHANGED):
        counts = await download(site, "/alike items", tmp_path / "back")
        assert counts[outcome] == 9
        assert contents(tmp_path / "back" / "alike items") == expected
