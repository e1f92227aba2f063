"""Enums that rows, resolvers and the schema share. Their docstrings are shown in the schema."""

from enum import StrEnum


class StorageFolderType(StrEnum):
    """Kind of a folder."""

    GENERIC = "GENERIC"
    CLOUD_LINKED = "CLOUD_LINKED"
    SYNTHETIC = "SYNTHETIC"
    UNKNOWN = "UNKNOWN"


class PhiPolicy(StrEnum):
    """Policy on data that identifies patients, of a folder and everything below it."""

    OPEN = "OPEN"
    MASKED = "MASKED"


class FolderVisibility(StrEnum):
    """Range of people who see a folder and everything below it."""

    PUBLIC = "PUBLIC"
    PRIVATE = "PRIVATE"


class JoinPolicy(StrEnum):
    """Way in which users become members of a community."""

    EVERYONE = "EVERYONE"
    INVITATION = "INVITATION"


class StorageLocationName(StrEnum):
    """Kind of store that holds an item's bytes."""

    STOREGRAPH = "STOREGRAPH"
    GCP = "GCP"
    S3 = "S3"
    AZURE = "AZURE"
    OPEN_TELEKOM = "OPEN_TELEKOM"
    DIRECT_ACCESS = "DIRECT_ACCESS"
    S3_COMPATIBLE = "S3_COMPATIBLE"


class S3AddressingStyle(StrEnum):
    """Where the bucket is named in URLs of an S3-compatible store."""

    PATH = "PATH"
    VIRTUAL = "VIRTUAL"


class ThumbnailUnavailableReason(StrEnum):
    """Reason why an item has no thumbnail."""

    PENDING = "PENDING"
    NOT_YET_STORED = "NOT_YET_STORED"
    NOT_DRAWABLE = "NOT_DRAWABLE"
    NO_SUCH_FRAME = "NO_SUCH_FRAME"
    UNDECODABLE = "UNDECODABLE"
    STORE_UNREACHABLE = "STORE_UNREACHABLE"
    TOMBSTONE = "TOMBSTONE"
    PHI_RESTRICTED = "PHI_RESTRICTED"


class StorageUserRole(StrEnum):
    """Role on a folder, dataset or cloud integration. Each role includes those before it."""

    VIEWER = "VIEWER"
    USER = "USER"
    ADMIN = "ADMIN"

    @property
    def rank(self) -> int:
        """Return the strength of the role, from 1."""
        return _RANKS[self]


_RANKS = {role: rank for rank, role in enumerate(StorageUserRole, start=1)}


class MetadataIndexStatus(StrEnum):
    """Whether items can be found by a metadata key."""

    NONE = "NONE"
    FILLING = "FILLING"
    READY = "READY"


class SiteRole(StrEnum):
    """Role of a user on the whole site."""

    MEMBER = "MEMBER"
    ADMIN = "ADMIN"


class ApiKeyScope(StrEnum):
    """Part of the API that a credential is good for."""

    READ_USER_INFO = "READ_USER_INFO"
    WRITE_USER_INFO = "WRITE_USER_INFO"
    READ_DATA = "READ_DATA"
    WRITE_DATA = "WRITE_DATA"
    ADMIN_DATA = "ADMIN_DATA"
    READ_GROUPS = "READ_GROUPS"
    MANAGE_GROUPS = "MANAGE_GROUPS"


class DicomTagIndexStatus(StrEnum):
    """State of the index of a tag."""

    FILLING = "FILLING"
    READY = "READY"


class JobKind(StrEnum):
    """Kind of a job. More kinds may be added."""

    UPLOAD = "UPLOAD"
    CLOUD_SYNC = "CLOUD_SYNC"
    REENCODE = "REENCODE"
    DELETION = "DELETION"
    LINKING = "LINKING"
    COLLECTING = "COLLECTING"
    DICOM_DELETION = "DICOM_DELETION"
    INDEXING = "INDEXING"
    DICOM_COPY = "DICOM_COPY"
    FOLDER_COPY = "FOLDER_COPY"


class DicomAvailability(StrEnum):
    """Whether a DICOM study is complete and its files can be read."""

    RECEIVING = "RECEIVING"
    AVAILABLE = "AVAILABLE"
    UNAVAILABLE = "UNAVAILABLE"


class JobStatus(StrEnum):
    """State of a job, or of a unit of an upload job."""

    PENDING = "PENDING"
    DONE = "DONE"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class JobOutcome(StrEnum):
    """Result of a job that has ended."""

    SUCCEEDED = "SUCCEEDED"
    SUCCEEDED_WITH_ERRORS = "SUCCEEDED_WITH_ERRORS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class FrameRule(StrEnum):
    """Rule for the frames of deleted groups that no other group and no dataset uses."""

    KEEP = "KEEP"
    DELETE = "DELETE"
    DELETE_MIRRORED = "DELETE_MIRRORED"
    """They are deleted also if the dataset uses them that mirrors their folder."""


class IfNameTaken(StrEnum):
    """Rule for a name that something in the folder has already.

    Names are the same if they are equal once their letters are composed; case counts.
    """

    ALLOW_DUPLICATE = "ALLOW_DUPLICATE"
    RENAME = "RENAME"
    REFUSE = "REFUSE"
    REUSE = "REUSE"


class NameOutcome(StrEnum):
    """End of a name under the rule of `ifNameTaken`."""

    AS_GIVEN = "AS_GIVEN"
    RENAMED = "RENAMED"
    REUSED = "REUSED"


