"""Inputs of which exactly one field is set: `@oneOf`."""

from typing import TypeVar

from strawberry import UNSET

T = TypeVar("T")


def set_value(value: T | None) -> T | None:
    """Return the value of a field of a `@oneOf` input; None if another field is set."""
    return None if value is UNSET else value
