"""Probes a file: checks that its content is of the expected kind, and reads its facts."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any

from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.media_facts import PROBE_VERSION, MediaFacts
from gateway.kinds.media_formats import TEXT_TYPES
from gateway.media.checksums import checksums_of
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.fact_checks import check_facts
from gateway.media.length import check_length
from gateway.media.ranged import RangedFile
from gateway.media.recognize import recognize
from gateway.media.sniff import UNRECOGNIZED, sniff

WITHOUT_STATED_LENGTH = (
    StorageItemType.FILE,
    StorageItemType.PLAIN_TEXT,
    StorageItemType.TIMESERIES,
)
"""Kinds whose files have no length in them, even if their first bytes are those of a container."""


def probe(
    file: Path | RangedFile,
    item_type: StorageItemType | None,
    name: str,
    parsing: Mapping[str, Any] | None = None,
    declared_type: str = "",
) -> MediaFacts:
    """Return the facts of a file.

    Probing may take much time and memory, and a hostile file may crash the process: run it in a
    child process, as `Prober` does.

    Args:
        file: The file.
        item_type: The kind of item that the file should be; None if its content decides.
        name: The file's name for its owner.
        declared_type: The MIME type that its sender or its store states. It tells kinds of text
            apart if the name does not.
        parsing: How to read a time series, by the names of the attributes of `TimeSeriesReading`.

    Raises:
        MediaError: The file is empty, truncated, broken, too large, or of another kind. A `FILE`
            may be all of that.
        MemoryError: Probing needs more memory than allowed.
        OSError: The file cannot be reached, which is not the file's fault.
    """
    if item_type is not None and ITEM_KINDS[item_type].prober is None:
        raise MediaError(f"items of the type {item_type} are not single files")
    digest, crc32, size = checksums_of(file) if isinstance(file, Path) else (None, None, file.size)
    mime_type = sniff(file)
    text_type = _type_of_text(name, declared_type)
    # Markdown may begin with HTML.
    if mime_type == "text/plain" or (mime_type, text_type) == ("text/html", "text/markdown"):
        mime_type = text_type
    facts = MediaFacts(digest, size, mime_type, crc32=crc32, probe_version=PROBE_VERSION)
    if item_type is None:
        return _probe_recognized(file, facts, name)
    return _probe_as(item_type, file, facts, parsing)


def _probe_recognized(file: Path | RangedFile, facts: MediaFacts, name: str) -> MediaFacts:
    """Return the facts of a file whose content decides its kind.

    What may be intact but cannot be an item of its kind is a `FILE`, with a warning that says why.
    """
    recognition = recognize(file, facts.file_size, facts.mime_type, name)
    try:
        return _probe_as(recognition.item_type, file, facts)
    except MediaError as error:
        if not isinstance(error, UnsuitableFile):
            if recognition.is_certain:
                raise
            facts = replace(facts, mime_type=UNRECOGNIZED)
        warning = f"Kept as a file of another format: {error}."
    return _probe_as(StorageItemType.FILE, file, facts).with_warnings(warning)


def _probe_as(
    item_type: StorageItemType,
    file: Path | RangedFile,
    facts: MediaFacts,
    parsing: Mapping[str, Any] | None = None,
) -> MediaFacts:
    """Return the facts of a file that should be of a certain kind."""
    kind = ITEM_KINDS[item_type]
    is_read = item_type is not StorageItemType.FILE
    if is_read and not facts.file_size:
        raise MediaError("the file is empty")
    if not facts.mime_type.startswith(kind.mime_types):
        raise UnsuitableFile(f"expected {kind.noun}, but the content is {facts.mime_type}")
    if item_type not in WITHOUT_STATED_LENGTH:
        check_length(file, facts.file_size)
    assert kind.prober  # as all kinds of single files have
    settings = (parsing,) if parsing and item_type is StorageItemType.TIMESERIES else ()
    completed = _run_prober(kind.prober, file, facts, *settings)
    return replace(check_facts(completed), kind=item_type)


def _type_of_text(name: str, declared_type: str) -> str:
    """Return the MIME type of plain text."""
    declared = declared_type.partition(";")[0].strip().lower()
    usual = declared if declared in TEXT_TYPES.values() else "text/plain"
    return TEXT_TYPES.get(PurePath(name).suffix.lower(), usual)


def _run_prober(
    module: str, file: Path | RangedFile, facts: MediaFacts, *settings: Mapping[str, Any]
) -> MediaFacts:
    """Complete the facts, and turn whatever a library raises over a bad file into a `MediaError`.

    The module is imported here because most processes need few of them, and some take a second.
    """
    prober = import_module(f"gateway.media.{module}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries warn of oddities in files that are accepted
        try:
            completed: MediaFacts = prober.probe(file, facts, *settings)
            return completed
        except (MediaError, MemoryError):
            raise
        except Exception as error:  # the libraries have no complete list of what they raise
            raise MediaError(
                f"the file is broken or truncated: it cannot be read as {facts.mime_type}"
            ) from error
