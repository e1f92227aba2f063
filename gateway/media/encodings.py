"""Finds the encoding of a text: marked, declared in the text, or recognized from its bytes."""

import codecs
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TextIO

import chardetng_py  # type: ignore[import-untyped]  # ships no marker of its types

from gateway.media.encoding_names import TextEncoding, encoding_by_label
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

CHUNK_SIZE = 1 << 20
SAMPLE_SIZE = 64 << 10
"""Bytes from which an encoding is recognized."""
MAX_DECLARATION = 4096
"""Bytes in which a declaration is looked for."""

CONTROL_CHARACTERS = bytes(code for code in (*range(32), 127) if code not in b"\t\n\f\r\x1b")
"""Characters that no text has. The escape character is in logs, for colors, and in ISO-2022-JP."""
_C1_CONTROLS = bytes(range(0x80, 0xA0))
_CONTROLS = re.compile(f"[{re.escape(CONTROL_CHARACTERS.decode())}]")

MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "UTF-32BE"),
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF16_LE, "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "UTF-16BE"),
)
"""Byte order marks, the longer ones first."""

# Browsers read these as the encodings of Windows that have more characters.
_SUPERSETS = {
    "ISO-8859-1": "windows-1252",
    "ISO-8859-9": "windows-1254",
    "ISO-8859-11": "windows-874",
}

_DECLARATIONS = (
    re.compile(rb"""^\s*<\?xml\s[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]{1,40})["']"""),
    re.compile(
        rb"""(?i)^\s*<.{0,4000}?<meta\s[^>]{0,400}?\bcharset\s*=\s*["']?([\w.:-]{1,40})""", re.S
    ),
    re.compile(rb"""(?i)^\s*<meta\s[^>]{0,400}?\bcharset\s*=\s*["']?([\w.:-]{1,40})"""),
    re.compile(rb"""^@charset "([\w.:-]{1,40})";"""),
    re.compile(rb"""^(?:[^\n]*\n)?[ \t]*#[^\n]{0,200}?coding[:=][ \t]*([\w.-]{1,40})"""),
)
"""Declarations of XML, HTML, CSS, and of scripts in their first two lines."""

_SIGNS = "°µ²³±·×½¼¾£€§«»©®™…–—‘’“”„‚•‰¹º ¡¿´¨"
"""Characters beside letters that are common in texts in Western languages."""
_SIGNS_IN_WORDS = re.compile(r"[^\W\d_][„”™‡†‹•˜][^\W\d_]")
_WESTERN_SIGNS = frozenset("°µ²³±·×½¼¾§«»©®™…–—“”‘’£€ ".encode("cp1252"))
_UKRAINIAN_LETTERS = frozenset("ґєіїҐЄІЇ".encode("koi8-u"))


MAX_ODDITY = 0.1  # the share of odd characters up to which an encoding is believed


# Of DOS and of the Macintosh; the library knows the encodings of web pages.
_NOT_ON_THE_WEB = tuple(
    map(TextEncoding, ("IBM850", "macintosh", "x-mac-cyrillic", "IBM855", "IBM437"))
)


class _UndecodableError(MediaError):
    def __init__(self, encoding: TextEncoding, offset: int) -> None:
        super().__init__(
            f"the text is not {encoding.name}, nor in another encoding that is recognized: "
            f"it has an invalid byte at {offset:,}"
        )
        self.offset = offset


def find_encoding(file: ReadableFile, given: str | None = None) -> TextEncoding:
    """Return the encoding of a whole text, which is decoded from the first to the last byte.

    Args:
        file: The text.
        given: The name of its encoding, if it is known.

    Raises:
        MediaError: The content is not text, not in the given encoding, or in none that is
            recognized.
    """
    with file.open("rb") as data:
        head = data.read(SAMPLE_SIZE)
    if given and (encoding := encoding_by_label(given)):
        mark = next((mark for mark, name in MARKS if name == encoding.name), b"")
        encoding = replace(encoding, mark=mark if head.startswith(mark) else b"")
        check_encoding(file, encoding)
        return encoding
    if marked := _marked(head):
        check_encoding(file, marked)
        return marked
    try:
        is_ascii = check_encoding(file, TextEncoding("UTF-8"))
    except MediaError as error:
        refusal = error
    else:
        if is_ascii and b"\x1b$" in head and _can_decode(file, TextEncoding("ISO-2022-JP")):
            return TextEncoding("ISO-2022-JP")
        return as_declared(_declared(head), is_ascii)
    sample = sample_at_fault(file, head)
    for encoding in _candidates(head, sample, getattr(refusal, "offset", 0)):
        if _can_decode(file, encoding):
            return encoding
    raise refusal


