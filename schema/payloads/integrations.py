"""What mutations of cloud integrations answer."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.integrations import integration_by_uuid
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved
from schema.integrations import CloudIntegration

_GROUPS = "The integration with the groups that it has now, if the viewer may still see it."


@of()
@strawberry.type(description="The cloud integration that was made.")
class CreateCloudIntegrationPayload:
    integration: CloudIntegration | None = resolved(integration_by_uuid, "The new integration.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The cloud integration that was changed.")
class UpdateCloudIntegrationPayload:
    integration: CloudIntegration | None = resolved(
        integration_by_uuid, "The integration as it is now."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The cloud integration that was tried.")
class VerifyCloudIntegrationPayload:
    integration: CloudIntegration | None = resolved(
        integration_by_uuid, "The integration, if all of it works."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The cloud integration that was removed.")
class DeleteCloudIntegrationPayload:
    integration_uuid: UUID | None = column("The integration that is gone.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The cloud integration on which groups got a role.")
class AddCloudIntegrationGroupsPayload:
    integration: CloudIntegration | None = resolved(integration_by_uuid, _GROUPS)
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The cloud integration on which groups lost their role.")
class RemoveCloudIntegrationGroupsPayload:
    integration: CloudIntegration | None = resolved(integration_by_uuid, _GROUPS)
    user_errors: list[UserError] = column(REFUSED)
