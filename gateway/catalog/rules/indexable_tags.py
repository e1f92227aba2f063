"""The tags by which DICOM studies can be filtered, and the forms in which clients name them."""

from gateway.dicom.dictionary import MalformedTag, entry_of, is_private, parse_tag
from gateway.dicom.headers import text_of
from gateway.dicom.indexed_values import INDEXABLE, IndexedElement
from gateway.error_texts import sized
from gateway.errors import bad_input

MAX_DEPTH = 8
"""Tags of a path: the sequences, and the element in the last."""
MAX_CREATOR = 64
_BLOCKS = range(0x10, 0x100)


def check_indexable(tag: str, private_creator: str | None, vr: str | None) -> IndexedElement:
    """Return the element that a client wants to be indexed.

    Raises:
        DomainError: `BAD_USER_INPUT` at `tag`, `privateCreator` or `vr`.
    """
    full, creator = tag_path(tag, private_creator)
    *_, last = full.split(":")
    entry = entry_of(last)
    known = [each for each in entry.vr.split(" or ") if each in INDEXABLE] if entry else []
    if entry and not known:
        raise bad_input(f"Elements of the representation {entry.vr} cannot be indexed.", "tag")
    if vr is None and not known:
        message = "Give the value representation of a tag that the standard does not have."
        raise bad_input(message, "vr")
    if vr is not None and vr not in INDEXABLE:
        raise bad_input(f"Expected one of {', '.join(sorted(INDEXABLE))}.", "vr")
    return IndexedElement(full, creator, vr or known[0])


def tag_path(tag: str, private_creator: str | None, *path: str | int) -> tuple[str, str]:
    """Return a tag with those of the sequences that it is in, and its private creator.

    It has the form of `DicomIndexedTagRecord`.

    Raises:
        DomainError: `BAD_USER_INPUT` at `tag` or `privateCreator` below a path.
    """
    try:
        *sequences, last = [parse_tag(part) for part in tag.split(":", MAX_DEPTH)]
    except MalformedTag as error:
        raise bad_input(str(error), *path, "tag") from error
    if len(sequences) >= MAX_DEPTH:
        message = f"A tag can be in at most {MAX_DEPTH - 1} sequences."
        raise bad_input(message, *path, "tag")
    for sequence in sequences:
        entry = entry_of(sequence)
        if entry is None or entry.vr != "SQ":
            message = f"{sequence} is no sequence of the standard."
            raise bad_input(message, *path, "tag")
    creator = text_of(private_creator) or ""
    if len(creator) > MAX_CREATOR:
        message = sized("privateCreator", 1, MAX_CREATOR, len(creator))
        raise bad_input(message, *path, "privateCreator")
    if is_private(last) != bool(creator):
        needed = "is private: name its creator" if is_private(last) else "has no private creator"
        raise bad_input(f"{last} {needed}.", *path, "privateCreator")
    if creator:
        if int(last[4:6], 16) not in _BLOCKS:
            raise bad_input(f"{last} is in no block of private elements.", *path, "tag")
        last = f"{last[:4]}10{last[6:]}"
    return ":".join([*sequences, last]), creator
