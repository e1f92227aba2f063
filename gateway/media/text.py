"""Probes text files, which must be decodable from the first to the last byte."""

import json
from dataclasses import replace

import orjson

from gateway.kinds.media_facts import MediaFacts
from gateway.media.encoding_names import TextEncoding
from gateway.media.encodings import decode_head, find_encoding
from gateway.media.ranged import ReadableFile
from gateway.media.sniff import HEAD_SIZE, UNRECOGNIZED

MAX_JSON_SIZE = 16 << 20
"""Bytes of JSON that is parsed, which may take twenty times as much memory."""
JSON, JSON_LINES, PLAIN = "application/json", "application/x-ndjson", "text/plain"


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add the encoding, and correct the MIME type of JSON and of lines of JSON.

    Raises:
        MediaError: The content is not text, or in no encoding that is recognized.
    """
    encoding = find_encoding(file)
    facts = replace(facts, text_encoding=encoding.name)
    if encoding.warning:
        facts = facts.with_warnings(encoding.warning)
    if facts.mime_type == UNRECOGNIZED:
        facts = replace(facts, mime_type=PLAIN)
    with file.open("rb") as data:
        start = decode_head(data.read(HEAD_SIZE)) or ""
    if facts.mime_type == JSON or (facts.mime_type == PLAIN and start.lstrip()[:1] in ("{", "[")):
        return with_json_type(file, encoding, facts)
    return facts


def with_json_type(file: ReadableFile, encoding: TextEncoding, facts: MediaFacts) -> MediaFacts:
    """Return the facts of a text that may be JSON with its MIME type."""
    is_named_json = facts.mime_type == JSON
    facts = replace(facts, mime_type=PLAIN)
    if facts.file_size > MAX_JSON_SIZE:
        return facts
    with file.open("rb") as stream:
        text = stream.read()[len(encoding.mark) :].decode(encoding.codec)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if has_json_lines(text):
            return replace(facts, mime_type=JSON_LINES)
        return facts.with_warnings(warning_of(error, text)) if is_named_json else facts
    return replace(facts, mime_type=JSON)


def warning_of(error: orjson.JSONDecodeError, text: str) -> str:
    """Return why a text is not reported as JSON, given the first error of the parser."""
    place = f"line {error.lineno}, column {error.colno}"
    if error.msg.startswith("depth limit"):
        return f"The text is nested too deeply to check whether it is valid JSON: {place}."
    if error.msg.startswith("number is infinity"):
        return f"The JSON contains a number that is too large for a 64-bit float: {place}."
    if is_python_json(text):
        return "The JSON contains NaN or Infinity, which the standard does not allow."
    return f"The text is not valid JSON: {place}."


def has_json_lines(text: str) -> bool:
    """Return whether every line that is not empty is a JSON object or array, and there are some."""
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        return all(isinstance(orjson.loads(line), dict | list) for line in lines) and bool(lines)
    except orjson.JSONDecodeError:
        return False


def is_python_json(text: str) -> bool:
    """Return whether it is JSON but for NaN and infinities, as Python and JavaScript write it."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
