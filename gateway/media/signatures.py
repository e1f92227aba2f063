"""Signatures: formats of images, videos and audio by the bytes at their beginning."""

import re

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    # Images.
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff\xf7", "image/jls"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"II+\0\x08\0\0\0", "image/tiff"),
    (0, b"MM\0+\0\x08\0\0", "image/tiff"),
    (0, b"IIRO\x08\0\0\0", "image/x-olympus-orf"),
    (0, b"IIRS\x08\0\0\0", "image/x-olympus-orf"),
    (0, b"IIU\0", "image/x-panasonic-rw2"),
    (0, b"\xff\x4f\xff\x51", "image/j2c"),
    (4, b"jP  \r\n\x87\n", "image/jp2"),
    (0, b"icns", "image/x-icns"),
    (0, b"8BPS\0\1", "image/vnd.adobe.photoshop"),
    (0, b"DDS |\0\0\0", "image/vnd-ms.dds"),
    (0, b"\xb1\x68\xde\x3a", "image/x-dcx"),
    (0, b"\x59\xa6\x6a\x95", "image/x-sun-raster"),
    (0, b"qoif", "image/qoi"),
    (0, b"DanM", "image/x-msp"),
    (0, b"LinS", "image/x-msp"),
    (0, b"BLP1", "image/x-blp"),
    (0, b"BLP2", "image/x-blp"),
    (20, b"GIMP", "image/x-gimp-gbr"),
    (0, b"\x76\x2f\x31\x01", "image/x-exr"),
    (0, b"#?RADIANCE\n", "image/vnd.radiance"),
    (0, b"#?RGBE\n", "image/vnd.radiance"),
    (0, b"SDPX", "image/x-dpx"),
    (0, b"XPDS", "image/x-dpx"),
    # Videos.
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c", "video/x-ms-wmv"),
    (0, b"FLV\1", "video/x-flv"),
    (0, b"DKIF\0\0\x20\0", "video/x-ivf"),
    (0, b"YUV4MPEG2 ", "video/x-yuv4mpeg"),
    (0, b"nut/multimedia container\0", "video/x-nut"),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "application/mxf"),
    (0, b".RMF\0\0\0", "application/vnd.rn-realmedia"),
    (0, b"\xb7\xd8\0\x20\x37\x49\xda\x11\xa6\x4e\0\7\xe9\x5e\xad\x8d", "video/x-wtv"),
    (0, b"\0\0\1\xb0", "video/mp4v-es"),
    # Audio.
    (0, b".ra\xfd", "audio/x-realaudio"),
    (0, b"fLaC", "audio/flac"),
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0", "audio/x-w64"),
    (0, b"#!AMR\n", "audio/amr"),
    (0, b"#!AMR-WB\n", "audio/amr-wb"),
    (0, b".snd\0\0", "audio/basic"),
    (0, b"caff\0\1", "audio/x-caf"),
    (0, b"Creative Voice File\x1a", "audio/x-voc"),
    (0, b"DSD \x1c\0\0\0", "audio/x-dsf"),
    (0, b"\x64\xa3\1\0", "audio/x-ircam"),
    (0, b"\x64\xa3\2\0", "audio/x-ircam"),
    (0, b"\x64\xa3\3\0", "audio/x-ircam"),
    (0, b"\x64\xa3\4\0", "audio/x-ircam"),
    (0, b"\0\1\xa3\x64", "audio/x-ircam"),
    (0, b"\0\2\xa3\x64", "audio/x-ircam"),
    (0, b"\0\3\xa3\x64", "audio/x-ircam"),
    (0, b"\0\4\xa3\x64", "audio/x-ircam"),
    (0, b"NIST_1A\n", "audio/x-nist"),
    (0, b".SoX", "audio/x-sox"),
    (0, b"XoS.", "audio/x-sox"),
    (0, b"TTA1", "audio/x-tta"),
    (0, b"wvpk", "audio/x-wavpack"),
    (0, b"MAC ", "audio/x-ape"),
    (0, b"tBaK", "audio/x-tak"),
    (0, b"ajkg", "audio/x-shorten"),
    (0, b"MP+\7", "audio/x-musepack"),
    (0, b"MPCKSH", "audio/x-musepack8"),
    (0, b"qoaf", "audio/x-qoa"),
    (0, b"\x7f\xfe\x80\x01", "audio/vnd.dts"),
    (0, b"\xfe\x7f\x01\x80", "audio/vnd.dts"),
    (0, b"\x1f\xff\xe8\x00", "audio/vnd.dts"),
    (0, b"\xff\x1f\x00\xe8", "audio/vnd.dts"),
    (0, b"DTSHDHDR", "audio/vnd.dts.hd"),
    (4, b"\xf8\x72\x6f\xba", "audio/x-truehd"),
    (4, b"\xf8\x72\x6f\xbb", "audio/vnd.dolby.mlp"),
    (0, b"#!iLBC", "audio/x-ilbc"),
    (0, b"EA3\1\0", "audio/x-sony-oma"),
    (0, b"EA3\2\0", "audio/x-sony-oma"),
    (0, b"ea3\3\0", "audio/x-sony-oma"),
)
"""Offset, bytes and MIME type; the first that matches decides."""
BINARY_SIGNATURES = tuple(
    (offset, mark, mime_type)
    for offset, mark, mime_type in SIGNATURES
    if any(octet < 9 or octet > 126 for octet in mark) and len(mark) > 3
)
"""Those with a byte that is no letter, which therefore decide before a text is suspected."""

