"""Rules for lists in requests."""

from collections.abc import Sequence
from typing import Any

from gateway.error_texts import listed_more_than_once
from gateway.errors import Path, bad_input


def check_unique(values: Sequence[Any], noun: str, path: Path, *field: str) -> None:
    """Raise a `DomainError` if a value is listed more than once.

    The error's path is the index of the second, followed by `field`. `noun` is what the message
    calls a value.
    """
    first: dict[Any, int] = {}
    for index, value in enumerate(values):
        if first.setdefault(value, index) != index:
            raise bad_input(listed_more_than_once(noun, first[value]), *path, index, *field)
