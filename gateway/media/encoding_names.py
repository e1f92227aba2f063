"""Encodings of text by name: the WHATWG encoding standard's where it has one, else IANA's."""

import codecs
from dataclasses import dataclass
from typing import Literal

# The standard's names, and the Python codecs that decode what browsers decode by these names.
_CODECS = {
    "UTF-8": "utf-8",
    "UTF-16LE": "utf-16-le",
    "UTF-16BE": "utf-16-be",
    "UTF-32LE": "utf-32-le",
    "UTF-32BE": "utf-32-be",
    "Shift_JIS": "cp932",
    "EUC-JP": "euc_jp",
    "ISO-2022-JP": "iso2022_jp",
    "GBK": "gb18030",
    "GB18030": "gb18030",
    "Big5": "big5hkscs",
    "EUC-KR": "cp949",
    "KOI8-R": "koi8-r",
    "KOI8-U": "koi8-u",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "windows-874": "cp874",
    **{f"windows-{number}": f"cp{number}" for number in range(1250, 1259)},
    **{f"ISO-8859-{number}": f"iso8859-{number}" for number in range(1, 17) if number != 12},
    **{f"IBM{number}": f"cp{number}" for number in (437, 850, 852, 855, 866)},
}
_NAMES = {codecs.lookup(codec).name: name for name, codec in _CODECS.items()} | {
    "shift_jis": "Shift_JIS",
    "gb2312": "GBK",
    "gbk": "GBK",
    "gb18030": "GB18030",
    "hz": "GBK",
    "big5": "Big5",
    "cp950": "Big5",
    "euc_kr": "EUC-KR",
    "tis-620": "windows-874",
    "koi8-r": "KOI8-R",
}
# Labels that Python does not know.
_LABELS = {"x-sjis": "Shift_JIS", "windows-31j": "Shift_JIS", "x-gbk": "GBK", "x-x-big5": "Big5"}


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """An encoding.

    Attributes:
        name: Its name in the WHATWG encoding standard, or else of IANA.
        mark: The byte order mark with which the text begins, if it has one.
        warning: What is odd about the text's encoding, as a sentence.
        errors: How to decode it: invalid bytes are replaced where few were seen.
    """

    name: str
    mark: bytes = b""
    warning: str | None = None

    errors: Literal["strict", "replace"] = "strict"

    @property
    def codec(self) -> str:
        """The Python codec that decodes it."""
        return _CODECS[self.name]


def encoding_by_label(label: str) -> TextEncoding | None:
    """Return the encoding that a label such as `latin1` names, or None if it names none."""
    key = label.strip().lower()
    try:
        name = _LABELS.get(key) or _NAMES.get(codecs.lookup(key).name)
    except (LookupError, ValueError):  # ValueError: it has a NUL
        return TextEncoding("UTF-8") if key == "ascii" else None
    if key in ("us-ascii", "ascii"):
        name = "UTF-8"
    return TextEncoding(name) if name else None
