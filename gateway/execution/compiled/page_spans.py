"""The rows of several pages in one list, and the place of each page in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.execution.compiled.merged_rows import Row
from gateway.execution.pagination import NO_ROWS, PageRequest, Total

Span = tuple[int, int, bool, bool, Total, Sequence[Any]]
"""One page among the rows of all pages: start, end, has_next, has_previous, total, values."""


def flatten(
    keys: list[Any],
    rows_by_key: Mapping[Any, list[Row]],
    totals: Mapping[Any, Total],
    values: Sequence[Sequence[Any]],
    request: PageRequest,
) -> tuple[list[Row], list[Span]]:
    """Return the rows of all pages in one list, and the span of each page in it."""
    flat: list[Row] = []
    spans = []
    for key, of_page in zip(keys, values, strict=True):
        rows = rows_by_key.get(key, ())
        more, past = len(rows) > request.size, request.cursor is not None
        has_next, has_previous = (past, more) if request.backwards else (more, past)
        start = len(flat)
        nodes = rows[: request.size]
        flat.extend(nodes[::-1] if request.backwards else nodes)
        spans.append((start, len(flat), has_next, has_previous, totals.get(key, NO_ROWS), of_page))
    return flat, spans
