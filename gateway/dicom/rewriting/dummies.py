"""Values that say nothing, for elements that may not be empty."""

from gateway.dicom.rewriting.elements import Elements, NewElement

_TEXT = "ANONYMIZED"
_VALUES = {
    "AS": "000D",
    "AT": "00000000",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101",
    "FD": "0",
    "FL": "0",
    "IS": "0",
    "SL": "0",
    "SS": "0",
    "SV": "0",
    "TM": "000000",
    "UI": "2.25.0",
    "UL": "0",
    "UR": "about:blank",
    "US": "0",
    "UV": "0",
}
_CODE: Elements = {
    0x00080100: NewElement("SH", (_TEXT,)),
    0x00080102: NewElement("SH", ("99STOREGRAPH",)),
    0x00080104: NewElement("LO", (_TEXT,)),
}
_ITEMS: dict[int, Elements] = {
    0x00340001: {0x00340002: NewElement("OB", (_TEXT,))},  # FlowIdentifierSequence
    0x00401101: _CODE,  # PersonIdentificationCodeSequence
    0x0040A073: {  # VerifyingObserverSequence
        0x0040A027: NewElement("LO", (_TEXT,)),
        0x0040A030: NewElement("DT", (_VALUES["DT"],)),
        0x0040A075: NewElement("PN", (_TEXT,)),
        0x0040A088: NewElement("SQ"),
    },
    0x0040A730: {  # ContentSequence
        0x0040A010: NewElement("CS", ("CONTAINS",)),
        0x0040A040: NewElement("CS", ("TEXT",)),
        0x0040A043: NewElement("SQ", items=(_CODE,)),
        0x0040A160: NewElement("UT", (_TEXT,)),
    },
    0x00700001: {0x00700002: NewElement("CS", (_TEXT,))},  # GraphicAnnotationSequence
}
"""The contents of sequences that the profile replaces."""


def dummy_element(tag: int, vr: str) -> NewElement:
    """Return an element with a value that says nothing."""
    if vr == "SQ":
        return NewElement(vr, items=(_ITEMS.get(tag, {}),))
    return NewElement(vr, (_VALUES.get(vr, _TEXT),))
