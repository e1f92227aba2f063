"""Cells of a table: gaps, and numbers with either decimal mark and with separated thousands."""

import re
from collections.abc import Sequence

GAPS = frozenset(
    text
    for word in (
        *("", "na", "n/a", "n.a.", "#n/a", "#n/a n/a", "#nv", "<na>", "nan", "-nan", "nat"),
        *("null", "(null)", "none", "nil", "\\n", "missing", "-", "--", "---", "–", "—", "?", "."),
        *("#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!", "#wert!", "#zahl!"),
    )
    for text in (word, word.upper(), word.capitalize(), word.replace("nan", "NaN"), "NaT")
)
"""Cells without a value, as programs write them."""

_SPACES = "\u00a0\u202f\u2009"
_DIGITS = rf"(?:\d{{1,3}}(?:[ '’{_SPACES}]\d{{3}})+|\d+)"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_NUMBERS = {
    ".": re.compile(rf"[+-]?(?:(?:{_DIGITS}|\d{{1,3}}(?:,\d{{3}})+)(?:\.\d*)?|\.\d+){_EXPONENT}"),
    ",": re.compile(rf"[+-]?(?:(?:{_DIGITS}|\d{{1,3}}(?:\.\d{{3}})+)(?:,\d*)?|,\d+){_EXPONENT}"),
}
_SEPARATORS: dict[str, dict[int, str | None]] = {
    ".": dict.fromkeys(map(ord, f",'’ {_SPACES}")),
    ",": {**dict.fromkeys(map(ord, f".'’ {_SPACES}")), ord(","): "."},
}
# Numbers that are not so many thousands with the other mark.
_SURE = {
    ".": re.compile(
        rf"[+-]?(?:\d*\.(?:\d{{1,2}}|\d{{4,}})|(?:0|\d{{4,}})?\.\d+|\d{{1,3}}(?:,\d{{3}})+\.\d+"
        rf"|\d*\.\d+[eE][+-]?\d+|\d{{1,3}}(?:,\d{{3}}){{2,}}){_EXPONENT}"
    ),
    ",": re.compile(
        rf"[+-]?(?:\d*,(?:\d{{1,2}}|\d{{4,}})|(?:0|\d{{4,}})?,\d+|\d{{1,3}}(?:\.\d{{3}})+,\d+"
        rf"|\d*,\d+[eE][+-]?\d+|\d{{1,3}}(?:\.\d{{3}}){{2,}}){_EXPONENT}"
    ),
}
_AMBIGUOUS = re.compile(r"[+-]?\d{1,3},\d{3}")


def is_gap(cell: str) -> bool:
    """Return whether a cell has no value."""
    return cell in GAPS or cell.strip().casefold() in GAPS


def parse_number(cell: str, mark: str | None) -> float | None:
    """Return a number, which may be infinite, or None; with either mark if it is None."""
    text = cell.strip().replace("\u2212", "-")
    if mark != ",":
        try:
            return None if "_" in text else float(text)
        except ValueError:
            pass  # it may have separated thousands, or a decimal comma
    for each in (mark,) if mark else (".", ","):
        if _NUMBERS[each].fullmatch(text):
            return float(text.translate(_SEPARATORS[each]))
    try:  # such as inf
        return float(text) if text[-1:].isalpha() else None
    except ValueError:
        return None


def are_numbers(cells: Sequence[str], mark: str | None) -> bool:
    """Return whether all cells that are not gaps are numbers. This is the common case, and fast."""
    try:
        if mark == ",":
            cells = [cell.replace(",", ".") for cell in cells]
        sum(map(float, cells))
    except ValueError:
        try:
            sum(map(float, (cell for cell in cells if cell not in GAPS)))
        except ValueError:
            return False
    return "_" not in "".join(cells)  # which Python allows in numbers


def is_number_or_gap(cell: str, mark: str | None) -> bool:
    """Return whether a cell is a number or has no value."""
    return is_gap(cell) or parse_number(cell, mark) is not None


def is_ambiguous_number(cell: str) -> bool:
    """Return whether a cell is a number whose comma may be decimal or divide thousands."""
    return _AMBIGUOUS.fullmatch(cell.strip()) is not None


def mark_in(cells: Sequence[str], delimiter: str) -> str | None:
    """Return the decimal mark of numbers, or None if they have none or either is possible.

    Programs delimit with semicolons or tabs where commas are decimal: there a comma in all of
    the numbers that have a mark is taken for one.
    """
    counts = {
        mark: sum(pattern.fullmatch(cell.strip()) is not None for cell in cells)
        for mark, pattern in _SURE.items()
    }
    if counts["."] != counts[","]:
        return max(counts, key=lambda mark: counts[mark])
    if delimiter in (";", "\t") and not counts["."] and any(map(is_ambiguous_number, cells)):
        has_points = any("." in cell and parse_number(cell, ".") is not None for cell in cells)
        return None if has_points else ","
    return None
