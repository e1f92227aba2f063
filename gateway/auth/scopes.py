"""Scopes: the parts of the API that a credential is good for, apart from the roles of its user."""

from collections.abc import Collection, Mapping

from gateway.auth.viewer import Viewer
from gateway.errors import bad_input, forbidden
from gateway.kinds.enums import ApiKeyScope
from gateway.models.people import ApiKeyRecord


def check_scopes(viewer: Viewer, needed: Mapping[ApiKeyScope | None, str]) -> None:
    """Raise an error if the credential lacks one of these scopes, each with what needs it.

    None stands for no scope in particular, which all have but those that only open sessions.

    Raises:
        DomainError: `FORBIDDEN`.
    """
    if viewer.scopes is None:
        return
    if not viewer.scopes and needed:
        raise forbidden("This key requires a one-time password: use it to create a session.")
    for scope, name in needed.items():
        if scope and scope not in viewer.scopes:
            raise forbidden(f"{name} requires the scope {scope}, which this credential lacks.")


def scopes_of_new_key(
    requested: Collection[ApiKeyScope] | None, viewer: Viewer | None
) -> frozenset[ApiKeyScope] | None:
    """Return the scopes of a key or session that a viewer creates; None for all.

    Args:
        requested: None for those of the viewer.
        viewer: who creates it; None on the command line.

    Raises:
        DomainError: at `scopes`: `FORBIDDEN` if the viewer lacks a requested one, and
            `BAD_USER_INPUT` if none is requested.
    """
    own = viewer.scopes if viewer else None
    if requested is None:
        return own
    if not requested:
        raise bad_input("A key needs at least one scope.", "scopes")
    if own is not None and (missing := [scope for scope in requested if scope not in own]):
        raise forbidden(f"The credential of this request lacks {missing[0]} itself.", "scopes")
    return frozenset(requested)


def scopes_of(names: Collection[str] | None) -> frozenset[ApiKeyScope] | None:
    """Return the scopes of a key as they are stored; None for all."""
    return None if names is None else frozenset(map(ApiKeyScope, names))


def check_within(viewer: Viewer, key: ApiKeyRecord, *path: str) -> None:
    """Raise an error unless a key opens no more than the credential of a viewer.

    That it is for the same tree is a condition of seeing it.

    Raises:
        DomainError: `FORBIDDEN` at `path`.
    """
    scopes = scopes_of(key.scopes)
    has_scopes = viewer.scopes is None or (scopes is not None and scopes <= viewer.scopes)
    lives_as_long = viewer.expires_at is None or (
        key.expires_at is not None and key.expires_at <= viewer.expires_at
    )
    if not (has_scopes and lives_as_long and viewer.sees_phi >= key.sees_phi):
        raise forbidden("The key opens more than the credential of this request.", *path)
