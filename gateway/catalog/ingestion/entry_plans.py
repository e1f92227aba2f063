"""What a client wants made, read from `DataUploadItemsInput` and checked field by field."""

from collections.abc import Iterable, Sized
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeGuard

from gateway.catalog.ingestion.entries import (
    DataUploadItemsInput,
    DicomFileMetadataInput,
    ImageGroupFromItemsInput,
    PdfMediaMetadataInput,
    SceneUploadInput,
)
from gateway.catalog.ingestion.unit_plan import UnitMember, UnitPlan, UnitSource, is_own_object
from gateway.catalog.rules.client_facts import dicom_facts, validate_facts
from gateway.catalog.rules.lists import check_unique
from gateway.catalog.rules.names import MAX_METADATA, validate_metadata, validate_name
from gateway.catalog.rules.scene_documents import scene_parts
from gateway.catalog.rules.time_series_settings import series_settings
from gateway.clouds.base import CloudAccount
from gateway.clouds.urls import check_object_url, is_bucket_url
from gateway.errors import DomainError, DomainErrors, ErrorCode, Path, bad_input
from gateway.fetching.errors import FetchError
from gateway.fetching.rules import FetchRules
from gateway.json_values import camel_case
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.media_facts import INPUT_FACTS

MAX_UNITS = 10_000
MAX_FILES = 100_000
FILES = {
    kind.section: kind.item_type
    for kind in ITEM_KINDS.values()
    if kind.section and kind.entry_is_file
}
"""The kinds of files by the fields of `DataUploadItemsInput` whose entries are single files."""
GROUPS = {
    kind.section: (kind.member_field, kind.item_type, kind.member_type)
    for kind in ITEM_KINDS.values()
    if kind.section and kind.member_field and kind.member_type
}
"""The fields whose entries are file groups: the key that lists the files, the kind of the group, and
that of the files."""
SCENES, FROM_ITEMS = "scenes", "image_groups_from_items"
SECTIONS = (*(kind.section for kind in ITEM_KINDS.values() if kind.section), FROM_ITEMS)
_FACTS = [kind.facts_field for kind in ITEM_KINDS.values() if kind.facts_field]
_FILE_KEYS = {"url", "format"}
_PDF_TYPE = "application/pdf"


@dataclass(frozen=True, slots=True)
class EntryRules:
    """What entries are held to: which URLs may be opened, how large metadata may be, in bytes as JSON, and in whose
    store all URLs lie, if in anybody's."""

    rules: FetchRules
    most_metadata: int = MAX_METADATA
    account: CloudAccount | None = None


def read_plans(terms: EntryRules, input: DataUploadItemsInput, *path: str) -> list[UnitPlan]:
    """The units that a job is to make; raises a `DomainErrors` with every field at fault, or the limit that is passed."""
    _check_numbers(input, path)
    errors: list[DomainError] = []
    plans = list(_plans(terms, input, path, errors))
    if errors:
        raise DomainErrors(errors)
    return plans


def read_plan(terms: EntryRules, section: str, entry: Any, path: Path) -> UnitPlan:
    """The unit that one entry of a field of `DataUploadItemsInput` asks for; raises a `DomainError` at its fault."""
    plan = _plan_of(terms, section, entry, path)
    plan.path = path
    return plan


def _plan_of(terms: EntryRules, section: str, entry: Any, path: Path) -> UnitPlan:
    if section == SCENES:
        return _scene_plan(terms, entry, path)
    if section == FROM_ITEMS:
        return _group_from_items(terms, entry, path)
    if section in FILES:
        return UnitPlan(FILES[section], [_source(terms, entry, FILES[section], path)])
    return _group_plan(terms, entry, path, *GROUPS[section])


def _check_numbers(input: DataUploadItemsInput, path: Path) -> None:
    groups = [len(members_of(group, name)) for name in GROUPS for group in getattr(input, name)]
    groups += [len(group.item_uuids) for group in input.image_groups_from_items]
    singles = sum(len(getattr(input, name)) for name in (*FILES, SCENES))
    units, files = singles + len(groups), singles + sum(groups)
    if not units:
        raise bad_input("There is nothing to make.", *path)
    for found, allowed, what in ((units, MAX_UNITS, "units"), (files, MAX_FILES, "files")):
        if found > allowed:
            message = f"The job has {found:,} {what}; at most {allowed:,} are allowed."
            raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)


def members_of(group: Any, section: str) -> Sized:
    """The files of a group in that field."""
    members: Sized = getattr(group, GROUPS[section][0])
    return members


def _plans(
    terms: EntryRules, input: DataUploadItemsInput, path: Path, errors: list[DomainError]
) -> Iterable[UnitPlan]:
    for section in SECTIONS:
        for place, entry in enumerate(getattr(input, section)):
            try:
                yield read_plan(terms, section, entry, (*path, camel_case(section), place))
            except DomainError as error:
                errors.append(error)


def _group_plan(
    terms: EntryRules,
    entry: Any,
    path: Path,
    member_name: str,
    item_type: StorageItemType,
    member_type: StorageItemType,
) -> UnitPlan:
    members, field = getattr(entry, member_name), camel_case(member_name)
    if not 1 <= len(members) <= MAX_UNITS:
        raise bad_input(f"A group has 1 to {MAX_UNITS:,} files.", *path, field)
    sources = [
        _source(terms, one, member_type, (*path, field, place)) for place, one in enumerate(members)
    ]
    if (
        entry.title is None
        and terms.account
        and any(_is_elsewhere(source.object_url) for source in sources)
    ):
        raise bad_input("A group of files in a cloud needs a title.", *path, "title")
    title = None if entry.title is None else validate_name(entry.title, *path, "title")
    kind = StorageItemType.IMAGE_SEQUENCE if getattr(entry, "create_video", False) else item_type
    return UnitPlan(kind, sources, title, _metadata(terms, entry, path))


