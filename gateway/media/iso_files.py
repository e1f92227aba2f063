"""Recognizes ISO base media files, such as MP4, QuickTime, AVIF and HEIF, by their brands."""

BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic-sequence",
    b"hevx": "image/heic-sequence",
    b"hevm": "image/heic-sequence",
    b"hevs": "image/heic-sequence",
    b"mif1": "image/heif",
    b"mif2": "image/heif",
    b"msf1": "image/heif-sequence",
    b"crx ": "image/x-canon-cr3",
    b"jxl ": "image/jxl",
    b"qt  ": "video/quicktime",
    b"mjp2": "video/mj2",
    b"mj2s": "video/mj2",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4P ": "audio/mp4",
}
GENERAL_BRANDS = (b"mif1", b"mif2", b"msf1")
"""Brands of images that only say which boxes there are; a compatible brand names the codec."""
OLD_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""Boxes with which a QuickTime file begins that is older than brands."""


def sniff_iso_media(head: bytes) -> str | None:
    """Recognize a file by its brands; one of unknown brands is MP4."""
    if head[4:8] != b"ftyp":
        return "video/quicktime" if _is_old_quicktime(head) else None
    size = int.from_bytes(head[:4])
    major, compatible = head[8:12], [head[start : start + 4] for start in range(16, size, 4)][:64]
    if major in GENERAL_BRANDS:
        # The image is the main thing, even if a sequence accompanies it.
        named = [brand for brand in compatible if BRANDS.get(brand, "").startswith("image/")]
        specific = [brand for brand in named if brand not in GENERAL_BRANDS]
        major = next(iter(specific), major)
    if major[:2] == b"3g":
        return "video/3gpp2" if major[:3] == b"3g2" else "video/3gpp"
    return BRANDS.get(major, "video/mp4")


def _is_old_quicktime(head: bytes) -> bool:
    """Return whether a file begins with a box of QuickTime, and another one follows within sight.

    The pixels, in `mdat`, may be longer than what is in sight.
    """
    start, count = 0, 0
    while (name := head[start + 4 : start + 8]) in OLD_BOXES:
        size, count = int.from_bytes(head[start : start + 4]), count + 1
        if name in (b"mdat", b"moov"):
            return size in (0, 1) or size >= 8
        if size < 8:
            return False
        start += size
    return False
