"""Checks facts against their bounds, whichever prober read them, before they reach a database."""

from dataclasses import replace
from typing import Any

from gateway.errors import DomainError
from gateway.json_values import camel_case, check_storable, unstorable_character
from gateway.kinds.media_facts import MEDIA_FACTS, MediaFacts
from gateway.media.errors import MediaError


def check_facts(facts: MediaFacts) -> MediaFacts:
    """Return the facts without those out of bounds, each of which becomes a warning.

    Raises:
        MediaError: A structured fact, such as the columns of a time series, cannot be stored.
    """
    unknown: dict[str, Any] = {}
    warnings = []
    for name, fact in MEDIA_FACTS.items():
        value = getattr(facts, name)
        if isinstance(value, dict):
            check_structure(value)
        elif value is not None and not (fact.accepts(value) and is_storable(value)):
            unknown[name] = None
            warnings.append(f"{camel_case(name)} is not {fact.expectation}: {value!r:.100}.")
    return replace(facts, **unknown).with_warnings(*warnings) if unknown else facts


def check_structure(value: dict[str, Any]) -> None:
    """Check that JSON can be stored.

    Raises:
        MediaError: It contains a NUL, a lone surrogate, or an integer of more than 64 bits.
    """
    try:
        check_storable(value)
    except DomainError as error:
        where = ".".join(map(str, error.path))
        raise MediaError(f"its {where} cannot be stored: {error.message}") from None


def is_storable(value: object) -> bool:
    """Return whether a text has only characters that can be stored."""
    return not isinstance(value, str) or unstorable_character(value) is None