class ImportState(StrEnum):
    """State of an entry of an import, and whether its bytes are expected."""

    FOLDER = "FOLDER"
    NEW = "NEW"
    REVISION = "REVISION"
    UNCHANGED = "UNCHANGED"
    IN_PROGRESS = "IN_PROGRESS"


class JobWait(StrEnum):
    """Reason for which a job waits that is no fault of its own. More may be added."""

    STORE = "STORE"
    INTEGRATION = "INTEGRATION"
    CLOCK = "CLOCK"


class StorageChangeAction(StrEnum):
    """Kind of a change. More kinds may be added."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    MOVE = "MOVE"
    DELETE = "DELETE"
    INGEST = "INGEST"
    REENCODE = "REENCODE"
    RESTORE = "RESTORE"
    CANCEL = "CANCEL"
    TAG = "TAG"
    UNTAG = "UNTAG"
    ADD_ITEMS = "ADD_ITEMS"
    REMOVE_ITEMS = "REMOVE_ITEMS"
    SHARE = "SHARE"
    UNSHARE = "UNSHARE"


class StorageObjectType(StrEnum):
    """Type of an object whose changes journals of folders list. More types may be added."""

    STORAGE_FOLDER = "StorageFolder"
    STORAGE_ITEM = "StorageItem"
    UPLOAD_JOB = "UploadJob"
    CLOUD_SYNC_JOB = "CloudSyncJob"
    COLLECTION = "Collection"
    FILTER_PRESET = "FilterPreset"
    FOLDER_GRANT = "FolderGrant"
    DICOM_STUDY = "DicomStudy"
    COMMUNITY = "Community"


class SidecarMatcherMode(StrEnum):
    """Method by which sidecars are recognized."""

    SUFFIX = "SUFFIX"


class SkippedObjectReason(StrEnum):
    """Reason why a sync does not mirror an object of a bucket."""

    OTHER_FORMAT = "OTHER_FORMAT"
    EMPTY = "EMPTY"
    ARCHIVED = "ARCHIVED"
    EXCLUDED = "EXCLUDED"
    NOT_INCLUDED = "NOT_INCLUDED"
    UNUSABLE_KEY = "UNUSABLE_KEY"
    TOO_DEEP = "TOO_DEEP"


class DatasetLinkDuplicatesBehavior(StrEnum):
    """Treatment of items that the dataset already uses."""

    DUPLICATE = "DUPLICATE"
    FAIL = "FAIL"
    SKIP = "SKIP"


class DataGroupLayoutType(StrEnum):
    """Origin of a data group's layout."""

    GRID = "GRID"
    CAROUSEL = "CAROUSEL"
    CUSTOM = "CUSTOM"


class LayoutDirection(StrEnum):
    """Direction in which a part of a layout is split in two."""

    ROW = "ROW"
    COLUMN = "COLUMN"


class CarouselPosition(StrEnum):
    """Position of the strip in a carousel from which items are chosen."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"
    TOP = "TOP"
    BOTTOM = "BOTTOM"


class TimeSeriesColumnKind(StrEnum):
    """Kind of values in a column of a time series."""

    TIME = "TIME"
    NUMBER = "NUMBER"
    TEXT = "TEXT"


class SceneFormat(StrEnum):
    """File format of a scene that is a single file."""

    BAG = "BAG"
    DB3 = "DB3"
    E57 = "E57"
    LAS = "LAS"
    LAZ = "LAZ"
    MCAP = "MCAP"
    PCD = "PCD"
    PLY = "PLY"


class TimeSeriesStyle(StrEnum):
    """Drawing style of a channel of a time series."""

    LINE = "LINE"
    POINTS = "POINTS"


class MetadataFieldType(StrEnum):
    """Type of the values of a metadata key. Null is allowed for all types."""

    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    NUMBER = "NUMBER"
    UUID = "UUID"
    VARCHAR = "VARCHAR"
    TEXT = "TEXT"
    USER = "USER"
    ENUM = "ENUM"
    EMBEDDING = "EMBEDDING"
    GEOSPATIAL = "GEOSPATIAL"


class ReencodeUnitStatus(StrEnum):
    """State of one video of a re-encoding job."""

    PENDING = "PENDING"
    REENCODED = "REENCODED"
    LEFT_ALONE = "LEFT_ALONE"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class DicomJobPhase(StrEnum):
    """Phase of a job about DICOM studies. More may be added."""

    LISTING = "LISTING"
    COPYING = "COPYING"
    REMOVING = "REMOVING"


class DicomCopyOperation(StrEnum):
    """Way in which DICOM studies are copied. More may be added."""

    SPLIT = "SPLIT"
    MERGE = "MERGE"
    CLONE = "CLONE"
    ANONYMIZE = "ANONYMIZE"


class DicomJobUnitStatus(StrEnum):
    """State of one instance, or one attachment, of a job about DICOM studies."""

    PENDING = "PENDING"
    DONE = "DONE"
    LEFT_OUT = "LEFT_OUT"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class DicomAnonymizationAction(StrEnum):
    """Action of an anonymization on an element. More may be added."""

    KEEP = "KEEP"
    REMOVE = "REMOVE"
    EMPTY = "EMPTY"
    DUMMY = "DUMMY"
    NEW_UID = "NEW_UID"
    PSEUDONYM = "PSEUDONYM"
    SHIFT_DATE = "SHIFT_DATE"
    REPLACE = "REPLACE"
