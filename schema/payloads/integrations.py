"""Payloads of mutations of cloud integrations."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.global_ids import id_from
from resolvers.integrations import integration_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.integrations import CloudIntegration

_GROUPS = "The integration with its changed groups. Null if the viewer can no longer see it."


@row_type()
@strawberry.type(description="Result of `createCloudIntegration`.")
class CreateCloudIntegrationPayload:
    integration: CloudIntegration | None = resolved(integration_by_uuid, "The new integration.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `updateCloudIntegration`.")
class UpdateCloudIntegrationPayload:
    integration: CloudIntegration | None = resolved(integration_by_uuid, "The changed integration.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `verifyCloudIntegration`.")
class VerifyCloudIntegrationPayload:
    integration: CloudIntegration | None = resolved(
        integration_by_uuid,
        "The integration. Null if access to a location failed; `userErrors` names it.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteCloudIntegration`.")
class DeleteCloudIntegrationPayload:
    integration_uuid: UUID | None = column("The UUID of the deleted integration.")
    deleted_id: strawberry.ID | None = resolved(
        id_from("CloudIntegration", "integration_uuid"), "The global ID of the deleted integration."
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `addCloudIntegrationGroups`.")
class AddCloudIntegrationGroupsPayload:
    integration: CloudIntegration | None = resolved(integration_by_uuid, _GROUPS)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeCloudIntegrationGroups`.")
class RemoveCloudIntegrationGroupsPayload:
    integration: CloudIntegration | None = resolved(integration_by_uuid, _GROUPS)
    user_errors: list[UserError] = column(USER_ERRORS)
