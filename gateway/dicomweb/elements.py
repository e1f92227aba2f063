"""Values of columns as elements in the JSON model of DICOM (PS3.18, F.2)."""

from typing import Any

from gateway.dicomweb.attributes import BY_TAG

Element = dict[str, Any]
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def element(tag: str, value: Any) -> Element:
    """Return the element of a tag with a value, or several in a list; None is no value.

    Dates and times are ISO 8601 texts, names have their groups divided by `=`.
    """
    vr = BY_TAG[tag].vr
    values = value if isinstance(value, list) else [value]
    present = [value_of(vr, each) for each in values if each not in (None, "")]
    return {"vr": vr, "Value": present} if present else {"vr": vr}


def value_of(vr: str, value: Any) -> Any:
    """Return a value of a column in the form that a representation has in JSON."""
    if vr == "DA":
        return value.replace("-", "")
    if vr == "TM":
        return value.replace(":", "")
    if vr == "PN":
        groups = zip(_NAME_GROUPS, value.split("="), strict=False)
        return {name: text for name, text in groups if text}
    return value
