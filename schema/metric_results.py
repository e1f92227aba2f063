"""Results of tests that communities keep: producers, trends, values and submissions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.scalars import JSON, URL
from resolvers import metric_results as metrics
from schema.common import Connection, Node
from schema.fields import column, resolved, row_type
from schema.people import User

if TYPE_CHECKING:
    from schema.communities import Community
    from schema.items import StorageItem

Item = Annotated["StorageItem", strawberry.lazy("schema.items")]


@row_type()
@strawberry.type(description="A program whose results a community keeps.")
class MetricProducer(Node):
    id: strawberry.ID = resolved(metrics.producer_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The producer's UUID.")
    community: Annotated[Community, strawberry.lazy("schema.communities")] = resolved(
        metrics.community_of, "The community that the results belong to."
    )
    display_name: str = column("The producer's name, unique in the community.")
    repository: str = column("Where its source code is; may be empty.")
    created_at: datetime = column("When the first of its values was added, in UTC.")
    trends: Connection[MetricTrend] = resolved(
        metrics.trends_of, "The trends of its metrics, by the name of the metric."
    )


@row_type()
@strawberry.type(description="The values of one metric of a producer, measured on the same data.")
class MetricTrend(Node):
    id: strawberry.ID = resolved(metrics.trend_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The trend's UUID.")
    producer: MetricProducer = resolved(metrics.producer_by_uuid, "The producer of the values.")
    metric_name: str = column("The name of the metric.")
    unit: str = column("The unit of the values; may be empty.")
    config_item: Item | None = resolved(
        metrics.config_item_of,
        "The item with the configuration. Null if there is none or the viewer cannot see it.",
    )
    test_item: Item | None = resolved(
        metrics.test_item_of,
        "The item that was tested with. Null if there is none or the viewer cannot see it.",
    )
    truth_item: Item | None = resolved(
        metrics.truth_item_of,
        "The item with the expected result. Null if there is none or the viewer cannot see it.",
    )
    created_at: datetime = column("When the first of its values was added, in UTC.")
    scalars: Connection[MetricScalar] = resolved(
        metrics.scalars_of_trend,
        "The values, those measured last first: official ones, and the viewer's own.",
    )


@row_type()
@strawberry.type(description="A page about a value, such as the log of its run.")
class MetricUrl:
    label: str = column("The label of the page.")
    url: URL = column("The URL of the page. Storegraph never opens it.")


@row_type()
@strawberry.type(description="A value of a metric.")
class MetricScalar(Node):
    id: strawberry.ID = resolved(metrics.scalar_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The value's UUID.")
    trend: MetricTrend = resolved(metrics.trend_by_uuid, "The trend that the value belongs to.")
    submission: MetricSubmission | None = resolved(
        metrics.submission_by_uuid, "The run that the value belongs to, if any."
    )
    user: User | None = resolved(
        metrics.user_of, "The user who added the value. Null for viewers without a credential."
    )
    value: float = column("The value.")
    submitted_at: datetime = column("When the value was measured, in UTC.")
    revision: str = column("The revision of the producer's source code; may be empty.")
    branch: str = column("The branch of that revision; may be empty.")
    is_official: bool = column("Whether others see the value. If not, only its user does.")
    parameters: JSON | None = column("The parameters of the run, as a JSON object, if any.")
    links: list[MetricUrl] = resolved(metrics.urls_of, "At most 100 pages about the value.")
    reproduction_command: str = column("The command that measures the value again; may be empty.")
    created_at: datetime = column("When the value was added, in UTC.")
    items: MetricLinkConnection = resolved(
        metrics.links_of_scalar, "The linked items that the viewer can see, by their labels."
    )


@row_type()
@strawberry.type(description="A run of a producer, whose values were submitted together.")
class MetricSubmission(Node):
    id: strawberry.ID = resolved(metrics.submission_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The submission's UUID.")
    community: Annotated[Community, strawberry.lazy("schema.communities")] = resolved(
        metrics.community_of, "The community that the values belong to."
    )
    name: str = column("The submission's name; may be empty.")
    user: User | None = resolved(
        metrics.user_of,
        "The user who submitted it. Null if that user has been deleted.",
    )
    created_at: datetime = column("When the submission was made, in UTC.")
    scalars: Connection[MetricScalar] = resolved(
        metrics.scalars_of_submission,
        "The values, those measured last first: official ones, and the viewer's own.",
    )


@row_type()
@strawberry.type(description="A link between a value of a metric and an item.")
class MetricLink:
    id: strawberry.ID = resolved(metrics.link_id_of, "Opaque global ID, for caches.")
    scalar: MetricScalar | None = resolved(
        metrics.scalar_by_uuid, "The value. Null if the viewer cannot see it."
    )
    item: Item | None = resolved(
        metrics.item_of_link, "The item. Null if the viewer cannot see it."
    )
    label: str = column("The label of the item.")
    created_at: datetime = column("When the item was linked, in UTC.")


@row_type()
@strawberry.type(description="A page of links between values of metrics and items.")
class MetricLinkConnection(Connection[MetricLink]):
    """Page of links, a class of its own so that items can refer to it lazily."""


@row_type()
@strawberry.type(description="A page of producers of metrics.")
class MetricProducerConnection(Connection[MetricProducer]):
    """Page of producers, a class of its own so that communities can refer to it lazily."""
