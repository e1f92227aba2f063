"""What kind of item a file is expected to be, told from its name before anybody has looked into it."""

from gateway.kinds.enums import StorageItemType

_EXTENSIONS = {
    StorageItemType.IMAGE: "png jpg jpeg jpe jfif gif bmp tif tiff webp avif heic heif jp2 jpx",
    StorageItemType.VIDEO: "mp4 m4v mov webm mkv avi mpg mpeg mts m2ts wmv flv 3gp ogv",
    StorageItemType.AUDIO: "mp3 wav flac ogg oga opus m4a aac aif aiff wma",
    StorageItemType.PDF: "pdf",
    StorageItemType.PLAIN_TEXT: "txt text md markdown rst html htm xhtml xml json jsonl csv tsv yaml yml log",
    StorageItemType.DICOM_FILE: "dcm dicom",
    StorageItemType.NIFTI: "nii nii.gz",
}
_KINDS = {ending: kind for kind, endings in _EXTENSIONS.items() for ending in endings.split()}


def kind_of(name: str) -> StorageItemType | None:
    """The kind of a file with that name; None if it says of none that we read."""
    parts = name.lower().rsplit(".", 2)
    return next(
        (_KINDS[ending] for ending in (".".join(parts[-2:]), parts[-1]) if ending in _KINDS), None
    )
