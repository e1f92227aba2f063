"""Enum types of the schema, and the description of each of their values.

Those of DICOM and of views are in modules of their own.
"""

from enum import StrEnum
from inspect import getdoc

import strawberry

from gateway.errors import ErrorCode
from gateway.execution.declarations import Direction
from gateway.kinds.downloads import DownloadFormat, DownloadUnavailableReason, SignedUrlDisposition
from gateway.kinds.enums import (
    ApiKeyScope,
    DatasetLinkDuplicatesBehavior,
    FolderVisibility,
    IfNameTaken,
    ImportState,
    JobKind,
    JobOutcome,
    JobStatus,
    JobWait,
    JoinPolicy,
    MetadataFieldType,
    MetadataIndexStatus,
    NameOutcome,
    PhiPolicy,
    ReencodeUnitStatus,
    S3AddressingStyle,
    SidecarMatcherMode,
    SiteRole,
    SkippedObjectReason,
    StorageChangeAction,
    StorageFolderType,
    StorageLocationName,
    StorageObjectType,
    StorageUserRole,
    ThumbnailUnavailableReason,
)
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.thumbnail_sizes import ThumbnailSize
from resolvers.inputs.facets import StorageItemFacet
from resolvers.inputs.jobs import JobOrderField
from resolvers.inputs.lists import StorageItemOrderField, StorageOrderField, StorageScope
from resolvers.items import SignedUrlUnavailableReason

_PHI_RESTRICTED = "The folder is masked, and the viewer has no `seesPhi` there."


def described(kind: type[StrEnum], name: str | None = None, **values: str) -> None:
    """Register an enum under its name in the schema, with a description for each of its values."""
    # An input that was read before this module has registered it already.
    registered = kind if hasattr(kind, "__strawberry_definition__") else strawberry.enum(kind)
    definition = registered.__strawberry_definition__
    definition.name, definition.description = name or kind.__name__, getdoc(kind)
    for value in definition.values:
        value.description = values.pop(value.name)


