"""Texts in inputs that conditions bind as they are: a statement for one serves all others.

Fields of inputs have them as metadata if conditions depend on nothing else of the text.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from gateway.models.base import fold

LONGEST = 64
"""The most characters of a text that is bound, which every field allows."""
_WILDCARDS = frozenset("*?")
_DIGEST = re.compile("[0-9a-fA-F]{64}")


class BoundText(NamedTuple):
    """A way of conditions to bind a text.

    Attributes:
        forms: what makes the values that they bind of the text, some with a constant behind them.
        suits: whether they treat the text like any other that suits.
    """

    forms: tuple[Callable[[str], str], ...]
    suits: Callable[[str], bool] = lambda _text: True


_KEY = "bound_text"
_compose = partial(unicodedata.normalize, "NFC")


# Shorter texts have no trigrams, and are searched for in another way.
PART_OF_NAME = BoundText((fold,), lambda text: len(fold(text)) >= 3)
NAME = BoundText((_compose, fold))
DIGEST = BoundText((str.lower,), lambda text: _DIGEST.fullmatch(text) is not None)
EXACT = BoundText((str,))
PATTERN = BoundText((str,), _WILDCARDS.isdisjoint)


def bound_as(text: BoundText) -> dict[str, BoundText]:
    """Return the metadata of a field whose text is bound that way."""
    return {_KEY: text}


def bound_text_of(metadata: Mapping[str, BoundText]) -> BoundText | None:
    """Return how the text of a field is bound, given the field's metadata; None if it is not."""
    return metadata.get(_KEY)
