"""Viewers without a credential, on sites that are read openly: who they are, and what they get.

They see what is in public folders, and nothing of people and their work: the tables that they read
are listed here, so that none is open to them by accident.
"""

from uuid import UUID, uuid5

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.client_addresses import network_of
from gateway.errors import DomainError, ErrorCode
from gateway.kinds.enums import SiteRole

PART = 4
"""Limits of these viewers are this part of a member's, for all who share an address."""
MAX_URL_SECONDS = 3600
"""Longest lifetime of the URLs that are signed for them."""
_NAMESPACE = UUID("6b2c1a52-7d0f-4f3c-9a5e-0c3f4a2b9d11")
_OPEN_TABLES = frozenset(
    {
        "collection_items",
        "collections",
        "communities",
        "dicom_indexed_tags",
        "dicom_instances",
        "dicom_series",
        "dicom_studies",
        "dicom_study_places",
        "files",
        "folder_counters",
        "folders",
        "items",
        "metric_links",
        "metric_producers",
        "metric_scalars",
        "metric_submissions",
        "metric_trends",
        "organisation_tags",
        "renditions",
        "revisions",
    }
)


def anonymous_viewer(address: str | None) -> Viewer:
    """Return whoever sends a request without a credential from an address.

    Those who share an address share an identity, by which limits count.
    """
    return Viewer(
        uuid5(_NAMESPACE, network_of(address or "")),
        SiteRole.MEMBER,
        sees_phi=False,
        sees_directory=False,
        is_anonymous=True,
    )


def reads(viewer: Viewer, table: sa.FromClause) -> bool:
    """Return whether a viewer may read rows of a table that they can see."""
    return not viewer.is_anonymous or getattr(table, "name", None) in _OPEN_TABLES


def credential_required(what: str) -> DomainError:
    """Return the error for what viewers without a credential do not get."""
    message = f"{what} requires a credential: an API key or token in the header `Authorization`."
    return DomainError(ErrorCode.UNAUTHENTICATED, message)
