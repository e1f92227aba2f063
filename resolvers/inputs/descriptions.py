"""Descriptions that several inputs share."""

ALLOW_PARTIAL = "Whether to apply the valid entries even if others fail."
CLIENT_METADATA = "A JSON object of at most 256 KB."
DATASET_CHANGES = "Whether items may be deleted that datasets use. Their data rows are deleted too."
DESCRIPTION = "At most 10,000 characters; null for none."
IDEMPOTENCY_KEY = (
    "Repeating a request with the same key within 24 hours returns the first result instead of "
    "running it again."
)
METADATA_PATCH = (
    "A JSON merge patch (RFC 7396) to the present metadata. Cannot be combined with "
    "`clientMetadata`."
)
MIRROR_CHANGES = "Whether data rows of mirror datasets may be added or deleted as a consequence."
NAME = "1 to 1,000 characters. Need not be unique."
NEW_CLIENT_METADATA = (
    "A JSON object of at most 256 KB, which replaces the present one; null empties it."
)
NEW_DESCRIPTION = "At most 10,000 characters; null empties it."
NEW_NAME = "1 to 1,000 characters. Must not be null."
