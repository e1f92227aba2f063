"""A fixture that probes bytes as if they were an uploaded file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.media.errors import MediaError
from gateway.media.probe import probe

Probed = Callable[..., MediaFacts]
Refusal = Callable[..., str]


@pytest.fixture
def probed(tmp_path: Path) -> Probed:
    """Return the facts of these bytes."""

    def facts(
        data: bytes,
        item_type: StorageItemType,
        name: str = "upload.bin",
        parsing: Mapping[str, Any] | None = None,
    ) -> MediaFacts:
        path = tmp_path / "stored"
        path.write_bytes(data)
        return probe(path, item_type, name, parsing)

    return facts


@pytest.fixture
def refusal(probed: Probed, tmp_path: Path) -> Refusal:
    """Return the reason for which these bytes are refused; it must not name the path of the file."""

    def message(data: bytes, item_type: StorageItemType, *arguments: Any) -> str:
        with pytest.raises(MediaError) as refused:
            probed(data, item_type, *arguments)
        assert str(tmp_path) not in str(refused.value)
        return str(refused.value)

    return message
