"""Enums of downloads. Their docstrings are shown in the schema."""

from enum import StrEnum


class SignedUrlDisposition(StrEnum):
    """Treatment of a download by browsers."""

    ATTACHMENT = "ATTACHMENT"
    INLINE = "INLINE"


class DownloadFormat(StrEnum):
    """Format of an archive."""

    ZIP = "ZIP"


class DownloadUnavailableReason(StrEnum):
    """Reason why an object has no archive."""

    NOT_SERVED = "NOT_SERVED"
    NO_FILES = "NO_FILES"
    LINK = "LINK"
    PHI_RESTRICTED = "PHI_RESTRICTED"
