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


def test_names_that_differ_in_case_only_stay_apart(tmp_path: Path) -> None:
    tree = LocalTree(tmp_path)
    paths = [tree.file(("A",), "x"), tree.file(("a",), "x"), tree.file(("A",), "X")]
    assert len({str(path).casefold() for path in paths}) == 3