described(
    StorageItemType,
    **{item_type.name: kind.description for item_type, kind in ITEM_KINDS.items()},
)
described(
    StorageFolderType,
    GENERIC="An ordinary folder.",
    CLOUD_LINKED="A cloud-synced folder: it mirrors a bucket or a prefix of one.",
    SYNTHETIC="A subfolder of a cloud-synced folder, created by a sync for a prefix of keys.",
    UNKNOWN="Reserved; never returned.",
)
described(
    JoinPolicy,
    EVERYONE="Everyone who sees the community joins at once.",
    INVITATION="By invitation, or by a request that an admin of the community accepts.",
)
described(
    StorageLocationName,
    STOREGRAPH="Storegraph's own object store.",
    GCP="Google Cloud Storage.",
    S3="Amazon S3.",
    AZURE="Azure Blob Storage.",
    OPEN_TELEKOM="Open Telekom Cloud, which is accessed like `S3_COMPATIBLE`.",
    DIRECT_ACCESS="A URL that is fetched without credentials.",
    S3_COMPATIBLE="Any other store with an S3-compatible API.",
)
described(
    StorageUserRole,
    VIEWER="Can read, and follow jobs.",
    USER="Can also upload and edit.",
    ADMIN="Can also move, delete and grant roles.",
)
described(
    SiteRole,
    MEMBER="Can create root folders and datasets. Everything else depends on roles granted on "
    "objects.",
    ADMIN="Has every role on every object, and also manages users, groups and other site-wide "
    "settings.",
)
described(
    ApiKeyScope,
    READ_USER_INFO="Read the viewer, and email addresses and other facts about users and their API keys.",
    WRITE_USER_INFO="Change users, and create and revoke API keys.",
    READ_DATA="Read folders, items, datasets and everything else that roles are about, and their bytes.",
    WRITE_DATA="Create and change these, and upload.",
    ADMIN_DATA="Delete and move these, and grant roles on them.",
    READ_GROUPS="Read groups and their members.",
    MANAGE_GROUPS="Create, change and delete groups, and add and remove members.",
)
described(
    DatasetLinkDuplicatesBehavior,
    DUPLICATE="Create another data row for the item.",
    FAIL="Reject the whole request.",
    SKIP="Keep the existing data row and create none.",
)
described(
    ReencodeUnitStatus,
    PENDING="Waiting or running.",
    REENCODED="A rendition was created.",
    LEFT_ALONE="Nothing was done: browsers can play the video as it is, or it has a rendition "
    "already.",
    ERROR="The video could not be re-encoded.",
    CANCELLED="Cancelled with its job.",
)
described(
    JobKind,
    UPLOAD="Turns uploaded files and files at URLs into items: an `UploadJob`.",
    CLOUD_SYNC="Brings a folder into line with its bucket: a `CloudSyncJob`.",
    REENCODE="Re-encodes videos so that all browsers can play them: a `ReencodeJob`.",
    DELETION="Removes a deleted folder with all below it, or another large object: a `DeletionJob`.",
    LINKING="Links the items of a folder to the dataset that mirrors it: a `LinkingJob`.",
    COLLECTING="Adds items to a collection by a filter, or removes them: a `CollectingJob`.",
    INDEXING="Fills in the values of a tag by which DICOM studies are filtered: an `IndexingJob`.",
    DICOM_DELETION="Deletes a DICOM study: a `DicomDeletionJob`.",
    DICOM_COPY="Splits, merges, clones or anonymizes DICOM studies: a `DicomCopyJob`.",
    FOLDER_COPY="Copies a folder with everything below it: a `FolderCopyJob`.",
)
described(
    JobStatus,
    PENDING="Waiting or running.",
    DONE="Finished. Check the counts, or `outcome` of a job: some units may have failed.",
    ERROR="Failed. An upload job without `ignoreErrors` fails with its first unit that does, a sync "
    "if the bucket cannot be listed completely, and a re-encoding job if a video could not be "
    "re-encoded.",
    CANCELLED="Cancelled by a user, or not started because the job stopped.",
)
described(
    JobOutcome,
    SUCCEEDED="Everything was done.",
    SUCCEEDED_WITH_ERRORS="The job came to its end, but some units failed.",
    FAILED="The job stopped early, or nothing of it succeeded.",
    CANCELLED="A user cancelled the job.",
)
described(
    JobWait,
    STORE="The site's own object store is down, full, overloaded, or refuses the site's credentials.",
    INTEGRATION="The cloud of the integration by which files are read is down, overloaded, or refuses "
    "the credentials.",
    CLOCK="The object store refuses requests, as its clock and that of the site differ.",
)
described(
    JobOrderField,
    CREATED_AT="By creation time.",
    SEQUENCE="By `sequence`, the number of the last change.",
)
described(
    StorageChangeAction,
    CREATE="The object was created.",
    UPDATE="Attributes of the object were changed.",
    MOVE="The object was moved to another folder.",
    DELETE="The object was deleted.",
    INGEST="A file was processed: the placeholder became an item, or part of one.",
    REENCODE="A video got a rendition.",
    RESTORE="An older revision of an item was restored.",
    CANCEL="A job was cancelled.",
    TAG="A folder was tagged.",
    UNTAG="A tag was removed from a folder.",
    ADD_ITEMS="Items were added to a collection.",
    REMOVE_ITEMS="Items were removed from a collection.",
    SHARE="The item was shared from `fromFolder`, its own folder, into `folder`.",
    UNSHARE="The item, whose own folder is `fromFolder`, is no longer shared into `folder`.",
)
described(
    StorageObjectType,
    STORAGE_FOLDER="A folder.",
    STORAGE_ITEM="An item.",
    UPLOAD_JOB="An upload job.",
    CLOUD_SYNC_JOB="A sync of a cloud-synced folder.",
    COLLECTION="A collection.",
    FILTER_PRESET="A filter preset.",
    FOLDER_GRANT="A role that a group or user was granted on a folder.",
    DICOM_STUDY="A DICOM study.",
    COMMUNITY="A community, listed by its root folder.",
)
described(SidecarMatcherMode, SUFFIX="By the end of the file name.")
described(
    SkippedObjectReason,
    OTHER_FORMAT="Its extension does not indicate a kind, and the folder's `includeOtherFiles` is off.",
    EMPTY="It has no bytes. With `includeOtherFiles` it would be a `FILE`.",
    ARCHIVED="It is in an archive tier, from which it must be restored before it can be read.",
    EXCLUDED="It matches an exclude pattern of the folder.",
    NOT_INCLUDED="It matches no include pattern of the folder.",
    UNUSABLE_KEY="Its key cannot be written as the URL of an object.",
    TOO_DEEP="Its key has more slashes than folders can be nested.",
)
described(
    MetadataFieldType,
    BOOLEAN="`true` or `false`.",
    DATETIME="An RFC 3339 timestamp with a time zone, as a string.",
    NUMBER="A number: a 64-bit integer or floating-point number.",
    UUID="A UUID, as a string.",
    VARCHAR="A string of at most 8,192 characters.",
    TEXT="A string of any length.",
    USER="An email address, as a string that contains `@`. It need not belong to a user.",
    ENUM="One of a fixed set of strings.",
    EMBEDDING="A vector: a list of exactly `embeddingSize` numbers.",
    GEOSPATIAL="An object with `latitude` from -90 to 90 and `longitude` from -180 to 180, and no "
    "other keys.",
)
described(
    MetadataIndexStatus,
    NONE="Items cannot be found by the key: it is deleted, or its values are embeddings.",
    FILLING="The values of items that had the key before it was declared are being filled in.",
    READY="Items can be found by the key.",
)
described(
    StorageOrderField,
    NAME="By name.",
    CREATED_AT="By creation time.",
    LAST_EDITED_AT="By time of the last edit.",
)
described(
    StorageItemOrderField,
    NAME="By name.",
    CREATED_AT="By creation time.",
    LAST_EDITED_AT="By time of the last edit.",
    SIZE="By file size in bytes. Items without a size come last.",
    NATURAL_NAME="By name, with numbers in it by value: `img2` comes before `img10`. Names are "
    "compared by about their first 200 characters.",
    DURATION="By duration. Items without a duration come last.",
    WIDTH="By width in pixels. Items without a width come last.",
    HEIGHT="By height in pixels. Items without a height come last.",
    METADATA="By the values of `metadataKey`. Items without a value come last.",
)
described(
    StorageItemFacet,
    ITEM_TYPE="The kind of item.",
    MIME_TYPE="The media type.",
    OWNER="The user who owns the item.",
    CREATED_MONTH="The month in which the item was created, in UTC.",
)
described(
    Direction, "OrderDirection", ASC="Ascending: smallest first.", DESC="Descending: largest first."
)
described(
    StorageScope,
    USER="Objects that the viewer was granted a role on, or that are in folders that they were. For "
    "site admins, everything else, too, except in `storageFolders` and `cloudIntegrations`.",
    PUBLIC="Public folders, and items in them. No datasets and integrations are public.",
    ORGANISATION="All objects of the organisation. Only for site admins.",
)
described(
    SignedUrlDisposition,
    ATTACHMENT="Save it as a file.",
    INLINE="Show it, if it cannot run script: raster images, video, audio and PDF with their own "
    "type, and all text, such as HTML and XML, as plain text. Anything else, such as SVG, is saved "
    "as a file.",
)
described(
    DownloadFormat,
    ZIP="A ZIP archive of stored files, which are not compressed. It streams at once. Names that some "
    "file system refuses are changed; files that cannot be read are listed in `ERRORS.txt`.",
)
described(
    DownloadUnavailableReason,
    NOT_SERVED="No process of the site serves archives: its operator has to run `storegraph bytes` "
    "and to set `STOREGRAPH_BYTES_URL`.",
    NO_FILES="The item has no files.",
    LINK="The item is a link, which Storegraph never fetches. `signedUrl` gives it as it is.",
    PHI_RESTRICTED=_PHI_RESTRICTED,
)
described(
    ThumbnailSize,
    SMALL="At most 256 by 256 pixels.",
    MEDIUM="At most 512 by 512 pixels.",
    LARGE="At most 1,024 by 1,024 pixels.",
)
described(
    ThumbnailUnavailableReason,
    PENDING="It is being made. Request it again after a few seconds.",
    NOT_YET_STORED="The item's bytes have not been uploaded or processed yet.",
    NOT_DRAWABLE="There are no thumbnails of this kind of item. For a group, request those of its "
    "`children`.",
    NO_SUCH_FRAME="The file has no frame, slice or page of this number.",
    UNDECODABLE="The file is encrypted, broken or compressed in an unsupported way, or drawing it "
    "exceeds the limits on time and memory.",
    STORE_UNREACHABLE="The file could not be read from where it is stored. Requests after an hour "
    "or more try again.",
    TOMBSTONE="The object no longer exists at its source.",
    PHI_RESTRICTED=_PHI_RESTRICTED,
)
described(
    SignedUrlUnavailableReason,
    NOT_A_SINGLE_OBJECT="The item has no object of its own: request the signed URLs of its "
    "`children`.",
    NOT_YET_STORED="The item's bytes have not been uploaded or processed yet.",
    TOMBSTONE="The object no longer exists at its source.",
    STORE_UNREACHABLE="The cloud integration cannot be used, or no longer covers the object.",
    PHI_RESTRICTED=_PHI_RESTRICTED,
)
described(
    PhiPolicy,
    OPEN="All who see the folder see all data in it.",
    MASKED="Only those with `seesPhi` see what identifies patients, and can download files.",
)
described(
    FolderVisibility,
    PUBLIC="Every signed-in user is `VIEWER`, without `seesPhi`.",
    PRIVATE="Only those who hold a role on the folder, or on one above it, see it.",
)
described(
    IfNameTaken,
    ALLOW_DUPLICATE="Let both have the name.",
    RENAME="Give the new one the first free name with a number: `scan (1).dcm`.",
    REFUSE="Fail with `CONFLICT`.",
    REUSE="Use what has the name, if it is a folder and a folder is wanted, or an item made of "
    "uploaded files and a file is; `CONFLICT` otherwise.",
)
described(
    ImportState,
    FOLDER="A directory, which became a folder or is an existing one.",
    NEW="A file that becomes a new item. Its bytes are expected, unless they are stored already.",
    REVISION="A file that becomes a new revision of the existing item.",
    UNCHANGED="The existing item has these bytes: nothing is to be sent.",
    IN_PROGRESS="A running job is reading this very file: nothing is to be sent.",
)
described(
    NameOutcome,
    AS_GIVEN="The name is the requested one.",
    RENAMED="The requested name was taken: a number was added.",
    REUSED="Nothing was created: what has the name is used.",
)
described(
    S3AddressingStyle,
    PATH="In the path: `https://s3.example/bucket/key`.",
    VIRTUAL="In the host: `https://bucket.s3.example/key`.",
)
described(
    ErrorCode,
    BAD_USER_INPUT="The input is invalid.",
    NOT_FOUND="The object does not exist, or the viewer may not see it.",
    FORBIDDEN="The viewer lacks the required role, a setting of the site does not allow the "
    "operation, or an external server denied access.",
    CONFLICT="The state of the object, or an earlier request, does not allow the operation.",
    LIMIT_EXCEEDED="The request or a file exceeds a limit, which the message states.",
    NOT_APPLIED="Not applied: another entry of the request failed.",
    UNAUTHENTICATED="The credential is missing or invalid.",
    GRAPHQL_PARSE_FAILED="The document is not valid GraphQL.",
    GRAPHQL_VALIDATION_FAILED="The document does not match the schema.",
    OPERATION_RESOLUTION_FAILURE="The operation to run could not be determined.",
    BAD_REQUEST="The request is not a valid GraphQL-over-HTTP request.",
    PERSISTED_QUERY_NOT_SUPPORTED="The request has only the hash of a document: send the document.",
    PERSISTED_QUERY_NOT_FOUND="No document with this hash is known: send the document with its hash.",
    DOCUMENT_NOT_TRUSTED="The site runs trusted documents only, and this is none of them.",
    INTROSPECTION_DISABLED="The site does not answer introspection.",
    RATE_LIMITED="The viewer has spent the points of a minute: retry after the seconds in "
    "`extensions.retryAfter`.",
    TIMEOUT="The operation, the request body or an external server took too long.",
    UNAVAILABLE="The database or an external server did not respond as expected. Try again later.",
    COMMIT_UNKNOWN="The connection to the database was lost while the change was committed: look "
    "whether it was made before you send it again.",
    INSUFFICIENT_STORAGE="A disk of the site is full, or nearly. Deletions and cancellations are "
    "accepted, and whatever else makes room; send other changes again once there is room.",
    INTERNAL_SERVER_ERROR="An unexpected error occurred in the server.",
)
