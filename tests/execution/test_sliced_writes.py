"""Long answers are the same as if they were written at once, and leave turns to other tasks."""

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.execution.compiled.sliced_writes import SLICE_ROWS, SlicedWrites

ROWS = list(range(3 * SLICE_ROWS + 7))
SPANS = [(0, 0, "a"), (0, 100, "b"), (100, 500, "c"), (500, 510, "d"), (510, 510, "e"), (510, len(ROWS), "f")]


def write_rows(rows: Sequence[int], factors: dict[int, int]) -> list[int]:
    return [row * factors[row] for row in rows]


def write_pages(rows: Sequence[int], spans: Sequence[Any], cursor: Any, factors: dict[int, int]) -> list[Any]:
    written = write_rows(rows, factors)
    return [(name, cursor, written[start:end]) for start, end, name in spans]


async def test_slices_add_up_to_the_whole() -> None:
    factors, sliced = {row: row % 7 for row in ROWS}, SlicedWrites()
    assert await sliced.rows(write_rows, ROWS, [factors]) == write_rows(ROWS, factors)
    pages = await sliced.pages(write_pages, ROWS, SPANS, "cursor", [factors])
    assert pages == write_pages(ROWS, SPANS, "cursor", factors)


async def test_answers_of_a_viewer_are_written_one_after_the_other() -> None:
    """A viewer with many long answers takes one slice of each turn of the loop."""
    sliced, log = SlicedWrites(), []

    def write(rows: Sequence[str], name: str) -> list[str]:
        log.append(name)
        return list(rows)

    async def answer(viewer: str, name: str) -> None:
        ON_BEHALF_OF.set(viewer)
        await sliced.rows(write, ["row"] * (2 * SLICE_ROWS), [name])

    await asyncio.gather(answer("a", "a1"), answer("a", "a2"), answer("b", "b1"))
    assert log == ["a1", "b1", "a1", "b1", "a2", "a2"]
