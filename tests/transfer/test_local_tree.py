"""Names of a site on a local disk: nothing leaves the directory."""

from pathlib import Path

import pytest

from gateway.transfer.local_tree import LocalTree


def test_files_are_put_into_the_directories_of_their_folders(tmp_path: Path) -> None:
    tree = LocalTree(tmp_path)
    assert tree.file(("a", "b"), "c.txt") == tmp_path / "a" / "b" / "c.txt"
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("name", ["..", "/etc", "a/b", "../../x", "\\\\host\\share", "a\0b", "", "."])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    tree = LocalTree(tmp_path / "top")
    for path in (tree.folder((name,)), tree.file((name, name), name), tree.file((), name)):
        assert path.resolve().is_relative_to(tmp_path / "top")
        assert path != tmp_path / "top"


def test_links_out_of_the_directory_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "a").symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError, match="symbolic link"):
        LocalTree(tmp_path / "top").file(("a",), "x")


@pytest.mark.parametrize("reason", ["is a symbolic link", "is not a directory"])
def test_a_folder_that_is_refused_stays_refused(tmp_path: Path, reason: str) -> None:
    """Asked again, it does not take a second name, at which nobody expects files."""
    way = tmp_path / "top" / "a"
    way.parent.mkdir()
    if "link" in reason:
        way.symlink_to(tmp_path)
    else:
        way.write_text("a file")
    tree = LocalTree(tmp_path / "top")
    for names in (("a",), ("a",), ("a", "b"), ("a", "b")):
        with pytest.raises(NotADirectoryError, match=f"{way} {reason}"):
            tree.folder(names)
        with pytest.raises(NotADirectoryError, match=f"{way} {reason}"):
            tree.file(names, "x")
    assert list((tmp_path / "top").iterdir()) == [way]


def test_the_directory_that_is_given_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "top").symlink_to(tmp_path / "real")
    assert LocalTree(tmp_path / "top").file(("a",), "x") == tmp_path / "top" / "a" / "x"


def test_names_that_differ_in_case_only_stay_apart(tmp_path: Path) -> None:
    tree = LocalTree(tmp_path)
    paths = [tree.file(("A",), "x"), tree.file(("a",), "x"), tree.file(("A",), "X")]
    assert len({str(path).casefold() for path in paths}) == 3
