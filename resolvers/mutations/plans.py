"""What a client wants made, read from `DataUploadItemsInput` and checked field by field."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from gateway.catalog.provided import checked_facts, dicom_facts
from gateway.catalog.starting import Source, UnitPlan, is_ours
from gateway.catalog.texts import checked_metadata, checked_name
from gateway.errors import DomainError, ErrorCode, Path, Refusal, bad_input
from gateway.fetching.errors import FetchError
from gateway.fetching.rules import Rules
from gateway.kinds import StorageItemType
from resolvers.inputs.uploads import DataUploadItemsInput

MAX_UNITS = 10_000
MAX_FILES = 100_000
_FILES = (
    ("videos", StorageItemType.VIDEO),
    ("images", StorageItemType.IMAGE),
    ("audio", StorageItemType.AUDIO),
    ("text", StorageItemType.PLAIN_TEXT),
    ("pdf", StorageItemType.PDF),
    ("nifti", StorageItemType.NIFTI),
    ("dicom_files", StorageItemType.DICOM_FILE),
)
_GROUPS = (
    ("image_groups", "images", StorageItemType.IMAGE_GROUP, StorageItemType.IMAGE),
    ("dicom_series", "dicom_files", StorageItemType.DICOM_SERIES, StorageItemType.DICOM_FILE),
)
_COLUMNS = {
    "sample_rate": "audio_sample_rate",
    "bit_depth": "audio_bit_depth",
    "codec": "audio_codec",
    "num_channels": "audio_num_channels",
    "num_pages": "page_count",
}
_FACTS = ("video_metadata", "image_metadata", "audio_metadata", "text_metadata", "pdf_metadata")
_PDF_TYPE = "application/pdf"


def read_plans(rules: Rules, input: DataUploadItemsInput) -> list[UnitPlan]:
    """The units that a job is to make; raises a `Refusal` with every field at fault, or the limit that is passed."""
    _check_numbers(input)
    errors: list[DomainError] = []
    plans = [*_single_plans(rules, input, errors), *_group_plans(rules, input, errors)]
    if errors:
        raise Refusal(errors)
    return plans


def _check_numbers(input: DataUploadItemsInput) -> None:
    groups = [
        (len(group_members(group, member)), group) for name, member, *_ in _GROUPS for group in getattr(input, name)
    ]
    singles = sum(len(getattr(input, name)) for name, _ in _FILES)
    units, files = singles + len(groups), singles + sum(size for size, _ in groups)
    if not units:
        raise bad_input("There is nothing to make.", "items")
    for found, allowed, what in ((units, MAX_UNITS, "units"), (files, MAX_FILES, "files")):
        if found > allowed:
            message = f"The job has {found:,} {what}; at most {allowed:,} are allowed."
            raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("items",))


def group_members(group: Any, name: str) -> list[Any]:
    """The files of a group input."""
    members: list[Any] = getattr(group, name)
    return members


def _single_plans(rules: Rules, input: DataUploadItemsInput, errors: list[DomainError]) -> Iterable[UnitPlan]:
    for name, item_type in _FILES:
        for place, entry in enumerate(getattr(input, name)):
            try:
                yield UnitPlan(item_type, [_source(rules, entry, item_type, ("items", to_camel_case(name), place))])
            except DomainError as error:
                errors.append(error)


def _group_plans(rules: Rules, input: DataUploadItemsInput, errors: list[DomainError]) -> Iterable[UnitPlan]:
    for name, member_name, item_type, member_type in _GROUPS:
        for place, entry in enumerate(getattr(input, name)):
            path: Path = ("items", to_camel_case(name), place)
            try:
                yield _group_plan(rules, entry, item_type, member_type, member_name, path)
            except DomainError as error:
                errors.append(error)


def _group_plan(
    rules: Rules, entry: Any, item_type: StorageItemType, member_type: StorageItemType, member_name: str, path: Path
) -> UnitPlan:
    members, field = group_members(entry, member_name), to_camel_case(member_name)
    if not 1 <= len(members) <= MAX_UNITS:
        raise bad_input(f"A group has 1 to {MAX_UNITS:,} files.", *path, field)
    sources = [_source(rules, one, member_type, (*path, field, place)) for place, one in enumerate(members)]
    title = None if entry.title is None else checked_name(entry.title, *path, "title")
    return UnitPlan(item_type, sources, title, checked_metadata(entry.client_metadata, *path, "clientMetadata"))


def _source(rules: Rules, entry: Any, item_type: StorageItemType, path: Path) -> Source:
    """One file: exactly one of its URL and its placeholder is given."""
    field, url = ("url", entry.url) if hasattr(entry, "url") else ("objectUrl", entry.object_url)
    if (url is None) == (entry.placeholder_uuid is None):
        raise bad_input(f"Give exactly one of {field} and placeholderUuid.", *path, field)
    if url is not None and not is_ours(url):
        _check_elsewhere(rules, url, (*path, field))
    metadata = getattr(entry, "client_metadata", None)
    return Source(
        path=(*path, "placeholderUuid" if url is None else field),
        item_type=item_type,
        placeholder_uuid=entry.placeholder_uuid,
        object_url=url,
        title=None if entry.title is None else checked_name(entry.title, *path, "title"),
        client_metadata=None if metadata is None else checked_metadata(metadata, *path, "clientMetadata"),
        facts=_facts(entry, path),
    )


def _check_elsewhere(rules: Rules, url: str, path: Path) -> None:
    """Whether the URL is one that may be opened; where it leads is seen when it is."""
    try:
        rules.checked(url)
    except FetchError as error:
        raise bad_input(error.message, *path) from None


def _facts(entry: Any, path: Path) -> dict[str, Any] | None:
    dicom = getattr(entry, "dicom_metadata", None)
    if dicom is not None:
        return dicom_facts(dicom.tags, *path, "dicomMetadata")
    for name in _FACTS:
        given = getattr(entry, name, None)
        if given is not None:
            facts = {_COLUMNS.get(field, field): value for field, value in asdict(given).items()}
            if name == "pdf_metadata":
                facts["mime_type"] = _PDF_TYPE
            return checked_facts(facts, *path, to_camel_case(name))
    return None
