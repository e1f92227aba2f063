"""Names of a site on a local disk: nothing leaves the directory."""

from pathlib import Path

import pytest

from gateway.transfer.local_tree import LocalTree, SiteDirectory, Way


def way(*names: str) -> Way:
    """Return the way through folders, each of which is the only one of its name."""
    return tuple(SiteDirectory(name, name) for name in names)


def test_files_are_put_into_the_directories_of_their_folders(tmp_path: Path) -> None:
    tree = LocalTree(tmp_path)
    assert tree.file(way("a", "b"), "c.txt") == tmp_path / "a" / "b" / "c.txt"
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("name", ["..", "/etc", "a/b", "../../x", "\\\\host\\share", "a\0b", "", "."])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    tree = LocalTree(tmp_path / "top")
    for path in (tree.folder(way(name)), tree.file(way(name, name), name), tree.file((), name)):
        assert path.resolve().is_relative_to(tmp_path / "top")
        assert path != tmp_path / "top"


def test_links_out_of_the_directory_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "a").symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError, match="symbolic link"):
        LocalTree(tmp_path / "top").file(way("a"), "x")


@pytest.mark.parametrize("reason", ["is a symbolic link", "is not a directory"])
def test_a_folder_that_is_refused_stays_refused(tmp_path: Path, reason: str) -> None:
    """Asked again, it does not take a second name, at which nobody expects files."""
    obstacle = tmp_path / "top" / "a"
    obstacle.parent.mkdir()
    if "link" in reason:
        obstacle.symlink_to(tmp_path)
    else:
        obstacle.write_text("a file")
    tree = LocalTree(tmp_path / "top")
    for names in (("a",), ("a",), ("a", "b"), ("a", "b")):
        with pytest.raises(NotADirectoryError, match=f"{obstacle} {reason}"):
            tree.folder(way(*names))
        with pytest.raises(NotADirectoryError, match=f"{obstacle} {reason}"):
            tree.file(way(*names), "x")
    assert list((tmp_path / "top").iterdir()) == [obstacle]


def test_the_directory_that_is_given_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "top").symlink_to(tmp_path / "real")
    assert LocalTree(tmp_path / "top").file(way("a"), "x") == tmp_path / "top" / "a" / "x"


def test_names_that_differ_in_case_only_stay_apart(tmp_path: Path) -> None:
    tree = LocalTree(tmp_path)
    paths = [tree.file(way(folder), name) for folder, name in (("A", "x"), ("a", "x"), ("A", "X"))]
    assert len({str(path).casefold() for path in paths}) == 3


def test_folders_of_one_name_have_directories_of_their_own(tmp_path: Path) -> None:
    """Also if names become one here; asked for again, each has its own."""
    folders = [
        SiteDirectory("1", "a:b"),
        SiteDirectory("2", "a?b"),
        SiteDirectory("3", "a_b"),
        SiteDirectory("4", "A_B"),
        SiteDirectory("5", "a_b"),
    ]
    expected = ["a_b", "a_b (1)", "a_b (2)", "A_B (3)", "a_b (4)"]
    for _ in range(2):
        tree = LocalTree(tmp_path)
        for _ in range(2):
            assert [tree.folder((folder,)).name for folder in folders] == expected
        assert [tree.file((folder,), "x") for folder in folders] == [tmp_path / name / "x" for name in expected]


def test_nothing_is_created_if_that_is_not_wanted(tmp_path: Path) -> None:
    tree = LocalTree(tmp_path / "top", creates=False)
    assert tree.file(way("a", "b"), "c") == tmp_path / "top" / "a" / "b" / "c"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotADirectoryError, match="is not a directory"):
        LocalTree(tmp_path, creates=False).file(way("file", "b"), "c")
