"""Rows of the database: one SQLModel class per table, and its Core table.

Statements are written on the tables; the classes give defaults, and types for the checker.
Importing the package registers all tables.
"""

from gateway.models import (
    changes,
    collections,
    communities,
    datasets,
    dicom,
    dicom_jobs,
    folder_copies,
    folders,
    integrations,
    items,
    jobs,
    metadata,
    metric_results,
    people,
    queue,
    reencoding,
    revisions,
    second_factors,
    sequences,
    shares,
    syncs,
    tags,
    thumbnails,
    uploads,
)

__all__ = [
    "changes",
    "collections",
    "communities",
    "datasets",
    "dicom",
    "dicom_jobs",
    "folder_copies",
    "folders",
    "integrations",
    "items",
    "jobs",
    "metadata",
    "metric_results",
    "people",
    "queue",
    "reencoding",
    "revisions",
    "second_factors",
    "sequences",
    "shares",
    "syncs",
    "tags",
    "thumbnails",
    "uploads",
]
