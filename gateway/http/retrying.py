"""The header that tells clients of responses with status 503 when to try again."""

RETRY = {"retry-after": "5"}
"""Headers of each such response."""
