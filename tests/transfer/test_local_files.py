"""Which files of a directory are sent, and in which order."""

import os
from pathlib import Path

import pytest

from gateway.transfer.local_files import LocalFile, Unsent, local_files, sha256_of


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "Scans"
    for name in ("b.txt", "a.txt", ".hidden", "inner/deep/z.txt", "inner/y.txt", "A/x.txt"):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (top / "empty").mkdir()
    return top


def names(tree: Path, *exclude: str) -> list[str]:
    return [each.name for each in local_files([tree], exclude) if isinstance(each, LocalFile)]


def test_entries_come_by_name_and_files_before_directories(tree: Path) -> None:
    """MID-API-07, MID-API-11; a directory that has both is listed before them."""
    assert names(tree) == [
        "Scans/",
        "Scans/.hidden",
        "Scans/a.txt",
        "Scans/b.txt",
        "Scans/A/x.txt",
        "Scans/empty/",
        "Scans/inner/",
        "Scans/inner/y.txt",
        "Scans/inner/deep/z.txt",
    ]


def test_excluded_entries_are_left_out(tree: Path) -> None:
    assert names(tree, "Scans/inner/*", "A", ".*", "[ac].txt") == ["Scans/", "Scans/b.txt", "Scans/empty/"]


def test_directories_of_excluded_entries_are_left_out(tree: Path) -> None:
    """Those that are empty on the disk are not."""
    assert names(tree, "*.txt") == ["Scans/", "Scans/.hidden", "Scans/empty/"]
    assert names(tree, "*.txt", ".hidden", "empty") == []
    (tree / "A" / "link").symlink_to(tree)
    assert names(tree, "x.txt", "inner", "?.txt", ".*") == ["Scans/empty/"]


def test_links_and_special_files_are_skipped(tree: Path) -> None:
    """SUB-122: also in a directory that becomes an item."""
    (tree / "link").symlink_to(tree / "a.txt")
    (tree / "A" / "loop").symlink_to(tree)
    os.mkfifo(tree / "pipe")
    unsent = {each for each in local_files([tree]) if isinstance(each, Unsent)}
    assert unsent == {
        Unsent("Scans/link", "symbolic link", is_failure=False),
        Unsent("Scans/A/loop", "symbolic link", is_failure=False),
        Unsent("Scans/pipe", "special file", is_failure=False),
    }


def test_a_link_that_is_named_is_followed(tree: Path) -> None:
    link = tree.parent / "link"
    link.symlink_to(tree)
    assert names(link) == names(tree)


def test_names_that_are_not_utf_8_fail(tree: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tree) + b"/\xff.txt"))).write_text("")
    [unsent] = [each for each in local_files([tree]) if isinstance(each, Unsent)]
    assert unsent == Unsent("Scans/?.txt", "Its name is not valid UTF-8.", is_failure=True)


def test_directories_that_are_nested_too_deep_fail(tmp_path: Path) -> None:
    path = tmp_path / "top"
    path.joinpath(*["d"] * 80).mkdir(parents=True)
    [unsent] = [each for each in local_files([path]) if isinstance(each, Unsent)]
    assert unsent.name.count("/") == 64
    assert unsent.is_failure


def test_paths_that_are_too_long_fail(tmp_path: Path) -> None:
    """What cannot be looked at is listed, and does not end the walk."""
    above = os.open(tmp_path, os.O_RDONLY)
    for name in ["top", *["d" * 255] * 17]:
        os.mkdir(name, dir_fd=above)
        below = os.open(name, os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(above)
    [unsent] = [each for each in local_files([tmp_path / "top"]) if isinstance(each, Unsent)]
    assert unsent.reason == "File name too long"


def test_files_can_be_sent_without_a_directory(tree: Path) -> None:
    found = list(local_files([tree / "b.txt", tree / "a.txt"]))
    assert [each.name for each in found] == ["b.txt", "a.txt"]
    assert isinstance(found[0], LocalFile)
    assert found[0].size == len("b.txt")


def test_two_paths_of_one_name_are_refused(tree: Path) -> None:
    with pytest.raises(ValueError, match="same name"):
        list(local_files([tree / "A", tree.parent / "Scans" / "A"]))


def test_sha256_is_that_of_the_bytes(tree: Path) -> None:
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    (tree / "hello").write_bytes(b"hello")
    assert sha256_of(tree / "hello") == digest


def test_a_directory_whose_directories_cannot_be_read_is_listed(tree: Path) -> None:
    """It does not seem to have files alone."""
    (tree / "A" / os.fsdecode(b"\xff")).mkdir()
    assert names(tree / "A") == ["A/", "A/x.txt"]
