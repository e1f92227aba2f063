"""The error that probing and encoding raise."""


class MediaError(Exception):
    """Raised when a file is not what it should be.

    The message is a clause for the owner of the file, such as "the file is empty": it follows the
    file's name in errors of upload jobs, and says nothing of where the file is stored.
    """
