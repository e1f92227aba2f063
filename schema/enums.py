"""The closed sets, each value described."""

from enum import StrEnum
from inspect import getdoc

import strawberry

from gateway.errors import ErrorCode
from gateway.execution.declarations import Direction
from gateway.kinds.enums import (
    CarouselPosition,
    CloudSyncJobStatus,
    DataGroupLayoutType,
    DatasetLinkDuplicatesBehavior,
    JobStatus,
    LayoutDirection,
    MetadataFieldType,
    ReencodeJobStatus,
    ReencodeUnitStatus,
    SceneFormat,
    SidecarMatcherMode,
    SiteRole,
    StorageFolderType,
    StorageItemType,
    StorageLocationName,
    StorageUserRole,
    TimeSeriesColumnKind,
    TimeSeriesStyle,
)
from resolvers.inputs.lists import StorageItemOrderField, StorageOrderField, StorageScope
from resolvers.items import SignedUrlUnavailableReason


def described(kind: type[StrEnum], name: str | None = None, **values: str) -> None:
    """Give an enum its name in the schema, and a sentence for each of its values."""
    # An input that was read before this module has registered it already.
    registered = kind if hasattr(kind, "__strawberry_definition__") else strawberry.enum(kind)
    definition = registered.__strawberry_definition__
    definition.name, definition.description = name or kind.__name__, getdoc(kind)
    for value in definition.values:
        value.description = values.pop(value.name)


