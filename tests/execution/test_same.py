"""Both executors give the same bytes for every document."""

from typing import Any

import pytest

from tests.execution.world import Both, World
from tests.house.sources import ROOT

DOCUMENTS = sorted([*(ROOT / "tests" / "queries").glob("*.graphql"), *(ROOT / "tests" / "execution" / "corpus").glob("*.graphql")])


def variables_of(text: str, world: World) -> list[dict[str, Any]]:
    """Values for the variables that a document names."""
    sets = []
    for number in range(4):
        known: dict[str, Any] = {
            "folder": str(world.folders[number]),
            "items": [str(uuid) for uuid in world.items[: number * 3]],
            "text": ["a", "stra", "", "ph"][number],
            "item": str(world.items[number]),
            "yes": number % 2 == 0,
            "no": number > 1,
            "first": number + 1,
        }
        sets.append({name: value for name, value in known.items() if f"${name}:" in text})
    return sets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.stem)
async def test_a_document_has_one_answer(pair: Both, document: Any) -> None:
    text = document.read_text()
    for variables in variables_of(text, pair.world):
        for who in pair.world.viewers:
            quick, slow = await pair.bodies(text, variables, who)
            assert quick == slow, (who, variables)
    print(pair.compiled.counted, pair.compiled.reasons)
    assert "# interpreted" in text or not pair.compiled.reasons, pair.compiled.reasons
