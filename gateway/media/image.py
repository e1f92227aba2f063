"""Probes images, which are decoded completely."""

from dataclasses import replace
from typing import BinaryIO, NamedTuple

from PIL import ExifTags, Image, ImageSequence, UnidentifiedImageError
from PIL.TiffImagePlugin import COMPRESSION_INFO, TiffImageFile

from gateway.kinds.media_facts import MediaFacts
from gateway.kinds.media_formats import BOXED_IMAGES, IMAGE_DECODERS, IMAGE_DEMUXERS, TIFF_TYPES
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.heif import read_heif
from gateway.media.image_repairs import decode_repaired
from gateway.media.ranged import ReadableFile
from gateway.media.tiff_pictures import COMPRESSION, end_of, read_pictures, size_of

MAX_PIXELS = 150_000_000
"""Pixels of a frame; decoded, they take 600 MB of memory."""
MAX_PIXELS_OF_ALL_FRAMES = 40 * MAX_PIXELS

WEBP_IN_TIFF = 50001
"""A compression that Pillow knows, but that its TIFF library may be built without."""
WITH_FRAMES = ("GIF", "PNG", "WEBP", "AVIF", "TIFF", "DCX")
"""Formats, as Pillow calls them, of animations and documents of pages."""
BROKEN = "the image is broken or truncated"
ORIENTATION = ExifTags.Base.Orientation
UPRIGHT = 1
TURNED_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


class DecodedImage(NamedTuple):
    """Facts of an image whose frames have all been decoded; the size is as shown."""

    width: int
    height: int
    frame_count: int
    orientation: int
    warnings: list[str]


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add width and height as shown, the orientation, and the number of frames.

    A still image has no frame count.

    Raises:
        MediaError: The image has too many pixels, is broken, or of an unsupported format.
    """
    try:
        if demuxer := IMAGE_DEMUXERS.get(facts.mime_type):
            return probe_with_ffmpeg(file, facts, demuxer)
        if facts.mime_type in BOXED_IMAGES:
            return probe_heif(file, facts)
        if facts.mime_type in TIFF_TYPES:
            return probe_tiff(file, facts)
        return with_decoded(facts, decode_frames(file, IMAGE_DECODERS[facts.mime_type]))
    except Image.DecompressionBombError:
        raise UnsuitableFile(
            f"the image is too large; the limit is {MAX_PIXELS:,} pixels"
        ) from None
    except (OSError, SyntaxError, EOFError):
        raise MediaError(BROKEN) from None


def probe_with_ffmpeg(file: ReadableFile, facts: MediaFacts, demuxer: str) -> MediaFacts:
    """Add the facts of an image that FFmpeg decodes."""
    from gateway.media.ffmpeg_pictures import decode_picture  # which most images do not need

    picture = decode_picture(file, demuxer)
    return replace(facts, width=picture.width, height=picture.height, orientation=UPRIGHT)


def probe_heif(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add the facts of a HEIF image, whose pixels are decoded if there is a decoder.

    Raises:
        MediaError: The image has too many pixels, is broken, or truncated.
    """
    image = read_heif(file, facts.file_size)
    check_pixel_count(image.width, image.height)
    if image.is_decodable:
        from gateway.media.ffmpeg_pictures import decode_heif  # which most images do not need

        decode_heif(file, image)
    else:
        codec = image.coding.decode("ascii", "replace")
        facts = facts.with_warnings(f"The pixels were not checked: no decoder supports {codec}.")
    return with_size(facts, image.width, image.height, image.orientation)


