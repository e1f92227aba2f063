"""Values in filters and arguments that conditions only bind: a statement for one serves all others.

Times and UUIDs in filters are always bound. Other fields say so in their metadata, and arguments in
their declaration.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from gateway.models.base import fold

LONGEST = 64
"""The most characters of a text that is bound, which every field allows."""
_WILDCARDS = frozenset("*?")
_DIGEST = re.compile("[0-9a-fA-F]{64}")


class BoundValue(NamedTuple):
    """A way of conditions to bind a value.

    Attributes:
        forms: what makes what they bind of the value; constants may follow a text.
        suits: whether they treat the value like any other that suits.
    """

    forms: tuple[Callable[[Any], Any], ...]
    suits: Callable[[Any], bool] = lambda _value: True


_KEY = "bound_value"
_compose = partial(unicodedata.normalize, "NFC")


FOLDED = BoundValue((fold,))
# Shorter texts have no trigrams, and are searched for in another way.
PART_OF_NAME = BoundValue((fold,), lambda text: len(fold(text)) >= 3)
NAME = BoundValue((_compose, fold))
DIGEST = BoundValue((str.lower,), lambda text: _DIGEST.fullmatch(text) is not None)
AS_IS = BoundValue((lambda value: value,))
PATTERN = BoundValue((str,), _WILDCARDS.isdisjoint)
# Keys of users ignore case; those of UUIDs refuse other texts.
METADATA_TEXT = BoundValue((str, fold), lambda text: not _is_uuid(text))


def bound_as(value: BoundValue) -> dict[str, BoundValue]:
    """Return the metadata of a field whose value is bound that way."""
    return {_KEY: value}


def bound_value_of(metadata: Mapping[str, BoundValue]) -> BoundValue | None:
    """Return how the value of a field is bound, given the field's metadata; None if it is not."""
    return metadata.get(_KEY)


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False
