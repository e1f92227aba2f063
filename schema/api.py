"""Assembly of the schema: three root types, types that no root refers to, and scalars."""

import strawberry
from strawberry.schema.config import StrawberryConfig

import schema.enums  # noqa: F401 - registers the closed sets
from schema.datasets import DataRow
from schema.items import ITEM_CLASSES
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription
from schema.views import TimeSeriesLineChannel, TimeSeriesPointsChannel

api = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[*ITEM_CLASSES, DataRow, TimeSeriesLineChannel, TimeSeriesPointsChannel],
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
)
