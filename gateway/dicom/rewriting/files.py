"""Rewrites DICOM files as streams: what no editor changes is copied byte for byte."""

import zlib
from typing import BinaryIO

from gateway.dicom.rewriting.character_sets import Utf8Editor
from gateway.dicom.rewriting.elements import (
    Editor,
    Element,
    Elements,
    Encoding,
    NewElement,
    Treatment,
)
from gateway.dicom.rewriting.splices import Splice, copy_spliced
from gateway.dicom.rewriting.values import UnfitText
from gateway.dicom.rewriting.walking import Walker
from gateway.media.dicom_source import DEFLATED, DicomSource, open_source

_PREAMBLE = bytes(128)
_MARK = b"DICM"
_SOP_INSTANCE_UID, _META_SOP_INSTANCE_UID = 0x00080018, 0x00020003


def rewrite(
    source: BinaryIO, size: int, target: BinaryIO, editor: Editor, *, clears_preamble: bool = False
) -> None:
    """Write a DICOM file as an editor changes it, in the transfer syntax that it has.

    Memory holds the changes, never bulk data; a deflated data set of up to 256 MiB is held whole.
    If new texts do not fit the character sets of the file, all of its texts become UTF-8. The SOP
    instance UID in the file meta information follows that of the data set.

    Args:
        size: the bytes of the file.
        clears_preamble: whether the 128 bytes before the mark of DICOM become zeros, since they can
            hold another file's header.

    Raises:
        MediaError: the file is broken, too deep, or cannot be rewritten. What was written until
            then must not be used.
    """
    source.seek(0)
    opened = open_source(source, size)
    try:
        body = _walk(opened, editor, becomes_utf_8=False)
    except UnfitText:
        editor = Utf8Editor(editor)
        body = _walk(opened, editor, becomes_utf_8=True)
    source.seek(0)
    has_preamble = source.read(len(_PREAMBLE + _MARK)).endswith(_MARK)
    meta = Walker(source, size, _MetaEditor(editor, body.new_values.get(_SOP_INSTANCE_UID)))
    begins = meta.walk(
        len(_PREAMBLE + _MARK) if has_preamble else 0,
        Encoding(is_implicit=False, is_little_endian=True),
        is_meta=True,
    )
    copied_from = 0
    if clears_preamble and has_preamble:
        copied_from = target.write(_PREAMBLE)
    copy_spliced(source, copied_from, begins, meta.splices, target.write)
    if opened.syntax != DEFLATED:
        copy_spliced(opened.data, opened.start, opened.size, body.splices, target.write)
    elif body.splices:
        _write_deflated(opened, body.splices, target)
    else:
        copy_spliced(source, begins, size, [], target.write)


class _MetaEditor:
    """Edits the file meta information.

    Args:
        sop_instance_uid: the new one; None if the data set keeps its own.
    """

    def __init__(self, editor: Editor, sop_instance_uid: NewElement | None) -> None:
        self._editor = editor
        self._sop_instance_uid = sop_instance_uid

    def change(self, element: Element) -> NewElement | Treatment:
        """Return what becomes of an element."""
        if element.tag == _META_SOP_INSTANCE_UID and self._sop_instance_uid:
            return self._sop_instance_uid
        return self._editor.change(element)

    def additions(self) -> Elements:
        """Return nothing: those of the editor belong to the data set."""
        return {}


def _walk(source: DicomSource, editor: Editor, *, becomes_utf_8: bool) -> Walker:
    walker = Walker(source.data, source.size, editor)
    encoding = Encoding(source.is_implicit, source.is_little_endian, becomes_utf_8=becomes_utf_8)
    walker.walk(source.start, encoding)
    return walker


def _write_deflated(source: DicomSource, splices: list[Splice], target: BinaryIO) -> None:
    """Deflate a data set, and pad it to an even length."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    written = 0

    def write(data: bytes) -> None:
        nonlocal written
        written += target.write(deflater.compress(data))

    copy_spliced(source.data, source.start, source.size, splices, write)
    written += target.write(deflater.flush())
    target.write(bytes(written % 2))
