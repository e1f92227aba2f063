"""Facts of a text: it must be decodable from its first to its last byte."""

import codecs
from dataclasses import replace

import orjson

from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File
from gateway.media.sniff import BINARY, UNKNOWN, encoding_of

CHUNK = 1 << 20
# Parsed, JSON may take twenty times its length; a longer text stays plain text.
MAX_JSON = 16 << 20
JSON, PLAIN = "application/json", "text/plain"


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """Only the MIME type is added: text/plain that parses as a JSON object or array is application/json.

    Raises:
        MediaError: not UTF-8 or UTF-16, control characters, or JSON by its name but not by its content.
    """
    first = decode(path)
    if facts.mime_type == UNKNOWN:
        facts = replace(facts, mime_type=PLAIN)
    if facts.mime_type == JSON or (facts.mime_type == PLAIN and first in ("{", "[")):
        return replace(facts, mime_type=json_or_plain(path, facts))
    return facts


def decode(path: File) -> str:
    """Decode piece by piece; answers the first character that is not a space, '' if there is none.

    Raises:
        MediaError: not UTF-8 or UTF-16, or control characters.
    """
    first = ""
    with path.open("rb") as file:
        decoder = codecs.getincrementaldecoder(encoding_of(file.read(4)))()
        file.seek(0)
        try:
            while chunk := file.read(CHUNK):
                part = decoder.decode(chunk)
                check_characters(part)
                first = first or part.lstrip()[:1]
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            place = file.tell() - len(error.object) + error.start
            raise MediaError(f"the text is neither UTF-8 nor UTF-16: see byte {place:,}") from None
    return first


def check_characters(part: str) -> None:
    """Binary data may be decodable by chance; control characters give it away.

    Raises:
        MediaError: there is one.
    """
    if found := BINARY.search(part):
        raise MediaError(
            f"the content is not text: it holds the control character U+{ord(found[0]):04X}"
        )


def json_or_plain(path: File, facts: MediaFacts) -> str:
    """Whether the text parses as JSON.

    Raises:
        MediaError: it does not, and its name says that it is JSON.
    """
    if facts.file_size > MAX_JSON:
        return PLAIN
    with path.open("rb") as file:
        data = file.read()
    try:
        orjson.loads(data.decode(encoding_of(data)))
    except orjson.JSONDecodeError as error:
        if facts.mime_type == JSON:
            raise MediaError(
                f"said to be JSON, but it is not: see line {error.lineno}, column {error.colno}"
            ) from None
        return PLAIN
    return JSON
