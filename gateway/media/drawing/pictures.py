"""Pictures from which thumbnails are made: 8-bit RGB, upright, on a neutral ground."""

import io
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from gateway.kinds.thumbnail_sizes import LARGEST, ThumbnailSize, fitted

GROUND = (238, 238, 238)
"""Colour behind what is transparent."""
QUALITY = 80
SPEED = 2
"""Effort of the WebP encoder from 0 to 6; more takes longer and saves little."""
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5
"""Share of the darkest and brightest values that a window without other limits leaves out."""

Array = npt.NDArray[Any]


def shrink(image: Image.Image) -> Image.Image:
    """Return an image that fits the largest thumbnail; a smaller one stays as it is."""
    size = fitted(image.width, image.height, LARGEST)
    if size == image.size:
        return image
    if image.mode in ("P", "PA", "1"):  # colours of a palette cannot be mixed
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def image_of_frame(frame: av.VideoFrame) -> Image.Image:
    """Return a frame that FFmpeg decoded, scaled down to the largest thumbnail."""
    width, height = fitted(frame.width, frame.height, LARGEST)
    small = frame.reformat(width=width, height=height, format="rgb24")
    return Image.fromarray(small.to_ndarray())


def stretch(image: Image.Image, aspect: float) -> Image.Image:
    """Return an image whose pixels are `aspect` times as wide as they are high."""
    if not 0.01 < aspect < 100 or abs(aspect - 1) < 0.005:
        return image
    width, height = image.size
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    return image.resize(fitted(*size, LARGEST), Image.Resampling.BILINEAR)


def flatten(image: Image.Image) -> Image.Image:
    """Return an image of any mode as 8-bit RGB on the neutral ground, in the colours of sRGB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(windowed(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        upper = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", upper.size, (*GROUND, 255)), upper).convert(
            "RGB"
        )
    return to_srgb(image) or image.convert("RGB")


def windowed(values: Array, low: float | None = None, high: float | None = None) -> Array:
    """Map values from `low` to `high` to the greys from 0 to 255; by default, nearly all values.

    Values that are not finite are black.
    """
    values = values.astype(np.float32)
    finite = values[np.isfinite(values)]
    if low is None or high is None:
        limits = np.percentile(finite, (LOW_PERCENTILE, HIGH_PERCENTILE)) if finite.size else (0, 1)
        low, high = float(limits[0]), float(limits[1])
        if low == high and finite.size:
            low, high = float(finite.min()), float(finite.max())
    scaled = (values - low) * (255 / (high - low) if high > low else 0)
    return np.nan_to_num(scaled, nan=0, posinf=255, neginf=0).clip(0, 255).astype(np.uint8)


def encode(picture: Image.Image) -> dict[ThumbnailSize, bytes]:
    """Return the thumbnails of a picture as WebP, without sizes that would not be larger."""
    encoded = {}
    for size in ThumbnailSize:
        target = io.BytesIO()
        scaled = picture.resize(
            fitted(picture.width, picture.height, size),
            Image.Resampling.LANCZOS,
            reducing_gap=3.0,
        )
        scaled.save(target, "WEBP", quality=QUALITY, method=SPEED)
        encoded[size] = target.getvalue()
        if max(picture.size) <= size.pixels:
            break
    return encoded


def to_srgb(image: Image.Image) -> Image.Image | None:
    """Return an image in the colours of sRGB if it has a colour profile that can be used."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK", "L"):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