def open_text(file: ReadableFile, encoding: TextEncoding) -> TextIO:
    """Open a text, with its line breaks as they are."""
    data = file.open("rb")
    data.seek(len(encoding.mark))
    return io.TextIOWrapper(data, encoding.codec, encoding.errors, newline="")


def check_encoding(file: ReadableFile, encoding: TextEncoding) -> bool:
    """Decode a text from the first to the last byte, and return whether all of it is ASCII.

    Raises:
        MediaError: The text cannot be decoded, or has control characters.
    """
    decoder = codecs.getincrementaldecoder(encoding.codec)(encoding.errors)
    is_ascii = True
    with file.open("rb") as data:
        data.seek(len(encoding.mark))
        try:
            while chunk := data.read(CHUNK_SIZE):
                # Binary data may be decodable by chance.
                if (control := _control_in(chunk, decoder.decode(chunk), encoding)) is not None:
                    raise MediaError(
                        "the content is not text: it contains the control character "
                        f"U+{control:04X}"
                    )
                is_ascii = is_ascii and chunk.isascii()
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            offset = data.tell() - len(error.object) + error.start
            raise _UndecodableError(encoding, offset) from None
    return is_ascii


def _control_in(data: bytes, text: str, encoding: TextEncoding) -> int | None:
    """Return a control character in a piece of a text, if there is one."""
    if encoding.name.startswith(("UTF-16", "UTF-32")):
        match = _CONTROLS.search(text)
        return ord(match[0]) if match else None
    # No other encoding uses these bytes for anything else, and bytes are searched much faster.
    controls = CONTROL_CHARACTERS
    if encoding.name.startswith("ISO-8859"):
        controls += _C1_CONTROLS
    if len(data) == len(data.translate(None, controls)):
        return None
    return next(byte for byte in data if byte in controls)


def decode_head(head: bytes) -> str | None:
    """Return the first bytes of a text as text, without a character that is cut off at their end.

    None if they are not text, or in no encoding that is recognized.
    """
    if marked := _marked(head):
        return _decode_start(head[len(marked.mark) :], marked)
    text = _decode_start(head, TextEncoding("UTF-8"))
    if text is not None:
        return text
    texts = (_decode_start(head, encoding) for encoding in _candidates(head, head))
    return next((text for text in texts if text is not None), None)


def _candidates(head: bytes, sample: bytes, offset: int = 0) -> Iterator[TextEncoding]:
    """Yield the encodings that a text may have which is not valid UTF-8, the likeliest first."""
    yield from _declared(head)
    recognizers: list[Callable[[], TextEncoding | None]] = [
        lambda: _damaged_utf8(sample, offset),
        lambda: _unmarked_unicode(head),
        lambda: _legacy(sample),
    ]
    # Binary content is told at once: only UTF-16 and UTF-32 use these bytes for characters.
    if sample != sample.translate(None, CONTROL_CHARACTERS):
        recognizers = recognizers[1:2]
    yield from filter(None, (recognize() for recognize in recognizers))


def _marked(head: bytes) -> TextEncoding | None:
    """Return the encoding that a byte order mark gives, if there is one."""
    matches = (TextEncoding(name, mark) for mark, name in MARKS if head.startswith(mark))
    return next(matches, None)


def _declared(head: bytes) -> list[TextEncoding]:
    """Return the encoding that the text declares, and the one that is often meant by it.

    UTF-16 and UTF-32 cannot be: the declaration could not be read.
    """
    start = head[:MAX_DECLARATION]
    matches = (declaration.search(start) for declaration in _DECLARATIONS)
    labels = (match[1].decode() for match in matches if match)
    encoding = next(filter(None, map(encoding_by_label, labels)), None)
    if encoding is None or encoding.name.startswith(("UTF-16", "UTF-32")):
        return []
    superset = _SUPERSETS.get(encoding.name)
    return [encoding, TextEncoding(superset)] if superset else [encoding]


def as_declared(declared: list[TextEncoding], is_ascii: bool) -> TextEncoding:
    """Return the encoding of a text that is valid UTF-8."""
    if not declared or declared[0].name == "UTF-8":
        return TextEncoding("UTF-8")
    if is_ascii:
        return declared[0]
    return TextEncoding(
        "UTF-8", warning=f"The text declares the encoding {declared[0].name}, but is UTF-8."
    )


