"""Which objects of a bucket a cloud-synced folder mirrors, and as items of which kind."""

from gateway.catalog.mirroring.prefix_folders import name_of, prefix_of, prefixes_above
from gateway.catalog.rules.key_patterns import KeyPatterns
from gateway.clouds.base import CloudObject
from gateway.clouds.cloud import Cloud
from gateway.database.tree import MAX_DEPTH, depth
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import SkippedObjectReason
from gateway.kinds.item_kinds import StorageItemType, item_type_of_file
from gateway.models.folders import FolderRecord


class ObjectRules:
    """The rules of one folder, whose bucket or prefix is at `top`."""

    def __init__(self, folder: FolderRecord, cloud: Cloud, top: str) -> None:
        self._folder = folder
        self._cloud = cloud
        self._top = top
        self._included = KeyPatterns(folder.include_patterns)
        self._excluded = KeyPatterns(folder.exclude_patterns)

    def item_type(self, listed: CloudObject) -> StorageItemType | None:
        """Return the kind of an object; None if its content decides.

        The extension decides if it tells a kind, and the content of all other objects. An empty
        object can be nothing but a `FILE`.
        """
        if self._folder.synced_item_type or not listed.size:
            return self._folder.synced_item_type
        return item_type_of_file(name_of(listed.key))

    def reason_to_skip(self, listed: CloudObject, url: str) -> SkippedObjectReason | None:
        """Return why an object, which is at this URL, is not mirrored; None if it is."""
        key = listed.key[len(self._top) :]
        if self._excluded.match(key):
            return SkippedObjectReason.EXCLUDED
        if self._included and not self._included.match(key):
            return SkippedObjectReason.NOT_INCLUDED
        if listed.is_archived:
            return SkippedObjectReason.ARCHIVED
        item_type = self.item_type(listed)
        takes_any = self._folder.include_other_files or item_type is StorageItemType.FILE
        if not listed.size and not (takes_any and item_type in (StorageItemType.FILE, None)):
            return SkippedObjectReason.EMPTY
        if item_type is None and not takes_any:
            return SkippedObjectReason.OTHER_FORMAT
        try:
            self._cloud.locate(url)
        except FetchError:
            return SkippedObjectReason.UNUSABLE_KEY
        levels = len(prefixes_above(prefix_of(listed.key), self._top))
        is_too_deep = depth(self._folder.path) + levels > MAX_DEPTH
        return SkippedObjectReason.TOO_DEEP if is_too_deep else None
