"""Draws the thumbnails of a file."""

import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from PIL import Image

from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.media.drawing.frames import Drawing
from gateway.media.drawing.pictures import encode, flatten, shrink
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile
from gateway.media.sniff import sniff


def draw(
    file: ReadableFile,
    item_type: StorageItemType,
    frame: int,
    reading: Mapping[str, Any] | None = None,
) -> Drawing:
    """Draw a frame of a file: `COVER`, or a number from 0.

    `reading` is how to read a time series. Drawing may take much time and memory, and a hostile
    file may crash the process: run it in a child process, as `Prober` does.

    Raises:
        NoSuchFrame: The file does not have this frame.
        MediaError: The file cannot be decoded.
        MemoryError: Drawing needs more memory than allowed.
        OSError: The file cannot be reached, which is not the file's fault.
    """
    module = ITEM_KINDS[item_type].drawer
    if module is None:
        raise MediaError(f"items of the type {item_type} are not drawn")
    # Imported here, as most processes draw few kinds of files.
    drawer = import_module(f"gateway.media.drawing.{module}")
    mime_type = sniff(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries warn of oddities in files that are accepted
        try:
            options = {"reading": reading} if item_type is StorageItemType.TIMESERIES else {}
            drawn: Image.Image = drawer.draw(file, mime_type, frame, **options)
            picture = flatten(shrink(drawn))
            return Drawing(picture.width, picture.height, encode(picture))
        except (MediaError, MemoryError):
            raise
        except Exception as error:  # the libraries have no complete list of what they raise
            raise MediaError("the file is broken or of an unsupported format") from error