def _decode_start(head: bytes, encoding: TextEncoding) -> str | None:
    """Return the first bytes of a text as text; None if they have control characters."""
    try:
        text = codecs.getincrementaldecoder(encoding.codec)(encoding.errors).decode(head)
    except UnicodeDecodeError:
        return None
    return None if _control_in(head, text, encoding) is not None else text


def _can_decode(file: ReadableFile, encoding: TextEncoding) -> bool:
    try:
        check_encoding(file, encoding)
    except MediaError:
        return False
    return True


def sample_at_fault(file: ReadableFile, head: bytes) -> bytes:
    """Return whole lines from the first that is not ASCII, which may be far from the start."""
    if not head.isascii():
        return head
    with file.open("rb") as data:
        while chunk := data.read(CHUNK_SIZE):
            if not chunk.isascii():
                first = next(index for index, byte in enumerate(chunk) if byte > 127)
                start = max(chunk.rfind(b"\n", 0, first), 0)
                return (chunk[start:] + data.read(SAMPLE_SIZE))[:SAMPLE_SIZE]
    return head


def _damaged_utf8(sample: bytes, offset: int) -> TextEncoding | None:
    """Recognize UTF-8 that is cut off, or into which few other bytes have been mixed."""
    text = sample.decode(errors="replace")
    invalid = text.count("\ufffd")
    valid = sum(character > "\x7f" for character in text) - invalid
    if not 0 < 10 * invalid <= valid:
        return None
    warning = (
        f"Some bytes are not valid UTF-8, and are lost to readers. The first is at {offset:,}."
    )
    return TextEncoding("UTF-8", warning=warning, errors="replace")


def _unmarked_unicode(head: bytes) -> TextEncoding | None:
    """Recognize UTF-16 and UTF-32 without a byte order mark."""
    for name in ("UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE"):
        encoding = TextEncoding(name)
        text = _decode_start(head, encoding)
        if text and is_plausible_utf16(text):
            return encoding
    return None


def is_plausible_utf16(text: str) -> bool:
    """Return whether a text is not merely numbers of 16 bits that can be decoded."""
    counts = Counter(map(unicodedata.category, text))
    if counts["Cn"] or counts["Co"] or counts["Cs"]:
        return False
    return _has_breaks(text) or text.isascii()


def _has_breaks(text: str) -> bool:
    """Return whether a text is divided into words and sentences."""
    return 100 * sum(map(text.count, " \n\r\t,;.、。，")) >= len(text)


def _legacy(sample: bytes) -> TextEncoding | None:
    """Recognize an encoding from before Unicode."""
    if sample.isascii():
        return None
    high_bytes = Counter(byte for byte in sample if byte > 127)
    if high_bytes.keys() <= _WESTERN_SIGNS and 2 * high_bytes.total() <= len(sample):
        return TextEncoding("windows-1252")
    guess = encoding_by_label(chardetng_py.detect(sample))
    if guess and guess.name == "KOI8-U" and not high_bytes.keys() & _UKRAINIAN_LETTERS:
        guess = TextEncoding("KOI8-R")
    for encoding in (guess, TextEncoding("windows-1252")):
        if encoding and _oddity(sample, encoding) <= MAX_ODDITY:
            return encoding
    oddities = {encoding: _oddity(sample, encoding) for encoding in _NOT_ON_THE_WEB}
    best = min(oddities, key=lambda encoding: oddities[encoding])
    return best if oddities[best] <= MAX_ODDITY else None


def _oddity(sample: bytes, encoding: TextEncoding) -> float:
    """Return the share of characters beyond ASCII that texts do not have in such positions.

    They are signs, signs within words, and capital letters after small ones.
    """
    text = _decode_start(sample, encoding)
    if text is None or _SIGNS_IN_WORDS.search(text):
        return 1
    if not (_has_breaks(text) or (len(text) <= 60 and len(set(text)) > 2)):
        return 1
    foreign = [character for character in text if character > "\x7f"]
    signs = sum(
        not (
            unicodedata.category(character)[0] in "LM"
            or character in _SIGNS
            or "\u3000" <= character <= "\u303f"
            or character >= "\uff00"
        )
        for character in foreign
    )
    odd_cases = sum(
        before.islower() and after.isupper() and max(before, after) > "\x7f"
        for before, after in pairwise(text)
    )
    return (signs + odd_cases) / max(len(foreign), 1)
