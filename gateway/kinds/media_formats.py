"""The formats of images, videos and audio that are read, by MIME type.

A format that is recognized by `gateway.media.sniff` but not listed here is kept as a `FILE`.
"""

from collections.abc import Mapping

IMAGE_DECODERS: Mapping[str, str] = {
    "image/png": "PNG",
    "image/apng": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/x-dib": "DIB",
    "image/avif": "AVIF",
    "image/jp2": "JPEG2000",
    "image/j2c": "JPEG2000",
    "image/vnd.microsoft.icon": "ICO",
    "image/x-win-bitmap": "CUR",
    "image/x-icns": "ICNS",
    "image/vnd.adobe.photoshop": "PSD",
    "image/vnd-ms.dds": "DDS",
    "image/vnd.zbrush.pcx": "PCX",
    "image/x-dcx": "DCX",
    "image/x-tga": "TGA",
    "image/sgi": "SGI",
    "image/x-sun-raster": "SUN",
    "image/x-portable-bitmap": "PPM",
    "image/x-portable-graymap": "PPM",
    "image/x-portable-pixmap": "PPM",
    "image/x-portable-floatmap": "PPM",
    "image/x-xbitmap": "XBM",
    "image/x-xpixmap": "XPM",
    "image/qoi": "QOI",
    "image/x-msp": "MSP",
    "image/x-blp": "BLP",
    "image/x-gimp-gbr": "GBR",
}
"""Decoders of Pillow. No other one is ever tried on a file."""

IMAGE_DEMUXERS: Mapping[str, str] = {
    "image/x-portable-arbitrarymap": "pam_pipe",
    "image/x-exr": "exr_pipe",
    "image/vnd.radiance": "hdr_pipe",
    "image/x-dpx": "dpx_pipe",
    "image/jls": "jpegls_pipe",
    "image/x-xwindowdump": "xwd_pipe",
}
"""Demuxers of FFmpeg for images that Pillow does not read."""

TIFF_TYPES = ("image/tiff", "image/x-olympus-orf", "image/x-panasonic-rw2")
"""Formats whose directories say which picture is the main one, such as raw photos."""

BOXED_IMAGES = ("image/heic", "image/heif")
"""Images whose size and transformations are stated in boxes of their container."""

VIDEO_DEMUXERS: Mapping[str, str] = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "video/3gpp2": "mov",
    "video/mj2": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/x-ms-wmv": "asf",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/mpv": "mpegvideo",
    "video/mp2t": "mpegts",
    "video/ogg": "ogg",
    "video/dv": "dv",
    "video/h264": "h264",
    "video/h265": "hevc",
    "video/x-ivf": "ivf",
    "video/x-yuv4mpeg": "yuv4mpegpipe",
    "video/x-nut": "nut",
    "video/x-flic": "flic",
    "video/x-wtv": "wtv",
    "video/mp4v-es": "m4v",
    "application/mxf": "mxf",
    "application/vnd.rn-realmedia": "rm",
}
"""Demuxers of FFmpeg for containers that may hold pictures."""

AUDIO_DEMUXERS: Mapping[str, str] = {
    "audio/mp4": "mov",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/x-loas": "loas",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/x-w64": "w64",
    "audio/aiff": "aiff",
    "audio/amr": "amr",
    "audio/amr-wb": "amr",
    "audio/basic": "au",
    "audio/x-caf": "caf",
    "audio/x-voc": "voc",
    "audio/x-8svx": "iff",
    "audio/x-dff": "iff",
    "audio/x-dsf": "dsf",
    "audio/x-ircam": "ircam",
    "audio/x-nist": "nistsphere",
    "audio/x-sox": "sox",
    "audio/x-tta": "tta",
    "audio/x-wavpack": "wv",
    "audio/x-ape": "ape",
    "audio/x-tak": "tak",
    "audio/x-shorten": "shn",
    "audio/x-musepack": "mpc",
    "audio/x-musepack8": "mpc8",
    "audio/x-qoa": "qoa",
    "audio/qcelp": "qcp",
    "audio/x-xwma": "xwma",
    "audio/ac3": "ac3",
    "audio/eac3": "eac3",
    "audio/vnd.dts": "dts",
    "audio/vnd.dts.hd": "dtshd",
    "audio/vnd.dolby.mlp": "mlp",
    "audio/x-truehd": "truehd",
    "audio/x-ilbc": "ilbc",
    "audio/x-sony-oma": "oma",
    "audio/x-sbc": "sbc",
    "audio/x-realaudio": "rm",
}
"""Demuxers of FFmpeg for containers of audio alone."""

DEMUXERS: Mapping[str, str] = {**VIDEO_DEMUXERS, **AUDIO_DEMUXERS}
IMAGE_TYPES = (*IMAGE_DECODERS, *IMAGE_DEMUXERS, *BOXED_IMAGES, *TIFF_TYPES)
TEXT_IMAGES = (
    "image/x-portable-bitmap",
    "image/x-portable-graymap",
    "image/x-portable-pixmap",
    "image/x-xbitmap",
    "image/x-xpixmap",
)
"""Images that may be written as text."""

# Content cannot tell these from plain text, so here alone the name decides.
TEXT_TYPES: Mapping[str, str] = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".json": "application/json",
}


def name_for_type(mime_type: str | None) -> str:
    """Return a file name by which a text keeps the type that an earlier name gave it."""
    extensions = (extension for extension, each in TEXT_TYPES.items() if each == mime_type)
    return f"file{next(extensions, '')}"
