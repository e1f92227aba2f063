"""Which files are announced together."""

from pathlib import Path

import pytest

from gateway.transfer.batches import Batches, LargeLeaves
from gateway.transfer.local_files import LocalFile, Unsent, local_files
from tests.fixtures.transfers import write_files


def batches_of(top: Path, size: int, leaves: LargeLeaves | None = LargeLeaves.SPLIT) -> list[list[str]]:
    batches = Batches(local_files([top]), size, leaves)
    taken = iter(batches.take, [])
    return [[each.name.removeprefix("top/") for each in batch if isinstance(each, LocalFile)] for batch in taken]


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6])
def test_each_batch_shows_which_directories_are_leaves(tmp_path: Path, size: int) -> None:
    """A batch that has files of a directory has all of them, or the directory itself."""
    names = ["a", "b", "one/c", "one/d", "one/in/e", "one/in/f", "two/g"]
    batches = batches_of(write_files(tmp_path / "top", *names), size)
    assert [name for batch in batches for name in batch if name[-1:] not in ("", "/")] == names
    for batch in batches:
        assert len(batch) <= size
        assert len(set(batch)) == len(batch)
        assert ("" in batch) == bool({"a", "b"}.intersection(batch))
        assert ("one/" in batch) == bool({"one/c", "one/d"}.intersection(batch))
        assert ("one/in/e" in batch) == ("one/in/f" in batch)


def test_files_that_need_not_stay_together_fill_batches(tmp_path: Path) -> None:
    top = write_files(tmp_path / "top", "one/a", "one/b", "one/c", "two/d")
    assert batches_of(top, 2, None) == [["one/a", "one/b"], ["one/c", "two/d"]]


def test_a_leaf_is_as_large_as_two_batches_at_most(tmp_path: Path) -> None:
    top = write_files(tmp_path / "top", "a/1", "b/1", "b/2", "b/3", "b/4", "c/1", "c/2", "c/3", "c/4", "c/5")
    whole = [["a/1"], ["b/1", "b/2", "b/3", "b/4"]]
    assert batches_of(top, 2) == [*whole, ["c/1", "c/2", "c/3", "c/4"], ["c/5"]]
    walk = Batches(local_files([top]), 2, LargeLeaves.REFUSE)
    entries = [each for batch in iter(walk.take, []) for each in batch]
    assert [each.name for each in entries if isinstance(each, LocalFile)] == [
        "top/a/1",
        *(f"top/b/{n}" for n in range(1, 5)),
    ]
    reason = "Its directory has more than 4 files, which cannot become one item."
    assert entries[-5:] == [Unsent(f"top/c/{number}", reason, is_failure=True) for number in range(1, 6)]


def test_files_that_are_named_are_no_leaf(tmp_path: Path) -> None:
    top = write_files(tmp_path / "top", "1", "2", "3")
    batches = Batches(local_files(sorted(top.iterdir())), 1, LargeLeaves.REFUSE)
    assert [len(batch) for batch in iter(batches.take, [])] == [1, 1, 1]
