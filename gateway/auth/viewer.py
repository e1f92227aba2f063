"""The viewer: the user on whose behalf an operation runs."""

from dataclasses import dataclass
from uuid import UUID

from gateway.kinds.enums import SiteRole


@dataclass(frozen=True, slots=True)
class Viewer:
    """An active user with a valid credential.

    Roles on objects are not here: they are read from the database whenever they matter.
    """

    user_uuid: UUID
    site_role: SiteRole

    @property
    def is_site_admin(self) -> bool:
        """Return whether the viewer has every role on every object."""
        return self.site_role is SiteRole.ADMIN
