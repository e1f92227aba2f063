"""Columns that are not selected are not read: large values cost only those who select them."""

import pytest

from tests.execution.world import Both


@pytest.mark.parametrize("field", ["clientMetadata", "description"])
async def test_only_selected_columns_are_read(pair: Both, field: str) -> None:
    """Large client metadata is not read for a list of names (SUB-033)."""
    seen: list[str] = []
    column = {"clientMetadata": "client_metadata"}.get(field, field)
    for selected, is_read in (("name", False), (f"name {field}", True)):
        seen.clear()
        text = f"query($u: UUID!) {{ storageFolder(uuid: $u) {{ items {{ nodes {{ {selected} }} }} }} }}"
        with pair.services.database.observing_statements(seen.append):
            quick, slow = await pair.bodies(text, {"u": str(pair.world.folders[0])}, "admin")
        assert quick == slow
        compiled = seen[: len(seen) // 2]
        assert any("file_size" in statement for statement in seen) and not any(
            "fps" in statement for statement in compiled
        )
        assert any(column in statement for statement in compiled) is is_read
