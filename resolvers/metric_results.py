"""Results of tests that communities keep: how they are resolved."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.auth.metric_results import (
    is_shown_to,
    sees_producer,
    sees_scalar,
    sees_submission,
    sees_trend,
)
from gateway.auth.visibility import sees_item
from gateway.execution.declarations import EdgeQuery, Lookup, ToMany, ToOne
from gateway.models.communities import communities
from gateway.models.items import items
from gateway.models.metric_results import (
    metric_links,
    metric_producers,
    metric_scalars,
    metric_submissions,
    metric_trends,
)
from gateway.models.people import users
from resolvers.communities import community_by_uuid
from resolvers.global_ids import id_from
from resolvers.inputs.metric_results import MetricScalarFilter
from resolvers.item_conditions import folded
from resolvers.items import item_by_uuid
from resolvers.json_columns import json_column
from resolvers.orders import by_name, newest_first


@dataclass(frozen=True, slots=True)
class MetricUrlRow:
    """A page about a value."""

    label: str
    url: str


_NEWEST = newest_first(metric_scalars.c.submitted_at, metric_scalars.c.uuid)


def _scalar_conditions(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of a `MetricScalarFilter` on the values that the viewer may see."""
    filter: MetricScalarFilter = query.filter or MetricScalarFilter()
    conditions = [is_shown_to(query.viewer)]
    if filter.from_ is not None:
        conditions.append(metric_scalars.c.submitted_at >= filter.from_)
    if filter.to is not None:
        conditions.append(metric_scalars.c.submitted_at < filter.to)
    if filter.branch is not None:
        folded(filter.branch, "filter", "branch")  # checks its length
        conditions.append(metric_scalars.c.branch == filter.branch)
    if filter.is_official is not None:
        conditions.append(metric_scalars.c.is_official == filter.is_official)
    return conditions


producer_id_of = id_from("MetricProducer", metric_producers.c.uuid)
trend_id_of = id_from("MetricTrend", metric_trends.c.uuid)
scalar_id_of = id_from("MetricScalar", metric_scalars.c.uuid)
submission_id_of = id_from("MetricSubmission", metric_submissions.c.uuid)
link_id_of = id_from("MetricLink", metric_links.c.uuid)
producer_by_uuid = ToOne(metric_producers, "producer_uuid", access=sees_producer)
trend_by_uuid = ToOne(metric_trends, "trend_uuid", access=sees_trend)
scalar_by_uuid = ToOne(metric_scalars, "scalar_uuid", access=sees_scalar)
submission_by_uuid = ToOne(metric_submissions, "submission_uuid", access=sees_submission)
submission_lookup = Lookup(submission_by_uuid, "uuid", "UUID of the submission.")
link_by_uuid = ToOne(metric_links, "link_uuid")
community_of = community_by_uuid
item_of_link = item_by_uuid
config_item_of = ToOne(items, metric_trends.c.config_item_uuid, access=sees_item)
test_item_of = ToOne(items, metric_trends.c.test_item_uuid, access=sees_item)
truth_item_of = ToOne(items, metric_trends.c.truth_item_uuid, access=sees_item)
urls_of = json_column(
    metric_scalars.c.uuid,
    metric_scalars.c.links,
    lambda links: [MetricUrlRow(link["label"], link["url"]) for link in links],
)
user_of = ToOne(users, "user_uuid")
producers_of = ToMany(
    "metricProducers",
    metric_producers,
    by_name(metric_producers.c.display_name, metric_producers.c.uuid),
    key=communities.c.uuid,
    parent=metric_producers.c.community_uuid,
)
trends_of = ToMany(
    "metricTrends",
    metric_trends,
    by_name(metric_trends.c.metric_name, metric_trends.c.uuid),
    key=metric_producers.c.uuid,
    parent=metric_trends.c.producer_uuid,
)
scalars_of_trend = ToMany(
    "metricScalars",
    metric_scalars,
    _NEWEST,
    key=metric_trends.c.uuid,
    parent=metric_scalars.c.trend_uuid,
    where=_scalar_conditions,
    filter_type=MetricScalarFilter,
)
scalars_of_submission = ToMany(
    "submittedScalars",
    metric_scalars,
    _NEWEST,
    key=metric_submissions.c.uuid,
    parent=metric_scalars.c.submission_uuid,
    where=_scalar_conditions,
    filter_type=MetricScalarFilter,
)
links_of_scalar = ToMany(
    "scalarItems",
    metric_links,
    by_name(metric_links.c.label, metric_links.c.uuid),
    key=metric_scalars.c.uuid,
    parent=metric_links.c.scalar_uuid,
    source=metric_links.join(items, items.c.uuid == metric_links.c.item_uuid),
    where=lambda query: [sees_item(query.viewer)],
)
links_of_item = ToMany(
    "metricLinks",
    metric_links,
    by_name(metric_links.c.label, metric_links.c.uuid),
    key=items.c.uuid,
    parent=metric_links.c.item_uuid,
    source=metric_links.join(metric_scalars, metric_scalars.c.uuid == metric_links.c.scalar_uuid),
    where=lambda query: [sees_scalar(query.viewer)],
)
