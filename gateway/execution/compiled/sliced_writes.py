"""Long answers are written in slices, between which other tasks of the event loop run."""

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.database.fair_slots import FairSlots
from gateway.execution.compiled.plan import Write

SLICE_ROWS = 250
"""Rows that are written at once, which takes one to three milliseconds."""
_VIEWERS = 4
"""Viewers whose long answers are written in the same turns of the event loop."""


class SlicedWrites:
    """Writes of long answers, of which each viewer has one at a time."""

    def __init__(self) -> None:
        self._turns = FairSlots(_VIEWERS, 1, "writing")

    async def rows(self, write: Write, rows: Sequence[Any], results: Sequence[Any]) -> list[Any]:
        """Return what the response holds for rows."""
        written: list[Any] = []
        async with self._turns.slot():
            for start in range(0, len(rows), SLICE_ROWS):
                written += write(rows[start : start + SLICE_ROWS], *results)
                await asyncio.sleep(0)
        return written

    async def pages(
        self,
        write: Write,
        rows: Sequence[Any],
        spans: Sequence[tuple[Any, ...]],
        cursor: Any,
        results: Sequence[Any],
    ) -> list[Any]:
        """Return what the response holds for pages, each a span of rows; none is cut."""
        written: list[Any] = []
        async with self._turns.slot():
            first = 0
            while first < len(spans):
                base, last = spans[first][0], first + 1
                while last < len(spans) and spans[last][1] - base <= SLICE_ROWS:
                    last += 1
                moved = [
                    (start - base, end - base, *rest) for start, end, *rest in spans[first:last]
                ]
                written += write(rows[base : spans[last - 1][1]], moved, cursor, *results)
                first = last
                await asyncio.sleep(0)
        return written
