"""The kinds of jobs and their GraphQL types."""

from gateway.kinds.enums import JobKind

JOB_TYPES = {
    JobKind.UPLOAD: "UploadJob",
    JobKind.CLOUD_SYNC: "CloudSyncJob",
    JobKind.REENCODE: "ReencodeJob",
    JobKind.DELETION: "DeletionJob",
    JobKind.LINKING: "LinkingJob",
    JobKind.COLLECTING: "CollectingJob",
    JobKind.DICOM_DELETION: "DicomDeletionJob",
    JobKind.INDEXING: "IndexingJob",
    JobKind.DICOM_COPY: "DicomCopyJob",
    JobKind.FOLDER_COPY: "FolderCopyJob",
}
"""The GraphQL type of each kind, which global IDs and journals name."""