CHUNK_FORMS = {
    b"WAVE": "audio/wav",
    b"QLCM": "audio/qcelp",
    b"XWMA": "audio/x-xwma",
    b"AVI ": "video/x-msvideo",
    b"WEBP": "image/webp",
    b"AIFF": "audio/aiff",
    b"AIFC": "audio/aiff",
    b"8SVX": "audio/x-8svx",
}
"""MIME types of files of chunks (RIFF and FORM) by their form."""
CHUNK_MARKS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")
MIN_HEADER_SIZE = 26
BITMAP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}
# Portable bitmaps and those of X are texts, which are told from others by their syntax.
TEXT_IMAGES = (
    (re.compile(rb"P1\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s+[01]"), "image/x-portable-bitmap"),
    (re.compile(rb"P2\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s+\d+\s"), "image/x-portable-graymap"),
    (re.compile(rb"P3\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s+\d+\s"), "image/x-portable-pixmap"),
    (re.compile(rb"\s*/\* XPM \*/"), "image/x-xpixmap"),
    (
        re.compile(rb"\s*(?:/\*.{0,1000}?\*/\s*)?#define\s+\w+_width\s+\d+\s+#define\s+\w+_height"),
        "image/x-xbitmap",
    ),
)
PORTABLE_IMAGES = (
    (re.compile(rb"P4\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s"), "image/x-portable-bitmap"),
    (re.compile(rb"P5\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s+\d+\s"), "image/x-portable-graymap"),
    (re.compile(rb"P6\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s+\d+\s"), "image/x-portable-pixmap"),
    (re.compile(rb"P[Ff]\s+\d+\s+\d+\s+-?[\d.]+\s"), "image/x-portable-floatmap"),
    (re.compile(rb"P7\n(?:#[^\n]*\n)*WIDTH \d+\n"), "image/x-portable-arbitrarymap"),
)


def sniff_binary_signature(head: bytes) -> str | None:
    """Recognize formats that begin with bytes of their own, which no text has."""
    for offset, mark, mime_type in BINARY_SIGNATURES:
        if head.startswith(mark, offset):
            # An animated PNG has a chunk for it before the pixels.
            is_animated = mime_type == "image/png" and b"acTL" in head.partition(b"IDAT")[0]
            return "image/apng" if is_animated else mime_type
    return None


def sniff_signature(head: bytes) -> str | None:
    """Recognize formats that begin with bytes of their own, which may be letters."""
    for offset, mark, mime_type in SIGNATURES:
        if head.startswith(mark, offset):
            return mime_type
    if head[:4] in CHUNK_MARKS:
        return CHUNK_FORMS.get(head[8:12])
    return "audio/x-dff" if head[:4] == b"FRM8" and head[12:16] == b"DSD " else None


def sniff_text_image(head: bytes) -> str | None:
    """Recognize images that are written as text."""
    return _first_match(TEXT_IMAGES, head)


def sniff_weak_signature(head: bytes) -> str | None:
    """Recognize images by several fields of their headers, as none would be enough."""
    if mime_type := _first_match(PORTABLE_IMAGES, head):
        return mime_type
    if len(head) < MIN_HEADER_SIZE:
        return None
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BITMAP_HEADER_SIZES:
        return "image/bmp"
    if head[:4] == b"\x28\0\0\0" and head[12:14] == b"\1\0":
        return "image/x-dib"
    if head[:4] in (b"\0\0\1\0", b"\0\0\2\0") and head[9:10] == b"\0" and head[4:6] != b"\0\0":
        return "image/vnd.microsoft.icon" if head[2] == 1 else "image/x-win-bitmap"
    if (
        head[:1] == b"\x0a"
        and head[1] in range(6)
        and head[2:3] == b"\1"
        and head[3] in (1, 2, 4, 8)
    ):
        return "image/vnd.zbrush.pcx"
    if head[:2] == b"\x01\xda" and head[2] in (0, 1) and head[3] in (1, 2):
        return "image/sgi"
    if head[:8] == b"\0\0\0\x64\0\0\0\x07" or head[4:8] == b"\0\0\0\x07" == head[8:11] + b"\x07":
        return "image/x-xwindowdump"
    if head[4:6] in (b"\x11\xaf", b"\x12\xaf") and head[14:16] in (b"\0\0", b"\3\0"):
        return "video/x-flic"
    return None


def _first_match(patterns: tuple[tuple[re.Pattern[bytes], str], ...], head: bytes) -> str | None:
    return next((mime_type for pattern, mime_type in patterns if pattern.match(head)), None)
