"""Names with numbers: before the extension, and never too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.rules.names import MAX_NAME
from gateway.catalog.rules.numbered_names import numbered_name


@pytest.mark.parametrize(
    ("name", "numbered"),
    [
        ("scan", "scan (2)"),
        ("scan.dcm", "scan (2).dcm"),
        ("a.b.dcm", "a.b (2).dcm"),
        ("brain.nii.gz", "brain (2).nii.gz"),
        (".gz", ".gz (2)"),
        (".bashrc", ".bashrc (2)"),
        ("a.", "a. (2)"),
        ("v1.0 final", "v1.0 final (2)"),
        ("scan (1).dcm", "scan (1) (2).dcm"),
        ("1.2.840.10008", "1.2.840 (2).10008"),
    ],
)
def test_numbers_precede_extensions(name: str, numbered: str) -> None:
    assert numbered_name(name, 2) == numbered
    assert numbered_name(name, 2, is_folder=True) == f"{name} (2)"


@given(st.text(min_size=1, max_size=MAX_NAME) | st.integers(1, MAX_NAME).map("x.".__mul__), st.booleans())
def test_numbered_names_differ_and_are_valid(name: str, is_folder: bool) -> None:
    names = [numbered_name(name[:MAX_NAME], number, is_folder=is_folder) for number in range(1, 30)]
    assert len({*names, name}) == 30
    assert max(map(len, names)) <= MAX_NAME
