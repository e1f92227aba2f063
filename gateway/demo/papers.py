"""Documents of the demo: a report of two pages, a protocol and a diary."""

import io

from PIL import Image, ImageDraw, ImageFont

from gateway.demo.phantom import slice_image

PAGE = (595, 842)
INK, GREY = (30, 34, 44), (110, 116, 128)

FINDINGS = """\
Phantom, axial and coronal. No patient was seen.

The skull is an ellipsoid of even thickness. Two ventricles
lie to the left and right of the middle, mirrored but not
quite of the same size. One round body, 5 mm, lies between
them, as in every phantom of this kind.

Nothing has changed since the last time.
"""
PROTOCOL = """\
Head phantom: how the series was made

 1. Place the phantom in the middle, chin up.
 2. Axial slices from the neck to the crown, 24 slices, 128 × 128.
 3. Density 0 to 4095, noise σ = 49.
 4. Send the series to “Head CT”, the volume to “Head MR”.

Questions go to curator@demo.example.
"""
DIARY = """\
07:10  Grey, 4 °C. Nobody but the birds (birds.flac).
09:00  Bell of the small church, nine strokes; the recording has the first four (bell.mp3).
13:45  Rain on the tin roof (rain.wav). Packed up when it came through the jacket.
"""


def report() -> bytes:
    """Return a PDF of two A4 pages: findings, and the slices that they describe."""
    first, second = _page("Reading report"), _page("Key slices")
    ImageDraw.Draw(first).multiline_text(
        (56, 130), FINDINGS, INK, ImageFont.load_default(15), spacing=9
    )
    for position, number in enumerate((6, 9, 12, 20)):
        left, top = 56 + 250 * (position % 2), 130 + 290 * (position // 2)
        second.paste(slice_image(128, 24, number).resize((230, 230)), (left, top))
        ImageDraw.Draw(second).text(
            (left, top + 238), f"Slice {number + 1} of 24", GREY, ImageFont.load_default(13)
        )
    file = io.BytesIO()
    first.save(
        file,
        "PDF",
        save_all=True,
        append_images=[second],
        title="Reading report",
        author="Storegraph demo",
    )
    return file.getvalue()


def _page(title: str) -> Image.Image:
    """Return an A4 page with a title."""
    page = Image.new("RGB", PAGE, "white")
    draw = ImageDraw.Draw(page)
    draw.text((56, 56), title, INK, ImageFont.load_default(28))
    draw.line((56, 104, PAGE[0] - 56, 104), GREY)
    return page
