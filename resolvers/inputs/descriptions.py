"""Descriptions that several inputs share."""

ALLOW_PARTIAL = "Whether to apply the valid entries even if others fail."
ALLOW_PUBLIC = (
    "Whether this may make something public: put it into a public folder, although it has been in "
    "private ones only. Without it, that fails with `CONFLICT`."
)
CLIENT_METADATA = "The client's own metadata, as a JSON object of at most 256 KiB."
DATASET_CHANGES = (
    "Whether items that datasets use may be deleted, together with their data rows. Without it, "
    "such a deletion fails with `CONFLICT`."
)
IDEMPOTENCY_KEY = (
    "A key of 1 to 200 characters that makes the mutation safe to retry: for 24 hours, calling it "
    "again as the same user with the same key and input returns the first result. The same key "
    "with another input fails with `CONFLICT`."
)
METADATA_PATCH = (
    "A JSON merge patch (RFC 7396) to the current metadata. Cannot be combined with "
    "`clientMetadata`."
)
MIRROR_CHANGES = (
    "Whether this may add data rows to mirror datasets, or delete data rows from them. Without "
    "it, such a change fails with `CONFLICT`."
)
NEW_CLIENT_METADATA = (
    "New metadata: a JSON object of at most 256 KiB, which replaces the current one. Null is the "
    "same as `{}`."
)
SHARED_ITEMS = (
    "Whether to delete also items that are shared into folders elsewhere. Otherwise each of them is "
    "kept, and has its home in the earliest of these folders then."
)
USER_EMAILS = "At most 1,000 email addresses of users, in any case."
USER_UUIDS = (
    "UUIDs of at most 1,000 users. At least one user must be given, here or in `userEmails`."
)
_NAME_RULES = (
    "1 to 1,000 characters. Control characters, and `.` or `..` as a path segment, are not allowed."
)


def name_of(noun: str) -> str:
    """Return the description of the name of a new object."""
    return f"Name of the {noun}, {_NAME_RULES} Names need not be unique."


def title_of(noun: str) -> str:
    """Return the description of the title of a new object."""
    return f"Title of the {noun}, {_NAME_RULES} Titles need not be unique."


def new_name_of(noun: str) -> str:
    """Return the description of the name in an update."""
    return f"New name of the {noun}, {_NAME_RULES} Must not be null."


def new_title_of(noun: str) -> str:
    """Return the description of the title in an update."""
    return f"New title of the {noun}, {_NAME_RULES} Must not be null."


def description_of(noun: str) -> str:
    """Return the description of the description of a new object."""
    return f"Description of the {noun}, at most 10,000 characters. Null is the same as empty."


def new_description_of(noun: str) -> str:
    """Return the description of the description in an update."""
    return f"New description of the {noun}, at most 10,000 characters. Null is the same as empty."


LEAST, GREATEST = "The least value that matches.", "The greatest value that matches."
