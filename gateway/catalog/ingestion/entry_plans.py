"""Plans of entries: entries are validated field by field, whether inline or from a manifest."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.catalog.ingestion.entries import (
    DataUploadItemsInput,
    DicomFileMetadataInput,
    ImageGroupFromItemsInput,
    ItemFilesInput,
    PdfMediaMetadataInput,
    SceneUploadInput,
)
from gateway.catalog.ingestion.unit_plan import (
    UnitMember,
    UnitPlan,
    UnitSource,
    UnitTarget,
    is_own_object,
)
from gateway.catalog.rules.client_facts import dicom_facts, validate_facts
from gateway.catalog.rules.lists import check_unique
from gateway.catalog.rules.names import (
    MAX_METADATA,
    validate_description,
    validate_metadata,
    validate_name,
)
from gateway.catalog.rules.scene_documents import scene_parts
from gateway.catalog.rules.time_series_parsing import parsing_settings
from gateway.catalog.rules.time_series_settings import series_settings
from gateway.clouds.base import CloudAccount
from gateway.clouds.urls import check_object_url, is_bucket_url
from gateway.error_texts import exactly_one_of, sized
from gateway.errors import DomainError, DomainErrors, ErrorCode, Path, bad_input
from gateway.fetching.errors import FetchError
from gateway.fetching.rules import FetchRules
from gateway.json_values import camel_case
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.media_facts import INPUT_FACTS
from gateway.kinds.media_types import UNNAMED_TYPE
from gateway.scalars import URL

MAX_UNITS = 10_000
MAX_FILES = 100_000
MAX_FILES_OF_ITEM = 10_000
FILES = {
    kind.section: kind.item_type
    for kind in ITEM_KINDS.values()
    if kind.section and kind.entry_is_file
}
"""Kinds of files by section, for the sections whose entries are single files."""
GROUPS = {
    kind.section: (kind.member_field, kind.item_type, kind.member_type)
    for kind in ITEM_KINDS.values()
    if kind.section and kind.member_field and kind.member_type
}
"""File groups by section: the field that lists the files, and the kinds of group and file."""
ANY, SCENES, FROM_ITEMS = "any", "scenes", "image_groups_from_items"
INTO_ITEMS = "into_items"
"""The section of files for existing items, which manifests do not have."""
SECTIONS = (*(kind.section for kind in ITEM_KINDS.values() if kind.section), ANY, FROM_ITEMS)
_FACTS = [kind.facts_field for kind in ITEM_KINDS.values() if kind.facts_field]
_FILE_KEYS = {"url", "format"}
_PDF_TYPE = "application/pdf"


@dataclass(frozen=True, slots=True)
class EntryRules:
    """Rules for entries.

    Attributes:
        fetching: which remote URLs may be fetched.
        max_metadata: bytes of an entry's metadata as JSON.
        account: the account in whose store all remote URLs must be, if there is an integration.
    """

    fetching: FetchRules
    max_metadata: int = MAX_METADATA
    account: CloudAccount | None = None


def read_plans(rules: EntryRules, input: DataUploadItemsInput, *path: str) -> list[UnitPlan]:
    """Return the plans of all inline entries.

    Raises:
        DomainError: there are none, or too many.
        DomainErrors: the errors of all entries.
    """
    files = [1 for section in (*FILES, ANY, SCENES) for _ in getattr(input, section)]
    for section, (member_field, _, _) in GROUPS.items():
        files += [len(getattr(entry, member_field)) for entry in getattr(input, section)]
    files += [len(entry.item_uuids) for entry in input.image_groups_from_items]
    files += [len(entry.files) for entry in input.into_items]
    if not files:
        raise bad_input("The input contains no items. Add at least one entry.", *path)
    for count, limit, noun in ((len(files), MAX_UNITS, "units"), (sum(files), MAX_FILES, "files")):
        if count > limit:
            message = sized("The job", 1, limit, count, noun)
            raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
    errors: list[DomainError] = []
    plans: list[UnitPlan] = []
    for section in (*SECTIONS, INTO_ITEMS):
        for index, entry in enumerate(getattr(input, section)):
            try:
                plan = read_plan(rules, section, entry, (*path, camel_case(section), index))
                plans.append(plan)
            except DomainError as error:
                errors.append(error)
    if errors:
        raise DomainErrors(errors)
    return plans


def read_plan(rules: EntryRules, section: str, entry: Any, path: Path) -> UnitPlan:
    """Return the plan of one entry of a section; raises a `DomainError` at the wrong field."""
    if section == SCENES:
        plan = scene_plan(rules, entry, path)
    elif section == FROM_ITEMS:
        plan = items_plan(rules, entry, path)
    elif section == INTO_ITEMS:
        plan = target_plan(rules, entry, path)
    elif section == ANY:
        plan = UnitPlan(StorageItemType.FILE, [_read_source(rules, entry, None, path)])
    elif section in FILES:
        plan = UnitPlan(FILES[section], [_read_source(rules, entry, FILES[section], path)])
    else:
        plan = group_plan(rules, entry, path, *GROUPS[section])
    plan.path = path
    return plan


def group_plan(
    rules: EntryRules,
    entry: Any,
    path: Path,
    member_field: str,
    item_type: StorageItemType,
    member_type: StorageItemType,
) -> UnitPlan:
    """Return the plan of a group of files."""
    members, field = getattr(entry, member_field), camel_case(member_field)
    if not 1 <= len(members) <= MAX_UNITS:
        raise bad_input(sized(field, 1, MAX_UNITS, len(members), "entries"), *path, field)
    sources = [
        _read_source(rules, member, member_type, (*path, field, index))
        for index, member in enumerate(members)
    ]
    is_remote = any(each.object_url and not each.object_key for each in sources)
    if entry.title is None and rules.account and is_remote:
        raise bad_input(
            ("title is required for a group whose files are URLs of a cloud integration."),
            *path,
            "title",
        )
    title = _read_title(entry, path)
    if getattr(entry, "create_video", False):
        item_type = StorageItemType.IMAGE_SEQUENCE
    return UnitPlan(item_type, sources, title, _read_metadata(rules, entry, path))


def items_plan(rules: EntryRules, entry: ImageGroupFromItemsInput, path: Path) -> UnitPlan:
    """Return the plan of a group or sequence of existing images."""
    uuids, field = entry.item_uuids, (*path, "itemUuids")
    if not 1 <= len(uuids) <= MAX_UNITS:
        raise bad_input(sized("itemUuids", 1, MAX_UNITS, len(uuids), "entries"), *field)
    check_unique(uuids, "item", field)
    members = [
        UnitMember(uuid, (*field, index), StorageItemType.IMAGE) for index, uuid in enumerate(uuids)
    ]
    title = _read_title(entry, path)
    item_type = StorageItemType.IMAGE_GROUP
    if entry.create_video:
        item_type = StorageItemType.IMAGE_SEQUENCE
    return UnitPlan(item_type, [], title, _read_metadata(rules, entry, path), members)


def target_plan(rules: EntryRules, entry: ItemFilesInput, path: Path) -> UnitPlan:
    """Return the plan of files that become part of an existing item."""
    if not 1 <= len(entry.files) <= MAX_FILES_OF_ITEM:
        message = sized("files", 1, MAX_FILES_OF_ITEM, len(entry.files), "entries")
        raise bad_input(message, *path, "files")
    sources = [
        _read_source(rules, file, None, (*path, "files", index))
        for index, file in enumerate(entry.files)
    ]
    target = UnitTarget(
        entry.item_uuid,
        path,
        entry.new_revision,
        entry.expected_revision,
        validate_description(entry.changes, *path, "changes"),
    )
    return UnitPlan(StorageItemType.FILE, sources, target=target)


def as_files_of(plans: Sequence[UnitPlan], target: UnitTarget) -> UnitPlan:
    """Return one plan by which the files of all plans become part of an existing item.

    Raises:
        DomainErrors: plans of groups and scenes, and metadata, which only new items have.
    """
    errors: list[DomainError] = []
    for plan in plans:
        if plan.is_group or plan.target:
            message = "With itemUuid, each entry must be a single file."
            errors.append(bad_input(message, *plan.path))
        elif plan.item_metadata is not None:
            message = "Change the metadata of an existing item with updateStorageItem."
            errors.append(bad_input(message, *plan.path, "clientMetadata"))
    sources = [source for plan in plans for source in plan.sources]
    if len(sources) > MAX_FILES_OF_ITEM:
        message = sized("The item", 0, MAX_FILES_OF_ITEM, len(sources), "files")
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, (*target.path, "itemUuid"))
    if errors:
        raise DomainErrors(errors)
    return UnitPlan(StorageItemType.FILE, sources, target=target)


def scene_plan(rules: EntryRules, entry: SceneUploadInput, path: Path) -> UnitPlan:
    """Return the plan of a scene: one file, or a document that combines items and remote files."""
    title, scene = _read_title(entry, path), entry.scene
    if isinstance(scene, dict) and scene.keys() <= _FILE_KEYS and entry.object_url is None:
        # A document that only names one file is that file.
        url = scene.get("url")
        if isinstance(url, str):
            entry = replace(entry, scene=None, object_url=URL(url))
    if entry.scene is None:
        source = _read_source(rules, entry, StorageItemType.SCENE, path)
        return UnitPlan(StorageItemType.SCENE, [source])
    document = validate_metadata(entry.scene, *path, "scene")
    for name in ("object_url", "placeholder_uuid"):
        if getattr(entry, name) is not None:
            message = exactly_one_of("scene", "objectUrl", "placeholderUuid")
            raise bad_input(message, *path, camel_case(name))
    items, urls = scene_parts(document, *path, "scene")
    if not items and not urls:
        message = "A scene must refer to items by itemUuid, or to files at public URLs by url."
        raise bad_input(message, *path, "scene")
    for location, url in urls:
        if is_own_object(url):
            message = "Refer to objects in Storegraph's own store by itemUuid, not by url."
            raise bad_input(message, *location)
        _check_remote_url(rules, url, location)
    members = [UnitMember(uuid, location) for location, uuid in items]
    metadata = _read_metadata(rules, entry, path)
    facts = {"scene": {"document": document}}
    return UnitPlan(StorageItemType.SCENE, [], title, metadata, members, facts)


def _read_source(
    rules: EntryRules, entry: Any, item_type: StorageItemType | None, path: Path
) -> UnitSource:
    """Return the source of a file, which has either a URL or a placeholder."""
    url = entry.object_url
    if (url is None) == (entry.placeholder_uuid is None):
        raise bad_input(exactly_one_of("objectUrl", "placeholderUuid"), *path, "objectUrl")
    if url is not None and not is_own_object(url):
        _check_remote_url(rules, url, (*path, "objectUrl"))
    title = _read_title(entry, path)
    settings, parsing = getattr(entry, "settings", None), getattr(entry, "parsing", None)
    return UnitSource(
        path=(*path, "placeholderUuid" if url is None else "objectUrl"),
        item_type=item_type,
        placeholder_uuid=entry.placeholder_uuid,
        object_url=url,
        title=title,
        client_metadata=_read_metadata(rules, entry, path),
        facts=read_facts(entry, path),
        source_modified_at=entry.source_modified_at,
        settings=None if settings is None else series_settings(settings, *path, "settings"),
        parsing=None if parsing is None else parsing_settings(parsing, *path, "parsing"),
    )


def _read_title(entry: Any, path: Path) -> str | None:
    """Return the valid title of an entry, if it has one."""
    return None if entry.title is None else validate_name(entry.title, *path, "title")


def _read_metadata(rules: EntryRules, entry: Any, path: Path) -> dict[str, Any] | None:
    """Return the valid metadata of an entry, if it has some."""
    metadata = getattr(entry, "client_metadata", None)
    if metadata is None:
        return None
    return validate_metadata(metadata, *path, "clientMetadata", most=rules.max_metadata)


def read_facts(entry: Any, path: Path) -> dict[str, Any] | None:
    """Return the facts that the client provides for a file, if it does."""
    for name in _FACTS:
        provided = getattr(entry, name, None)
        if isinstance(provided, DicomFileMetadataInput):
            return dicom_facts(provided.tags, *path, camel_case(name))
        if provided is not None:
            facts = {
                INPUT_FACTS[field].name: value
                for field, value in asdict(provided).items()
                if value is not None
            }
            # Browsers give files of unknown type the type "".
            if facts.get("mime_type") == "":
                facts["mime_type"] = UNNAMED_TYPE
            if isinstance(provided, PdfMediaMetadataInput):
                facts["mime_type"] = _PDF_TYPE
            return validate_facts(facts, *path, camel_case(name))
    return None


def _check_remote_url(rules: EntryRules, url: str, path: Path) -> None:
    """Raise a `DomainError` if a URL may not be used. Its host is looked up when it is fetched."""
    try:
        if rules.account:
            check_object_url(rules.account, url)
        elif is_bucket_url(url):
            message = "The URL of an object in a bucket requires integrationUuid."
            raise bad_input(message, *path)
        else:
            rules.fetching.check_url(url)
    except (FetchError, ValueError) as error:
        raise bad_input(str(error), *path) from None
