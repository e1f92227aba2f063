"""Turns the texts of a data set into UTF-8."""

from gateway.dicom.representations import TEXTS
from gateway.dicom.rewriting.elements import Editor, Element, Elements, NewElement, Treatment
from gateway.dicom.rewriting.values import UTF_8
from gateway.media.dicom_values import UNDECODABLE, decoder_of
from gateway.media.errors import MediaError

_CHARACTER_SETS = 0x00080005
_ESCAPE = b"\x1b"


class Utf8Editor:
    """Edits a data set as another editor does, and writes all texts in UTF-8.

    Values whose representation is unknown stay as they are.
    """

    def __init__(self, editor: Editor) -> None:
        self._editor = editor

    def change(self, element: Element) -> NewElement | Treatment:
        """Return what becomes of an element.

        Raises:
            MediaError: a text cannot be decoded by the character sets of the file.
        """
        if element.tag == _CHARACTER_SETS:
            return NewElement("CS", (UTF_8,))
        change = self._editor.change(element)
        if change is not Treatment.COPY or element.vr not in TEXTS:
            return change
        data = element.read()
        if data.isascii() and _ESCAPE not in data:
            return change
        text = decoder_of(element.encoding.character_sets)(data)
        if UNDECODABLE in text:
            raise MediaError(
                f"its texts cannot become UTF-8: {element.tag:08X} is not written in its "
                "character sets"
            )
        return NewElement(element.vr, (text,))

    def additions(self) -> Elements:
        """Return the elements of the editor, and the character set."""
        return {**self._editor.additions(), _CHARACTER_SETS: NewElement("CS", (UTF_8,))}
