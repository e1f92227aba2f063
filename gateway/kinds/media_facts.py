"""The facts that are known of media files: one row for each, from which other lists derive.

The fields of `MediaFacts` are the rows: each declares the type of a fact and, as a `MediaFact`,
everything else about it. `docs/adding.md` lists the steps for adding one.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from functools import partial
from types import UnionType
from typing import Annotated, Any, Self, get_args, get_type_hints

from gateway.kinds.dicom_object import DicomObject
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_types import MAX_MEDIA_TYPE, MEDIA_TYPE_PATTERN

_VIDEO, _IMAGE, _AUDIO = StorageItemType.VIDEO, StorageItemType.IMAGE, StorageItemType.AUDIO
_DICOM, _NIFTI, _PDF = StorageItemType.DICOM_FILE, StorageItemType.NIFTI, StorageItemType.PDF
_TIMESERIES, _SCENE = StorageItemType.TIMESERIES, StorageItemType.SCENE

PROBE_VERSION = 2
"""Version of the facts that probers read; raised whenever some files get other facts than before.

`storegraph reprobe` reads the files of items with a lower version again.
"""
MAX_WARNINGS = 20
"""Warnings that are kept of one file."""
MAX_WARNING_LENGTH = 300
"""Characters of one warning that are kept."""


@dataclass(frozen=True, slots=True)
class MediaFact:
    """Everything about a fact but its name and type, which `MEDIA_FACTS` fills in.

    Attributes:
        description: Description of the field of `StorageItem`; its first sentence also describes
            the input field.
        name: Field of `MediaFacts`, column of `items`, and in camel case field of `StorageItem`.
        type: Python type of a value that is known.
        kinds: Kinds of files that may have it; empty if all have it.
        unit: Unit of a number.
        minimum: Smallest value of a number.
        excludes_minimum: Whether a number must be greater than `minimum`.
        maximum: Largest value of a number.
        max_length: Largest number of characters of a text.
        pattern: Regular expression that a text must match, and what it means.
        input_name: Field of the metadata inputs by which clients provide it; None if they cannot.
        is_column: Whether `items` has a column for it.
        is_field: Whether `StorageItem` has a field for it.
    """

    description: str
    _: KW_ONLY
    name: str = ""
    type: type = object
    kinds: tuple[StorageItemType, ...] = ()
    unit: str | None = None
    minimum: float | None = None
    excludes_minimum: bool = False
    maximum: float | None = None
    max_length: int | None = None
    pattern: tuple[str, str] | None = None
    input_name: str | None = None
    is_column: bool = True
    is_field: bool = True

    def accepts(self, value: Any) -> bool:
        """Return whether a value of the right type is within the bounds."""
        if isinstance(value, str):
            return 1 <= len(value) <= (self.max_length or math.inf) and (
                self.pattern is None or re.fullmatch(self.pattern[0], value) is not None
            )
        if self.minimum is None:
            return True
        above = value > self.minimum if self.excludes_minimum else value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum) and math.isfinite(value)

    @property
    def expectation(self) -> str:
        """Values that `accepts` allows, as a phrase for errors such as "a number from 1 to 9"."""
        if self.type is str:
            return self.pattern[1] if self.pattern else f"1 to {self.max_length} characters"
        if self.maximum is not None:
            return f"a number from {self.minimum:,} to {self.maximum:,}"
        return f"a number that is {self._lower_bound}"

    @property
    def input_description(self) -> str:
        """Description of the input field by which clients provide the fact."""
        sentence = self.description.partition(".")[0]
        return f"{sentence}." if self.minimum is None else f"{sentence}, {self._lower_bound}."

    @property
    def _lower_bound(self) -> str:
        return f"{'greater than' if self.excludes_minimum else 'at least'} {self.minimum}"


_count = partial(MediaFact, minimum=1, maximum=2**31 - 1)
_count64 = partial(MediaFact, minimum=1, maximum=2**63 - 1)
_dicom_uid = partial(MediaFact, kinds=(_DICOM,), max_length=64)
_with_frames = (_VIDEO, _IMAGE, _DICOM, _NIFTI)


@dataclass(slots=True)  # frozen, it would take five times as long to create
class MediaFacts:
    """The facts of one file; None where it has no such property, or where it could not be read.

    Facts are never changed, only replaced.

    A prober reports what it could not read, or assumed, by `with_warnings`.

    There is no digest of a file that is read in ranges: it would take every byte.
    """

    sha256: Annotated[
        str | None,
        MediaFact(
            "SHA-256 of the content as 64 hex digits. Null until processed, and for files that "
            "were not read in full.",
            max_length=64,
        ),
    ]
    file_size: Annotated[
        int,
        _count64(
            "Size in bytes. Null until processed, and for items without a file.",
            unit="bytes",
            minimum=0,
            input_name="file_size",
        ),
    ]
    mime_type: Annotated[
        str,
        MediaFact(
            "Media type, such as `image/png`, detected from the content unless the client "
            "declared it. Null until processed.",
            max_length=MAX_MEDIA_TYPE,
            pattern=(MEDIA_TYPE_PATTERN, "a type and a subtype, such as image/png"),
            input_name="mime_type",
        ),
    ]
    width: Annotated[
        int | None,
        _count(
            "Width in pixels as shown, with `orientation` applied. Voxels for NIfTI volumes.",
            kinds=_with_frames,
            unit="pixels",
            input_name="width",
        ),
    ] = None
    height: Annotated[
        int | None,
        _count(
            "Height in pixels as shown, with `orientation` applied. Voxels for NIfTI volumes.",
            kinds=_with_frames,
            unit="pixels",
            input_name="height",
        ),
    ] = None
    orientation: Annotated[
        int | None,
        MediaFact(
            "Transformation that shows the stored pixels upright, as an EXIF orientation from 1 to "
            "8: 1 leaves them alone, 6 turns them 90 degrees clockwise, 8 counterclockwise, and 3 "
            "by 180 degrees; 2, 4, 5 and 7 also mirror them. It is applied to `width` and "
            "`height`.",
            kinds=(_VIDEO, _IMAGE),
            minimum=1,
            maximum=8,
        ),
    ] = None
    fps: Annotated[
        float | None,
        MediaFact(
            "Frame rate in frames per second.",
            kinds=(_VIDEO,),
            unit="frames per second",
            minimum=0,
            excludes_minimum=True,
            input_name="fps",
        ),
    ] = None
    duration: Annotated[
        float | None,
        MediaFact(
            "Duration in seconds. For a time series, the time from the earliest to the latest row; "
            "null if the unit of its times is not known. Null for items without one.",
            kinds=(_VIDEO, _AUDIO, _TIMESERIES),
            unit="seconds",
            minimum=0,
            input_name="duration",
        ),
    ] = None
    frame_count: Annotated[
        int | None,
        _count64(
            "Number of frames or slices. Null for still images.", kinds=_with_frames, unit="frames"
        ),
    ] = None
    audio_sample_rate: Annotated[
        int | None,
        _count("Audio sample rate in Hz.", kinds=(_AUDIO,), unit="Hz", input_name="sample_rate"),
    ] = None
    audio_bit_depth: Annotated[
        int | None,
        _count("Bits per audio sample.", kinds=(_AUDIO,), unit="bits", input_name="bit_depth"),
    ] = None
    audio_codec: Annotated[
        str | None,
        MediaFact(
            "Name of the audio codec, such as `mp3`.",
            kinds=(_AUDIO,),
            max_length=100,
            input_name="codec",
        ),
    ] = None
    audio_num_channels: Annotated[
        int | None,
        _count(
            "Number of audio channels.", kinds=(_AUDIO,), unit="channels", input_name="num_channels"
        ),
    ] = None
    dicom_instance_uid: Annotated[str | None, _dicom_uid("SOP instance UID of a DICOM file.")] = (
        None
    )
    dicom_study_uid: Annotated[
        str | None, _dicom_uid("Study instance UID of a DICOM file or series.")
    ] = None
    dicom_series_uid: Annotated[
        str | None, _dicom_uid("Series instance UID of a DICOM file or series.")
    ] = None
    dicom_instance_number: Annotated[
        int | None,
        MediaFact(
            "Instance number, which orders the files of a DICOM series during ingestion.",
            kinds=(_DICOM,),
            minimum=-(2**31),
            maximum=2**31 - 1,
            is_column=False,
            is_field=False,
        ),
    ] = None
    dicom: Annotated[
        DicomObject | None,
        MediaFact(
            "All tags of a DICOM file, and what they say of its patient, study and series.",
            kinds=(_DICOM,),
            is_column=False,
            is_field=False,
        ),
    ] = None
    page_count: Annotated[
        int | None,
        _count("Number of pages.", kinds=(_PDF,), unit="pages", input_name="page_count"),
    ] = None
    time_series: Annotated[
        dict[str, Any] | None,
        MediaFact(
            "Columns and rows, exposed by `TimeSeriesItem.content`.",
            kinds=(_TIMESERIES,),
            is_field=False,
        ),
    ] = None
    scene: Annotated[
        dict[str, Any] | None,
        MediaFact(
            "Format and points, or the document, exposed by fields of `SceneItem`.",
            kinds=(_SCENE,),
            is_field=False,
        ),
    ] = None
    text_encoding: Annotated[
        str | None,
        MediaFact(
            "Encoding of a text or time series: its name in the WHATWG Encoding Standard, such as "
            "`UTF-8` or `windows-1252`, or else in the IANA registry. Taken from the byte order mark or the "
            "text's own declaration, otherwise recognized from the content.",
            kinds=(StorageItemType.PLAIN_TEXT, _TIMESERIES),
            max_length=40,
        ),
    ] = None
    crc32: Annotated[
        int | None,
        MediaFact(
            "CRC-32 of the content, which archives of stored files state.",
            minimum=0,
            maximum=2**32 - 1,
            is_column=False,
            is_field=False,
        ),
    ] = None
    kind: Annotated[
        StorageItemType | None,
        MediaFact(
            "The kind of item that the file becomes, which follows from the content if no kind "
            "was named. None for facts that a client provides.",
            is_column=False,
            is_field=False,
        ),
    ] = None
    probe_warnings: Annotated[
        list[str],
        MediaFact(
            "Sentences about what could not be read from the file, or was assumed. There are at "
            f"most {MAX_WARNINGS} of up to {MAX_WARNING_LENGTH} characters, and none for items "
            "without a file. Empty if the folder is masked to the viewer."
        ),
    ] = field(default_factory=list)

    probe_version: Annotated[
        int,
        MediaFact(
            "Version of the prober that read the facts; 0 if the client provided them, and null "
            "before there were versions.",
            minimum=0,
            maximum=2**31 - 1,
            is_field=False,
        ),
    ] = 0

    def with_warnings(self, *warnings: str) -> Self:
        """Return the facts with further warnings: plain sentences that name a tag or field.

        Repeated ones and those beyond `MAX_WARNINGS` are left out, so that no file fills a row.
        """
        if not warnings:
            return self
        printable = (
            "".join(letter if letter.isprintable() else "\ufffd" for letter in warning)
            for warning in warnings
        )
        distinct = dict.fromkeys(
            (*self.probe_warnings, *(text[:MAX_WARNING_LENGTH] for text in printable))
        )
        return replace(self, probe_warnings=list(distinct)[:MAX_WARNINGS])

    def for_json(self) -> dict[str, Any]:
        """Return the facts as JSON has them, without those that have their default values."""
        values = ((fact, getattr(self, fact.name)) for fact in fields(self))
        return {fact.name: value for fact, value in values if value != fact.default}


def _rows() -> Iterator[MediaFact]:
    for name, annotation in get_type_hints(MediaFacts, include_extras=True).items():
        value_type, fact = get_args(annotation)
        is_optional = isinstance(value_type, UnionType)
        python_type = get_args(value_type)[0] if is_optional else value_type
        yield replace(fact, name=name, type=python_type)


MEDIA_FACTS: Mapping[str, MediaFact] = {fact.name: fact for fact in _rows()}
"""All facts by name."""

INPUT_FACTS: Mapping[str, MediaFact] = {
    fact.input_name: fact for fact in MEDIA_FACTS.values() if fact.input_name
}
"""The facts that clients can provide, by the names of their input fields."""
