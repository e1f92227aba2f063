"""All rows of the database, brought together so that the metadata is whole whoever asks for it."""

from gateway.models import (
    changes,
    collections,
    datasets,
    folders,
    integrations,
    items,
    metadata,
    people,
    queue,
    reencoding,
    syncs,
    tags,
    uploads,
)

__all__ = [
    "changes",
    "collections",
    "datasets",
    "folders",
    "integrations",
    "items",
    "metadata",
    "people",
    "queue",
    "reencoding",
    "syncs",
    "tags",
    "uploads",
]
