"""Facets of lists of items."""

from __future__ import annotations

import strawberry

from gateway.scalars import JSON
from resolvers.inputs.facets import StorageItemFacet
from schema.fields import column, row_type


@row_type()
@strawberry.type(description="A value of a facet, and how many items of the list have it.")
class FacetValue:
    value: JSON | None = column(
        "The value: a string, number or boolean; for `OWNER` a UUID, for months a string such as "
        "`2026-01`. Null for the items that have none. Numbers are rounded to double precision."
    )
    count: int = column("Number of items with the value.")


@row_type()
@strawberry.type(description="Numbers of items of a whole list, by their value of one attribute.")
class Facet:
    attribute: StorageItemFacet | None = column("The attribute; null for a metadata key.")
    metadata_key: str | None = column("The metadata key; null for an attribute.")
    values: list[FacetValue] = column(
        "At most 100 values, the most frequent first. Equally frequent ones are in the order of "
        "their values."
    )
    other_count: int = column(
        "Number of items with values that are not among `values`. Values of a metadata key that are "
        "not of its type count as such."
    )
