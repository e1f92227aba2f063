"""Draws pages of PDF documents."""

import pypdfium2  # type: ignore[import-untyped]  # ships no types
from PIL import Image

from gateway.kinds.thumbnail_sizes import COVER, LARGEST
from gateway.media.drawing.frames import check_frame
from gateway.media.ranged import ReadableFile


def draw(file: ReadableFile, mime_type: str, frame: int) -> Image.Image:
    """Return a page, by default the first, on white paper.

    PDFium is not thread-safe: call this in a process of its own.

    Raises:
        NoSuchFrame: There is no such page.
    """
    with file.open("rb") as data, pypdfium2.PdfDocument(data) as document:
        check_frame(frame, len(document))
        page = document[0 if frame == COVER else frame]
        scale = LARGEST.pixels / max(*page.get_size(), 1)
        picture: Image.Image = page.render(scale=scale, rev_byteorder=True).to_pil()
        return picture.convert("RGB")