def _group_from_items(terms: EntryRules, entry: ImageGroupFromItemsInput, path: Path) -> UnitPlan:
    """A group or sequence of images that are there already (ENC-UPIGI)."""
    uuids, field = entry.item_uuids, (*path, "itemUuids")
    if not 1 <= len(uuids) <= MAX_UNITS:
        raise bad_input(f"A group has 1 to {MAX_UNITS:,} images.", *field)
    check_unique(uuids, field)
    members = [
        UnitMember(uuid, (*field, place), StorageItemType.IMAGE) for place, uuid in enumerate(uuids)
    ]
    title = None if entry.title is None else validate_name(entry.title, *path, "title")
    kind = StorageItemType.IMAGE_SEQUENCE if entry.create_video else StorageItemType.IMAGE_GROUP
    return UnitPlan(kind, [], title, _metadata(terms, entry, path), members)


def _scene_plan(terms: EntryRules, entry: SceneUploadInput, path: Path) -> UnitPlan:
    """A scene: one file, or a document that puts items and files elsewhere together (ENC-UPSC)."""
    title = validate_name(entry.title, *path, "title")
    entry = _as_file(entry)
    if entry.scene is None:
        return UnitPlan(StorageItemType.SCENE, [_source(terms, entry, StorageItemType.SCENE, path)])
    document = validate_metadata(entry.scene, *path, "scene")
    for name in ("object_url", "placeholder_uuid"):
        if getattr(entry, name) is not None:
            raise bad_input(
                "Give exactly one of scene, objectUrl and placeholderUuid.",
                *path,
                camel_case(name),
            )
    items, urls = scene_parts(document, *path, "scene")
    if not items and not urls:
        raise bad_input("A scene names items (itemUuid) or files elsewhere (url).", *path, "scene")
    for place, url in urls:
        if is_own_object(url):
            raise bad_input("A scene names what we store by itemUuid.", *place)
        _check_elsewhere(terms, url, place)
    members = [UnitMember(uuid, place) for place, uuid in items]
    metadata = _metadata(terms, entry, path)
    return UnitPlan(
        StorageItemType.SCENE, [], title, metadata, members, {"scene": {"document": document}}
    )


def _as_file(entry: SceneUploadInput) -> SceneUploadInput:
    """A document that only says where one file lies is that file."""
    document = entry.scene
    if (
        entry.object_url is not None
        or not isinstance(document, dict)
        or not document.keys() <= _FILE_KEYS
    ):
        return entry
    url = document.get("url")
    return replace(entry, scene=None, object_url=url) if isinstance(url, str) else entry


def _source(terms: EntryRules, entry: Any, item_type: StorageItemType, path: Path) -> UnitSource:
    """One file: exactly one of its URL and its placeholder is given."""
    field, url = ("url", entry.url) if hasattr(entry, "url") else ("objectUrl", entry.object_url)
    if (url is None) == (entry.placeholder_uuid is None):
        raise bad_input(f"Give exactly one of {field} and placeholderUuid.", *path, field)
    if _is_elsewhere(url):
        _check_elsewhere(terms, url, (*path, field))
    return UnitSource(
        path=(*path, "placeholderUuid" if url is None else field),
        item_type=item_type,
        placeholder_uuid=entry.placeholder_uuid,
        object_url=url,
        title=None if entry.title is None else validate_name(entry.title, *path, "title"),
        client_metadata=_metadata(terms, entry, path),
        facts=_facts(entry, path),
        settings=_settings(entry, path),
    )


def _is_elsewhere(url: str | None) -> TypeGuard[str]:
    return url is not None and not is_own_object(url)


def _metadata(terms: EntryRules, entry: Any, path: Path) -> dict[str, Any] | None:
    metadata = getattr(entry, "client_metadata", None)
    if metadata is None:
        return None
    return validate_metadata(metadata, *path, "clientMetadata", most=terms.most_metadata)


def _settings(entry: Any, path: Path) -> dict[str, Any] | None:
    """How a time series is to be shown at first (ENC-UPTS-04)."""
    given = getattr(entry, "settings", None)
    return None if given is None else series_settings(given, *path, "settings")


def _check_elsewhere(terms: EntryRules, url: str, path: Path) -> None:
    """Whether the URL is one that may be opened; where it leads is seen when it is (SUB-065)."""
    try:
        if terms.account:
            check_object_url(terms.account, url)
        elif is_bucket_url(url):
            raise bad_input("A URL that names a bucket needs integrationUuid.", *path)
        else:
            terms.rules.check_url(url)
    except (FetchError, ValueError) as error:
        raise bad_input(str(error), *path) from None


def _facts(entry: Any, path: Path) -> dict[str, Any] | None:
    """The facts that the client provides for a file, if it does."""
    for name in _FACTS:
        given = getattr(entry, name, None)
        if isinstance(given, DicomFileMetadataInput):
            return dicom_facts(given.tags, *path, camel_case(name))
        if given is not None:
            facts = {INPUT_FACTS[field].name: value for field, value in asdict(given).items()}
            if isinstance(given, PdfMediaMetadataInput):
                facts["mime_type"] = _PDF_TYPE
            return validate_facts(facts, *path, camel_case(name))
    return None
