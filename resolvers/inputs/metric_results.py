"""Inputs of queries and mutations of results of tests."""

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.scalars import JSON, URL
from resolvers.inputs.descriptions import IDEMPOTENCY_KEY

_COMMUNITY = "UUID of the community."


@strawberry.input(description="Filter for values. A value must match all fields that are set.")
class MetricScalarFilter:
    from_: datetime | None = strawberry.field(
        name="from", default=None, description="Only values submitted at this time or later."
    )
    to: datetime | None = strawberry.field(
        default=None, description="Only values submitted before this time."
    )
    branch: str | None = strawberry.field(
        default=None, description="The exact name of the branch, at most 1,000 characters."
    )
    is_official: bool | None = strawberry.field(
        default=None,
        description="If `true`, only official values; if `false`, only the viewer's own that are not.",
    )


@strawberry.input(description="The program that produces values. It is created if it is not known.")
class MetricProducerInput:
    display_name: str = strawberry.field(
        description="Name of the producer, 1 to 1,000 characters, unique in the community."
    )
    repository: str | None = strawberry.field(
        default=None,
        description="Where its source code is, at most 2,000 characters. If omitted, the repository of "
        "a known producer stays as it is.",
    )


@strawberry.input(description="The run that values belong to. It is created if it is not known.")
class MetricSubmissionInput:
    uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the submission, by which more values can be added to it; a new one if "
        "omitted.",
    )
    name: str | None = strawberry.field(
        default=None, description="Name of a new submission, at most 1,000 characters."
    )


@strawberry.input(description="A page about a value, such as the log of its run.")
class MetricUrlInput:
    label: str = strawberry.field(description="A label of the page, 1 to 1,000 characters.")
    url: URL = strawberry.field(description="An http or https URL of at most 2,000 characters.")


@strawberry.input(description="The circumstances of a value.")
class MetricFactsInput:
    unit: str | None = strawberry.field(
        default=None,
        description="Unit of the value, at most 100 characters. Values in another unit are another "
        "trend.",
    )
    config_item_uuid: UUID | None = strawberry.field(
        default=None, description="UUID of the item with the configuration."
    )
    test_item_uuid: UUID | None = strawberry.field(
        default=None, description="UUID of the item that was tested with."
    )
    truth_item_uuid: UUID | None = strawberry.field(
        default=None, description="UUID of the item with the expected result."
    )
    submitted_at: datetime | None = strawberry.field(
        default=None, description="When the value was measured; now if omitted."
    )
    revision: str | None = strawberry.field(
        default=None,
        description="Revision of the producer's source code, at most 1,000 characters.",
    )
    branch: str | None = strawberry.field(
        default=None, description="Branch of that revision, at most 1,000 characters."
    )
    is_official: bool = strawberry.field(
        default=True, description="Whether others see the value. If not, only the viewer does."
    )
    parameters: JSON | None = strawberry.field(
        default=None, description="Parameters of the run, as a JSON object of at most 64 KiB."
    )
    links: list[MetricUrlInput] | None = strawberry.field(
        default=None, description="At most 100 pages about the value."
    )
    reproduction_command: str | None = strawberry.field(
        default=None,
        description="Command that measures the value again, at most 10,000 characters.",
    )


@strawberry.input(description="A value of a metric.")
class MetricScalarInput(MetricFactsInput):
    metric_name: str = strawberry.field(description="Name of the metric, 1 to 1,000 characters.")
    value: float = strawberry.field(description="The value: a finite number.")


@strawberry.input(description="Values to add to the metrics of a community.")
class AddMetricScalarsInput:
    community_uuid: UUID = strawberry.field(description=_COMMUNITY)
    producer: MetricProducerInput = strawberry.field(description="The producer of the values.")
    submission: MetricSubmissionInput | None = strawberry.field(
        default=None, description="The run that the values belong to, if any."
    )
    scalars: list[MetricScalarInput] = strawberry.field(description="1 to 1,000 values.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A JSON document with the results of a run.")
class ImportMetricResultsInput(MetricFactsInput):
    community_uuid: UUID = strawberry.field(description=_COMMUNITY)
    producer: MetricProducerInput = strawberry.field(description="The producer of the values.")
    submission: MetricSubmissionInput | None = strawberry.field(
        default=None, description="The run that the values belong to, if any."
    )
    results: JSON = strawberry.field(
        description="A JSON object of at most 256 KiB. Each number in it is a value, whose metric is "
        "named by the keys that lead to it, joined with `/`. Other values are ignored."
    )
    parent_keys: list[str] | None = strawberry.field(
        default=None,
        description="At most 100 keys of the object: only the numbers under these are imported. All if "
        "omitted.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="An item that belongs to a value, such as a plot of it.")
class LinkItemToMetricInput:
    scalar_uuid: UUID = strawberry.field(description="UUID of the value.")
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    label: str = strawberry.field(
        description="The relation of the item to the value, such as `worst case`, 1 to 1,000 characters."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)
