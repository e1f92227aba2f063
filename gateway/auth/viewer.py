"""Who asks."""

from dataclasses import dataclass
from uuid import UUID

from gateway.kinds.enums import SiteRole


@dataclass(frozen=True, slots=True)
class Viewer:
    """An active user with a valid credential; what he may see is asked of the database each time."""

    user_uuid: UUID
    site_role: SiteRole

    @property
    def is_site_admin(self) -> bool:
        """Site admins hold every role everywhere."""
        return self.site_role is SiteRole.ADMIN
