"""A site, and a directory to upload to it."""

from pathlib import Path

import pytest

from gateway.media import samples
from tests.fixtures.sites import Site


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Directory with files of several kinds, nested and empty directories, and odd names."""
    top = tmp_path / "local" / "Scans"
    contents = {
        "a.png": samples.png(8, 8),
        "b.txt": b"text",
        "none.bin": b"",
        "inner/deep/c.bin": bytes(range(256)) * 9000,
        "inner/ä ö.txt": "ü".encode(),
        "inner/back\\slash.txt": b"odd",
        "inner/.hidden": b"hidden",
    }
    for name, content in contents.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (top / "empty" / "nested").mkdir(parents=True)
    return top
