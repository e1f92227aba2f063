"""Own and further rows of a page, which two statements read, in the order of the page."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cmp_to_key
from typing import Any

from gateway.execution.compiled.value_conversion import column_parser
from gateway.execution.pagination import PageRequest

Row = tuple[Any, ...]
"""A row as the driver gives it."""


def merged_rows(
    own: Sequence[Row], further: Sequence[Row], width: int, request: PageRequest
) -> list[Row]:
    """Return the first rows of a page, and one more, each with its first `width` columns.

    Both lists are in order, and end with the order's two columns. These are compared as the
    databases do: texts by code point, and nulls come last.
    """
    order = request.order
    parse_main, parse_last = column_parser(order.column), column_parser(order.last)
    sign = -1 if order.descending != request.backwards else 1
    null_sign = -1 if request.backwards else 1

    def compare(row: Row, other: Row) -> int:
        main, other_main = row[-2], other[-2]
        if (main is None) != (other_main is None):
            return null_sign if main is None else -null_sign
        if main != other_main:
            return sign if parse_main(main) > parse_main(other_main) else -sign
        return sign if parse_last(row[-1]) > parse_last(other[-1]) else -sign

    key = cmp_to_key(compare)
    page: list[Row] = []
    start = 0
    for row in further:
        end = bisect_right(own, key(row), start, key=key)
        page += [each[:width] for each in own[start:end]]
        page.append(row[:width])
        start = end
    page += [each[:width] for each in own[start:]]
    return page[: request.size + 1]
