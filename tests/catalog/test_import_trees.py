"""Trees of entries: any list of paths is a tree, or has errors at its entries."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.rules.import_trees import read_entry_path, read_tree
from gateway.errors import DomainError, ErrorCode

NAMES = st.sampled_from(["a", "b", "é", "e\u0301", "..", ".", "", r"\/", "\\", " ", "x" * 1001])
PATHS = st.lists(NAMES, max_size=66).map("/".join) | st.text("ab./\\é\u0301\n", max_size=12)


@given(st.lists(PATHS, max_size=12))
def test_any_paths_are_a_tree_or_refused(texts: list[str]) -> None:
    """Each file of a tree is in one directory, and each directory in the one above it."""
    paths = []
    for text in texts:
        try:
            paths.append(read_entry_path(text, "path"))
        except DomainError as error:
            assert error.code is ErrorCode.BAD_USER_INPUT
    directories, errors = read_tree(paths, "entries")
    assert {error.code for error in errors} <= {ErrorCode.BAD_USER_INPUT}
    assert all(branch[:-1] in directories for branch in directories)
    if not errors:
        files = [index for directory in directories.values() for index in directory.files]
        assert sorted(files) == [index for index, path in enumerate(paths) if not path.is_directory]
        assert not {path.branch for path in paths if not path.is_directory} & directories.keys()
