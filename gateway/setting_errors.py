"""Errors in settings as sentences for administrators, instead of pydantic's."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_SENTENCES = {
    "bool_parsing": "Expected true or false.",
    "bool_type": "Expected true or false.",
    "dataclass_type": 'Expected a JSON object such as {{"depth": 20}}.',
    "finite_number": "Expected a number.",
    "float_parsing": "Expected a number.",
    "float_type": "Expected a number.",
    "greater_than": "Expected more than {gt}.",
    "greater_than_equal": "Expected at least {ge}.",
    "int_from_float": "Expected a whole number.",
    "int_parsing": "Expected a whole number.",
    "int_parsing_size": "Expected a whole number.",
    "int_type": "Expected a whole number.",
    "less_than_equal": "Expected at most {le}.",
    "list_type": 'Expected a JSON list such as ["a", "b"].',
    "literal_error": "Expected {expected}.",
    "string_type": "Expected text in quotation marks.",
    "too_short": "Expected at least {min_length} characters.",
    "unexpected_keyword_argument": "Unknown limit.",
    "value_error": "{error}",
}
"""By pydantic's type of the error; the values in braces are those of its context."""


def setting_errors(error: ValidationError) -> list[str]:
    """Return a line for each error: the variable, what is wrong, and what is expected."""
    return [_line(detail) for detail in error.errors()]


def _line(detail: ErrorDetails) -> str:
    name, *inner = detail["loc"]
    places = [f"{place}: " for place in inner if isinstance(place, str)]
    sentence = _SENTENCES.get(detail["type"])
    text = sentence.format(**detail.get("ctx", {})) if sentence else detail["msg"]
    return f"STOREGRAPH_{str(name).upper()}: {''.join(places)}{text}"