def probe_tiff(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add the facts of a TIFF image or of a raw photo in TIFF, of which only directories are read.

    Scientific images may have pixels of which Pillow has no notion; they are kept as they are.

    Raises:
        MediaError: The image has too many pixels, is broken, or truncated.
    """
    with file.open("rb") as data:
        pictures = read_pictures(data)
    if not pictures.raw_type and not pictures.is_main_behind:
        compression = pictures.main.get(COMPRESSION, (1,))[0]
        if compression in COMPRESSION_INFO and compression != WEBP_IN_TIFF:
            try:
                return with_decoded(facts, decode_frames(file, "TIFF"))
            except UnidentifiedImageError:
                pass  # the directories say enough, and a warning says the rest
        facts = facts.with_warnings("The pixels were not checked: no decoder supports them.")
    if end_of(pictures.main) > facts.file_size:
        raise MediaError(
            f"the image is truncated: it has {facts.file_size:,} of {end_of(pictures.main):,} bytes"
        )
    facts = replace(facts, mime_type=pictures.raw_type or facts.mime_type)
    pages = None if pictures.raw_type else len(pictures.pages)
    return with_size(facts, *size_of(pictures.main), pictures.orientation, pages)


def with_decoded(facts: MediaFacts, decoded: DecodedImage) -> MediaFacts:
    """Add the facts of a decoded image, whose size is as shown already."""
    return replace(
        facts,
        width=decoded.width,
        height=decoded.height,
        frame_count=decoded.frame_count if decoded.frame_count > 1 else None,
        orientation=decoded.orientation,
    ).with_warnings(*decoded.warnings)


def with_size(
    facts: MediaFacts, width: int, height: int, orientation: int, frames: int | None = None
) -> MediaFacts:
    """Add size and orientation, given the size as stored."""
    if orientation in TURNED_SIDEWAYS:
        width, height = height, width
    frame_count = frames if frames and frames > 1 else None
    return replace(
        facts, width=width, height=height, orientation=orientation, frame_count=frame_count
    )


def decode_frames(file: ReadableFile, decoder: str) -> DecodedImage:
    """Decode every frame, after a repair of what is no damage to the pixels if there must be one.

    Raises:
        MediaError: The image, or all frames together, have too many pixels.
        OSError: The image is broken or truncated.
    """
    decoded, warnings = decode_repaired(file, decoder, decode_all)
    return decoded._replace(warnings=[*decoded.warnings, *warnings])


def decode_all(data: BinaryIO, decoder: str) -> DecodedImage:
    """Decode every frame.

    Raises:
        MediaError: The image, or all frames together, have too many pixels.
        OSError: The image is broken or truncated.
    """
    with Image.open(data, formats=[decoder]) as image:
        width, height = image.size
        count = count_of_frames(image)
        if count * width * height > MAX_PIXELS_OF_ALL_FRAMES:
            raise UnsuitableFile(
                f"the animation is too large: {count:,} frames of {width:,} × {height:,} pixels; "
                f"the limit is {MAX_PIXELS_OF_ALL_FRAMES:,} pixels"
            )
        check_pixel_count(width, height)
        is_tiff = isinstance(image, TiffImageFile)
        orientation, warnings = read_orientation(image) if is_tiff else (UPRIGHT, [])
        for index, frame in zip(range(count), ImageSequence.Iterator(image), strict=False):
            check_pixel_count(frame.width, frame.height)
            frame.load()
            if not index and not is_tiff:  # the EXIF of a PNG may follow the pixels
                orientation, warnings = read_orientation(image)
    if orientation in TURNED_SIDEWAYS and not is_tiff:  # whose size is as shown already
        width, height = height, width
    return DecodedImage(width, height, count, orientation, warnings)


def count_of_frames(image: Image.Image) -> int:
    """Return the number of frames or pages.

    What other formats hold besides the image, such as the depth map of a JPEG and the layers of a
    PSD, is part of a still image.
    """
    return getattr(image, "n_frames", 1) if image.format in WITH_FRAMES else 1


def read_orientation(image: Image.Image) -> tuple[int, list[str]]:
    """Return the EXIF orientation of an image, and warnings about what is malformed.

    The transformations of AVIF are among them: its decoder translates them. XMP is not read, as
    viewers ignore the orientation in it.
    """
    try:
        if isinstance(image, TiffImageFile):
            value = image.tag_v2.get(ORIENTATION, UPRIGHT)
        else:
            exif = Image.Exif()
            exif.load(image.info.get("exif", b""))
            value = exif.get(ORIENTATION, UPRIGHT)
    except Exception:  # the library has no complete list of what it raises
        return UPRIGHT, ["The EXIF data is malformed and was not read."]
    if value in range(1, 9):
        return int(value), []
    return UPRIGHT, [f"Orientation is not a number from 1 to 8: {value!r:.50}."]


def check_pixel_count(width: int, height: int) -> None:
    """Refuse an image that would fill the memory, before it is decoded.

    Raises:
        MediaError: The image has too many pixels.
    """
    if width * height > MAX_PIXELS:
        raise UnsuitableFile(
            f"the image is too large: {width:,} × {height:,} pixels; "
            f"the limit is {MAX_PIXELS:,} pixels"
        )
