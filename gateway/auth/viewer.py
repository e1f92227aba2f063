"""The viewer: on whose behalf an operation runs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gateway.kinds.enums import ApiKeyScope, SiteRole


@dataclass(frozen=True, slots=True)
class Viewer:
    """An active user with a valid credential, or whoever has none on a site that is read openly.

    Roles on objects are not here: they are read from the database whenever they matter.

    Attributes:
        key_uuid: The API key that the user signed in with; None with a JWT.
        expires_at: When the credential expires, in UTC; None if never.
        sees_phi: Whether the credential lets them see the identities of patients that their grants
            let them see.
        sees_directory: Whether the site lets members list all users and groups.
        tree_uuid: The folder outside which the credential shows nothing; None if it shows all that
            the user may see.
        is_anonymous: Whether there is no credential: `user_uuid` is that of nobody then, and only
            public folders are seen.
        scopes: The parts of the API that the credential is good for; None for all. There are none
            if it only opens sessions, by a second factor.
        key_digest: The digest of the API key's token, which ends when the key gets another.
    """

    user_uuid: UUID
    site_role: SiteRole
    key_uuid: UUID | None = field(default=None, kw_only=True)
    expires_at: datetime | None = field(default=None, kw_only=True, compare=False)
    sees_phi: bool = field(default=True, kw_only=True)
    sees_directory: bool = field(default=True, kw_only=True)
    tree_uuid: UUID | None = field(default=None, kw_only=True)
    is_anonymous: bool = field(default=False, kw_only=True)
    scopes: frozenset[ApiKeyScope] | None = field(default=None, kw_only=True)
    key_digest: str | None = field(default=None, kw_only=True, compare=False)

    @property
    def is_site_admin(self) -> bool:
        """Return whether the viewer has every role on every object that the credential shows."""
        return self.site_role is SiteRole.ADMIN

    @property
    def administers_site(self) -> bool:
        """Return whether the viewer also manages people, settings, and what is in no folder."""
        return self.is_site_admin and self.tree_uuid is None

    @property
    def reads_directory(self) -> bool:
        """Return whether the credential is one by which users may be read."""
        has_scope = self.scopes is None or ApiKeyScope.READ_USER_INFO in self.scopes
        return has_scope and not self.is_anonymous

    @property
    def sight(self) -> tuple[SiteRole, bool, bool, UUID | None, bool, bool]:
        """Return all that the conditions of visibility depend on, besides the user."""
        return (
            self.site_role,
            self.sees_phi,
            self.sees_directory,
            self.tree_uuid,
            self.is_anonymous,
            self.reads_directory,
        )


class OnBehalfOf(Protocol):
    """The context of something that runs on behalf of a viewer."""

    @property
    def viewer(self) -> Viewer:
        """The viewer."""
        ...