described(
    StorageItemType,
    VIDEO="One video file.",
    IMAGE="One image file.",
    GROUP="A data group: items laid out together.",
    IMAGE_GROUP="Images that belong together, in any order of time.",
    IMAGE_SEQUENCE="Images in order of time, with a video made of them.",
    DICOM_FILE="One DICOM file.",
    DICOM_SERIES="DICOM files of one series.",
    AUDIO="One audio file.",
    TIMESERIES="One file of samples over time.",
    NIFTI="One NIfTI volume.",
    PLAIN_TEXT="One text file: plain, HTML, JSON, XML and the like.",
    PDF="One PDF.",
    SCENE="A scene in three dimensions.",
)
described(
    StorageFolderType,
    GENERIC="An ordinary folder.",
    CLOUD_LINKED="A folder that mirrors a bucket or a prefix of one.",
    SYNTHETIC="A folder that the system made for itself.",
    UNKNOWN="A kind that this version does not know.",
)
described(
    StorageLocationName,
    STOREGRAPH="Our own object store.",
    GCP="Google Cloud Storage.",
    S3="Amazon S3.",
    AZURE="Azure Blob Storage.",
    OPEN_TELEKOM="Open Telekom Cloud; an older name of S3_COMPATIBLE.",
    DIRECT_ACCESS="A URL that needs no credentials.",
    S3_COMPATIBLE="A store that speaks S3.",
)
described(
    StorageUserRole,
    VIEWER="Reads, and watches jobs.",
    USER="Also uploads and edits.",
    ADMIN="Also moves, deletes and grants.",
)
described(
    SiteRole,
    MEMBER="Makes root folders and datasets, and works where groups give a role.",
    ADMIN="Also makes users and groups, and holds every role everywhere.",
)
described(
    DatasetLinkDuplicatesBehavior,
    DUPLICATE="Make another data row of it.",
    FAIL="Refuse the whole.",
    SKIP="Leave it as it is.",
)
described(
    DataGroupLayoutType,
    GRID="By us, in tiles of about the same size.",
    CAROUSEL="By us, one item at a time.",
    CUSTOM="By whoever made it.",
)
described(LayoutDirection, ROW="Beside each other.", COLUMN="Above each other.")
described(
    CarouselPosition,
    LEFT="On the left.",
    RIGHT="On the right.",
    TOP="Above.",
    BOTTOM="Below.",
)
described(
    TimeSeriesColumnKind,
    TIME="The time, by which the rows are ordered.",
    NUMBER="A channel: numbers, or gaps.",
    TEXT="Something else.",
)
described(TimeSeriesStyle, LINE="A line.", POINTS="Points.")
described(
    SceneFormat,
    BAG="A recording of ROS 1.",
    DB3="A recording of ROS 2.",
    E57="A laser scan as ASTM E57 has it.",
    LAS="A laser scan.",
    LAZ="A laser scan, packed.",
    MCAP="A recording of several channels.",
    PCD="A point cloud.",
    PLY="A polygon file.",
)
described(
    ReencodeJobStatus,
    SUBMITTED="Not finished.",
    DONE="Finished, without an error.",
    ERROR="Finished, but some videos could not be re-encoded.",
    CANCELLED="Somebody stopped it.",
)
described(
    ReencodeUnitStatus,
    PENDING="Not finished.",
    REENCODED="A version was made.",
    LEFT_ALONE="Nothing was made: browsers play it as it is, or it had a version already.",
    ERROR="It could not be re-encoded.",
    CANCELLED="It was given up.",
)
described(
    JobStatus,
    "UploadJobStatus",
    PENDING="Not finished.",
    DONE="Finished; look at the counts, for with ignoreErrors units may have failed.",
    ERROR="A unit failed, and the job stopped.",
    CANCELLED="Somebody stopped it.",
)
described(SidecarMatcherMode, SUFFIX="By how their names end.")
described(
    CloudSyncJobStatus,
    PENDING="Not finished.",
    DONE="Finished; look at the counts, for files may have failed.",
    ERROR="The bucket could not be listed to its end; start another sync.",
    CANCELLED="Somebody stopped it.",
)
described(
    MetadataFieldType,
    BOOLEAN="true or false.",
    DATETIME="A moment as text, as in RFC 3339, with its time zone.",
    NUMBER="A number of 64 bits.",
    UUID="A uuid as text.",
    VARCHAR="Text of at most 8,192 characters.",
    TEXT="Text of any length.",
    USER="The e-mail address of a user.",
    ENUM="One of a list of texts.",
    EMBEDDING="A list of so many numbers.",
    GEOSPATIAL="An object of `latitude`, from -90 to 90, and `longitude`, from -180 to 180.",
)
described(
    StorageOrderField,
    NAME="By name.",
    CREATED_AT="By the time of creation.",
    LAST_EDITED_AT="By the time of the last edit.",
)
described(
    StorageItemOrderField,
    NAME="By name.",
    CREATED_AT="By the time of creation.",
    LAST_EDITED_AT="By the time of the last edit.",
    SIZE="By the size in bytes; items without one come last.",
)
described(Direction, "OrderDirection", ASC="The smallest first.", DESC="The largest first.")
described(
    StorageScope,
    USER="What the viewer was given.",
    ORGANISATION="Everything; for admins of the site.",
)
described(
    SignedUrlUnavailableReason,
    NOT_A_SINGLE_OBJECT="The item consists of others; ask its children.",
    NOT_YET_STORED="The item's bytes have not arrived or were not yet processed.",
    TOMBSTONE="The object is gone from its source.",
    STORE_UNREACHABLE="The cloud integration cannot be used, or does not cover the object any more.",
)
described(
    ErrorCode,
    BAD_USER_INPUT="The input cannot be used.",
    NOT_FOUND="There is no such object, or the viewer may not see it.",
    FORBIDDEN="The viewer sees the object but lacks the role.",
    CONFLICT="The state of the object, or an earlier request, does not allow it.",
    LIMIT_EXCEEDED="More than is allowed; the message names the limit.",
    NOT_APPLIED="Nothing is wrong with this entry, but another one made the whole fail.",
    UNAUTHENTICATED="No credential, or a bad one.",
    GRAPHQL_PARSE_FAILED="The document is not GraphQL.",
    GRAPHQL_VALIDATION_FAILED="The document does not fit the schema.",
    OPERATION_RESOLUTION_FAILURE="It is not clear which operation to run.",
    BAD_REQUEST="The request is not one of GraphQL over HTTP.",
    TIMEOUT="The operation took too long.",
    UNAVAILABLE="A server outside does not answer as it should; later it may.",
    INTERNAL_SERVER_ERROR="Something went wrong on our side.",
)
