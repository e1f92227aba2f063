"""Scopes: the parts of the API that a credential is good for, apart from the roles of its user."""

from collections.abc import Collection, Mapping

from gateway.auth.viewer import Viewer
from gateway.errors import bad_input, forbidden
from gateway.kinds.enums import ApiKeyScope


def check_scopes(viewer: Viewer, needed: Mapping[ApiKeyScope, str]) -> None:
    """Raise an error if the credential lacks one of these scopes, each with what needs it.

    Raises:
        DomainError: `FORBIDDEN`.
    """
    if viewer.scopes is None:
        return
    for scope, name in needed.items():
        if scope not in viewer.scopes:
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
