"""All rows of the database, brought together so that the metadata is whole whoever asks for it."""

from gateway.models import changes, datasets, folders, integrations, items, metadata, people, queue, uploads

__all__ = ["changes", "datasets", "folders", "integrations", "items", "metadata", "people", "queue", "uploads"]
