"""The closed sets that rows, resolvers and the schema share."""

from enum import StrEnum


class StorageFolderType(StrEnum):
    """How a folder is backed."""

    GENERIC = "GENERIC"
    CLOUD_LINKED = "CLOUD_LINKED"
    SYNTHETIC = "SYNTHETIC"
    UNKNOWN = "UNKNOWN"


class StorageLocationName(StrEnum):
    """Where an item's bytes lie."""

    STOREGRAPH = "STOREGRAPH"
    GCP = "GCP"
    S3 = "S3"
    AZURE = "AZURE"
    OPEN_TELEKOM = "OPEN_TELEKOM"
    DIRECT_ACCESS = "DIRECT_ACCESS"
    S3_COMPATIBLE = "S3_COMPATIBLE"


class StorageUserRole(StrEnum):
    """What a viewer or a group may do: each role includes those before it."""

    VIEWER = "VIEWER"
    USER = "USER"
    ADMIN = "ADMIN"

    @property
    def rank(self) -> int:
        """Roles in order of strength, from 1."""
        return list(StorageUserRole).index(self) + 1


class SiteRole(StrEnum):
    """What a user is to the whole site."""

    MEMBER = "MEMBER"
    ADMIN = "ADMIN"


class JobStatus(StrEnum):
    """The life of an upload job and of each of its units."""

    PENDING = "PENDING"
    DONE = "DONE"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class SidecarMatcherMode(StrEnum):
    """How files of metadata are told from others."""

    SUFFIX = "SUFFIX"


class CloudSyncJobStatus(StrEnum):
    """The life of a sync of a folder with the bucket that it mirrors."""

    PENDING = "PENDING"
    DONE = "DONE"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class DatasetLinkDuplicatesBehavior(StrEnum):
    """What to do when an item is linked that the dataset uses already."""

    DUPLICATE = "DUPLICATE"
    FAIL = "FAIL"
    SKIP = "SKIP"


class DataGroupLayoutType(StrEnum):
    """How a data group was laid out."""

    GRID = "GRID"
    CAROUSEL = "CAROUSEL"
    CUSTOM = "CUSTOM"


class LayoutDirection(StrEnum):
    """How a part of a layout is split in two."""

    ROW = "ROW"
    COLUMN = "COLUMN"


class CarouselPosition(StrEnum):
    """Where a carousel shows the items that can be chosen."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"
    TOP = "TOP"
    BOTTOM = "BOTTOM"


class TimeSeriesColumnKind(StrEnum):
    """What a column of a time series holds."""

    TIME = "TIME"
    NUMBER = "NUMBER"
    TEXT = "TEXT"


class SceneFormat(StrEnum):
    """The format of a scene that is one file."""

    BAG = "BAG"
    DB3 = "DB3"
    E57 = "E57"
    LAS = "LAS"
    LAZ = "LAZ"
    MCAP = "MCAP"
    PCD = "PCD"
    PLY = "PLY"


class TimeSeriesStyle(StrEnum):
    """How a channel of a time series is drawn."""

    LINE = "LINE"
    POINTS = "POINTS"


class MetadataFieldType(StrEnum):
    """What the values of a metadata key are; null is a value of all types."""

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


class ReencodeJobStatus(StrEnum):
    """The life of a re-encoding job."""

    SUBMITTED = "SUBMITTED"
    DONE = "DONE"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class ReencodeUnitStatus(StrEnum):
    """What becomes of one video of a re-encoding job."""

    PENDING = "PENDING"
    REENCODED = "REENCODED"
    LEFT_ALONE = "LEFT_ALONE"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"
