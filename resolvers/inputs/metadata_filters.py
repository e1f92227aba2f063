"""Inputs that filter items by the values of metadata keys."""

from datetime import datetime

import strawberry

from gateway.execution.bound_values import AS_IS, METADATA_TEXT, PART_OF_NAME, bound_as
from resolvers.inputs.descriptions import GREATEST, LEAST

_EQ, _IN = "The exact value.", "One of these values, at most 1,000."
_CASE = "Case-sensitive, except for values of `UUID` and `USER` keys."


@strawberry.input(description="Conditions on numbers, all of which must be met.")
class NumberMatch:
    eq: float | None = strawberry.field(default=None, metadata=bound_as(AS_IS), description=_EQ)
    in_: list[float] | None = strawberry.field(default=None, name="in", description=_IN)
    from_: float | None = strawberry.field(
        default=None, metadata=bound_as(AS_IS), name="from", description=LEAST
    )
    to: float | None = strawberry.field(
        default=None, metadata=bound_as(AS_IS), description=GREATEST
    )


@strawberry.input(description="Conditions on times, all of which must be met.")
class DateTimeMatch:
    eq: datetime | None = strawberry.field(default=None, description=_EQ)
    in_: list[datetime] | None = strawberry.field(default=None, name="in", description=_IN)
    from_: datetime | None = strawberry.field(default=None, name="from", description=LEAST)
    to: datetime | None = strawberry.field(default=None, description=GREATEST)


@strawberry.input(description="Conditions on texts, all of which must be met.")
class TextMatch:
    eq: str | None = strawberry.field(
        default=None,
        metadata=bound_as(METADATA_TEXT),
        description=f"The exact value, at most 10,000 characters. {_CASE}",
    )
    in_: list[str] | None = strawberry.field(
        default=None, name="in", description=f"{_IN} Each has at most 10,000 characters. {_CASE}"
    )
    contains: str | None = strawberry.field(
        default=None,
        metadata=bound_as(PART_OF_NAME),
        description="Text that the value must contain, ignoring case; 3 to 1,000 characters. Not "
        "for `UUID` and `USER` keys.",
    )


@strawberry.input(description="A distance from a point on Earth, taken as a sphere.")
class NearMatch:
    latitude: float = strawberry.field(description="Latitude in degrees, from -90 to 90.")
    longitude: float = strawberry.field(description="Longitude in degrees, from -180 to 180.")
    meters: float = strawberry.field(
        description="The greatest distance in meters, from 0 to 20,100,000."
    )


@strawberry.input(
    one_of=True,
    description="A condition on the value of a metadata key. Set exactly one of the fields.",
)
class MetadataMatch:
    number: NumberMatch | None = strawberry.field(
        default=strawberry.UNSET, description="For `NUMBER` keys."
    )
    date_time: DateTimeMatch | None = strawberry.field(
        default=strawberry.UNSET, description="For `DATETIME` keys."
    )
    text: TextMatch | None = strawberry.field(
        default=strawberry.UNSET,
        description="For `VARCHAR`, `TEXT`, `ENUM`, `UUID` and `USER` keys.",
    )
    boolean: bool | None = strawberry.field(
        default=strawberry.UNSET, description="For `BOOLEAN` keys."
    )
    near: NearMatch | None = strawberry.field(
        default=strawberry.UNSET, description="For `GEOSPATIAL` keys."
    )
    exists: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether the item has a value for the key, of any type but null.",
    )


@strawberry.input(
    description="A condition on the metadata of an item. Across folders, the key must be declared "
    "in the metadata schema, and its `indexStatus` must be `READY`."
)
class MetadataCondition:
    key: str = strawberry.field(description="The key, as used in `clientMetadata`.")
    is_: MetadataMatch = strawberry.field(
        name="is", description="The condition that the value of the key meets."
    )
