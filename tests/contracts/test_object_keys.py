"""Keys cannot escape the store, nor file names and media types their headers."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.stores.base import BadKey, MissingObject
from gateway.stores.headers import disposition_header, safe_media_type
from gateway.stores.keys import new_key, object_directory, parts_directory, validate_object_key


def test_new_keys_are_valid_and_unique() -> None:
    keys = {new_key() for _ in range(1_000)}
    assert len(keys) == 1_000
    assert all(validate_object_key(key) == key and len(key) == 32 for key in keys)


def test_key_has_one_place() -> None:
    assert object_directory("abcdef") == "ab"
    assert parts_directory("abcdef", "0123") == "abcdef.0123"


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "../x",
        "..\\x",
        "/x",
        "a/b",
        "a.b",
        "a\0",
        "a\n",
        "-a",
        "_a",
        "~",
        "%2e%2e",
        "C:",
        "ß",
        "٣",
        "a" * 129,
    ],
)
def test_hostile_keys_have_no_path(key: str) -> None:
    with pytest.raises(BadKey):
        object_directory(key)
    with pytest.raises(BadKey):
        parts_directory(key, "0")
    with pytest.raises(BadKey):
        parts_directory("0", key)


def test_bad_key_counts_as_missing_object() -> None:
    assert issubclass(BadKey, MissingObject)


@given(st.text() | st.text("ab09-_./", max_size=130))
@example("../../etc/passwd")
def test_a_path_stays_in_the_store(key: str) -> None:
    root = Path("/root-of-the-store")
    try:
        path = root / object_directory(key) / key
    except BadKey:
        return
    assert path.resolve() == path and path.parents[1] == root and path.name == key


@given(st.text())
@example('a"\r\nSet-Cookie: x=1')
@example("\ud800")
@example("n" * 100_000)
def test_a_disposition_is_one_plain_line(name: str) -> None:
    header = disposition_header(name)
    assert disposition_header(name, is_inline=True) == header.replace("attachment", "inline", 1)
    assert header.isascii() and header.isprintable() and len(header) < 2_500
    quoted, extended = header.removeprefix('attachment; filename="').split("\"; filename*=UTF-8''")
    assert not set(quoted) & set('"\\%;/')
    assert unquote(extended) and not set(unquote(extended)) & set("/\\\r\n\0\u202e")


def test_file_names_are_preserved() -> None:
    assert (
        disposition_header("scan 7.nii.gz")
        == "attachment; filename=\"scan 7.nii.gz\"; filename*=UTF-8''scan%207.nii.gz"
    )
    assert disposition_header("Röntgen; 100%.png").endswith("''R%C3%B6ntgen%3B%20100%25.png")
    assert disposition_header("x" * 500 + ".tar.gz").endswith("xx.tar.gz")
    assert disposition_header(" .gitkeep. ") == "attachment; filename=\".gitkeep\"; filename*=UTF-8''.gitkeep"
    assert disposition_header("...") == "attachment; filename=\"download\"; filename*=UTF-8''download"


@pytest.mark.parametrize(
    "text",
    [
        *("image/png", "application/vnd.a+json", "text/plain; charset=utf-8", "video/mp4"),
        *('video/webm;codecs="vp8,opus"', 'audio/ogg ; codecs="a \\" b"; x=y', "text/x; a='b"),
    ],
)
def test_media_types_are_preserved(text: str) -> None:
    assert safe_media_type(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "png",
        "a/b;c",
        "a/b;c=",
        'a/b; c="d',
        'a/b; c="d"e',
        'a/b; c="é"',
        "a/b\r\nX: 1",
        "text/html;",
        "ä/b",
        "a/b, c/d",
        "a/" + "b" * 500,
        "a /b",
        "a/b\n",
    ],
)
def test_invalid_media_types_become_octet_stream(text: str) -> None:
    assert safe_media_type(text) == "application/octet-stream"
