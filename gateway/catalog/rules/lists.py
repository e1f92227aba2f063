"""Rules for lists in requests."""

from collections.abc import Sequence
from typing import Any

from gateway.errors import Path, bad_input


def check_unique(values: Sequence[Any], path: Path, *field: str) -> None:
    """Raise a `DomainError` if a value is listed twice.

    The error's path is the index of the second, followed by `field`.
    """
    first: dict[Any, int] = {}
    for index, value in enumerate(values):
        if first.setdefault(value, index) != index:
            message = f"Duplicate of the value at position {first[value]}."
            raise bad_input(message, *path, index, *field)
