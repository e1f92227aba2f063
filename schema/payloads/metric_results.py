"""Payloads of mutations of results of tests."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.global_ids import ids_from
from resolvers.metric_results import link_by_uuid, producer_by_uuid, submission_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.metric_results import MetricLink, MetricProducer, MetricSubmission

_UUIDS = "The UUIDs of the new values, at most 1,000, in input order."
_IDS = "The global IDs of the new values, at most 1,000, in input order."
_scalar_ids = ids_from("MetricScalar", "scalar_uuids")


@row_type()
@strawberry.type(description="Result of `addMetricScalars`.")
class AddMetricScalarsPayload:
    producer: MetricProducer | None = resolved(producer_by_uuid, "The producer of the values.")
    submission: MetricSubmission | None = resolved(
        submission_by_uuid, "The run that they belong to, if any."
    )
    scalar_uuids: list[UUID] | None = column(_UUIDS)
    scalar_ids: list[strawberry.ID] | None = resolved(_scalar_ids, _IDS)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `importMetricResults`.")
class ImportMetricResultsPayload:
    producer: MetricProducer | None = resolved(producer_by_uuid, "The producer of the values.")
    submission: MetricSubmission | None = resolved(
        submission_by_uuid, "The run that they belong to, if any."
    )
    scalar_uuids: list[UUID] | None = column(_UUIDS)
    scalar_ids: list[strawberry.ID] | None = resolved(_scalar_ids, _IDS)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `linkItemToMetric`.")
class LinkItemToMetricPayload:
    link: MetricLink | None = resolved(link_by_uuid, "The link.")
    user_errors: list[UserError] = column(USER_ERRORS)
