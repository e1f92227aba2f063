"""Probes text files, which must be decodable from the first to the last byte."""

import codecs
from dataclasses import replace

import orjson

from gateway.kinds.media_facts import MediaFacts
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile
from gateway.media.sniff import CONTROL_CHARACTERS, UNRECOGNIZED, text_encoding

CHUNK_SIZE = 1 << 20
MAX_JSON_SIZE = 16 << 20
"""Bytes of JSON that is parsed, which may take twenty times as much memory."""
JSON, PLAIN = "application/json", "text/plain"


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Correct the MIME type: plain text that is a JSON object or array is `application/json`.

    Raises:
        MediaError: The content is not UTF-8 or UTF-16, has control characters, or is not JSON
            although its name says so.
    """
    first = decode_text(file)
    if facts.mime_type == UNRECOGNIZED:
        facts = replace(facts, mime_type=PLAIN)
    if facts.mime_type == JSON or (facts.mime_type == PLAIN and first in ("{", "[")):
        return replace(facts, mime_type=json_or_plain(file, facts))
    return facts


def decode_text(file: ReadableFile) -> str:
    """Decode a text and return its first character that is not a space, or "" if it has none.

    Raises:
        MediaError: The text cannot be decoded, or has control characters.
    """
    first = ""
    with file.open("rb") as data:
        decoder = codecs.getincrementaldecoder(text_encoding(data.read(4)))()
        data.seek(0)
        try:
            while chunk := data.read(CHUNK_SIZE):
                text = decoder.decode(chunk)
                # Binary data may be decodable by chance.
                if match := CONTROL_CHARACTERS.search(text):
                    raise MediaError(
                        "the content is not text: it contains the control character "
                        f"U+{ord(match[0]):04X}"
                    )
                first = first or text.lstrip()[:1]
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            offset = data.tell() - len(error.object) + error.start
            raise MediaError(
                f"the text is neither UTF-8 nor UTF-16: it has an invalid byte at {offset:,}"
            ) from None
    return first


def json_or_plain(file: ReadableFile, facts: MediaFacts) -> str:
    """Return the MIME type of a text that may be JSON.

    Raises:
        MediaError: It is not JSON although its name says so.
    """
    if facts.file_size > MAX_JSON_SIZE:
        return PLAIN
    with file.open("rb") as stream:
        data = stream.read()
    try:
        orjson.loads(data.decode(text_encoding(data)))
    except orjson.JSONDecodeError as error:
        if facts.mime_type == JSON:
            raise MediaError(
                f"expected JSON, but line {error.lineno}, column {error.colno} is not valid"
            ) from None
        return PLAIN
    return JSON
