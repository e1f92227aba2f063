"""The errors that probing and encoding raise."""


class MediaError(Exception):
    """Raised when a file is not what it should be.

    The message is a clause for the owner of the file, such as "the file is empty": it follows the
    file's name in errors of upload jobs, and says nothing of where the file is stored. It may quote
    the file: characters that cannot be printed are replaced.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            "".join(letter if letter.isprintable() else "\ufffd" for letter in message)
        )


class UnsuitableFile(MediaError):
    """Raised when a file cannot be an item of its kind, though it need not be damaged.

    It may be a video in an unknown codec, a DICOM directory or an encrypted document. If its kind
    was left open, it becomes a `FILE`.
    """
