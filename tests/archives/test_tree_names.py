"""Names of entries are safe on every file system, and differ within their directory."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.tree_names import MAX_BYTES, UsedNames, clash_key, safe_name

NASTY = ["", ".", "..", "a/b", "a\\b", "../../etc/passwd", "C:\\x", "con", "NUL.txt", "com1", "LPT9.tar.gz", "aux .x"]
FORBIDDEN = set('/\\<>:"|?*') | {chr(code) for code in range(32)} | {"\x7f"}
_names = st.one_of(
    st.text(max_size=300), st.sampled_from(NASTY), st.text(alphabet="aA.( 1)é\u0301/ß\u202e", max_size=8)
)


def is_reserved(name: str) -> bool:
    """Return whether Windows takes a name for that of a device."""
    stem = name.split(".")[0].rstrip(" ").upper()
    return stem in {"CON", "PRN", "AUX", "NUL"} or (
        stem[:3] in {"COM", "LPT"} and stem[3:].isdigit() and len(stem) == 4
    )


def check(name: str) -> None:
    """Assert that a name is safe."""
    assert name not in ("", ".", "..")
    assert not FORBIDDEN & set(name)
    assert len(name.encode()) <= MAX_BYTES
    assert not name.endswith((" ", "."))
    assert not is_reserved(name)
    assert unicodedata.is_normalized("NFC", name) or len(name.encode()) > MAX_BYTES - 8


@given(_names)
@example("x" * 300 + ".nii.gz")
@example("é" * 200)
@example("\ud800")
@example("a" * 252 + " .b")
@settings(derandomize=True, deadline=None)
def test_every_name_becomes_safe(name: str) -> None:
    safe = safe_name(name)
    check(safe)
    assert safe_name(safe) == safe


@given(st.lists(_names, max_size=30))
@example(["a.txt", "A.txt", "a (1).txt", "A (1).TXT"])
@example(["x" * 255, "X" * 255, "x" * 300])
@settings(derandomize=True, deadline=None)
def test_names_differ_within_their_directory(names: list[str]) -> None:
    used = UsedNames("ERRORS.txt")
    given_names = [used.add(name) for name in names]
    for name in given_names:
        check(name)
    assert len({clash_key(name) for name in [*given_names, "ERRORS.txt"]}) == len(names) + 1


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("scan.nii.gz", "scan.nii.gz"),
        ("日本語 (draft).pdf", "日本語 (draft).pdf"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "_"),
        ("../x", ".._x"),
        (".hidden", ".hidden"),
        ("con", "_con"),
        ("Con.txt", "_Con.txt"),
        ("console", "console"),
        ("name. ", "name"),
        ("cafe\u0301", "café"),
        ("y" * 300 + ".dcm", "y" * 250 + ".dcm"),
    ],
)
def test_most_names_stay_as_they_are(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_equal_names_are_numbered_before_their_extension() -> None:
    used = UsedNames()
    assert [used.add(name) for name in ("a.txt", "A.txt", "a.TXT", "a", "a")] == [
        "a.txt",
        "A (1).txt",
        "a (2).TXT",
        "a",
        "a (1)",
    ]


def test_many_equal_names_take_no_longer_each() -> None:
    """Each goes on from the number of the last."""
    used = UsedNames()
    names = {used.add("image.dcm") for _ in range(50_000)}
    assert len(names) == 50_000
    assert "image (49999).dcm" in names


@given(st.lists(_names, min_size=1, max_size=5))
@settings(derandomize=True, deadline=None, max_examples=30)
def test_files_stay_within_their_directory(names: list[str]) -> None:
    top = Path("/srv/target")
    used = UsedNames()
    path = top
    for name in names:
        path = path / used.add(name)
    assert path.resolve().is_relative_to(top)
