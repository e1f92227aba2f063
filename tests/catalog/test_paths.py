"""The grammar of paths: what is written is read again, and all else is refused with a reason."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.catalog.rules.names import MAX_NAME
from gateway.catalog.rules.paths import read_path, write_path
from gateway.errors import DomainError, ErrorCode

NAMES = st.text("aÅé./\\~%\u0301 ", min_size=1, max_size=6).filter(lambda name: name not in (".", ".."))


@given(st.lists(NAMES, min_size=1, max_size=67))
@example(["/", "\\", "\\/", "//"])
def test_written_paths_are_read_again(names: list[str]) -> None:
    """Whatever the names contain, and with or without a slash at the end."""
    path, read = write_path(names), [unicodedata.normalize("NFC", name) for name in names]
    assert read_path(path) == read
    assert read_path(f"{path}/") == read


@given(st.lists(NAMES, min_size=1, max_size=8))
def test_composed_and_decomposed_names_are_the_same(names: list[str]) -> None:
    path = write_path(names)
    assert read_path(unicodedata.normalize("NFD", path)) == read_path(unicodedata.normalize("NFC", path))


@given(st.text("a./\\é\u0301\n ", max_size=20) | st.text(max_size=200))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    """What is read can be written again, and means the same."""
    try:
        names = read_path(text, "path")
    except DomainError as error:
        assert (error.code, error.path) == (ErrorCode.BAD_USER_INPUT, ("path",))
    else:
        assert names
        assert read_path(write_path(names)) == names


@pytest.mark.parametrize(
    "path",
    ["", "/", "//", "a", "a/b", "/a//b", "//a", "/a\\", r"/a\b", r"\/a", "/a/..", "/./a", "/" + "x" * (MAX_NAME + 1)],
)
def test_malformed_paths_are_refused(path: str) -> None:
    with pytest.raises(DomainError) as refusal:
        read_path(path, "path")
    assert refusal.value.code is ErrorCode.BAD_USER_INPUT


def test_only_slashes_and_backslashes_are_escaped() -> None:
    assert read_path(r"/a\/b/c\\d/e f") == ["a/b", r"c\d", "e f"]
    assert write_path(["a/b", r"c\d", "e f"]) == r"/a\/b/c\\d/e f"
