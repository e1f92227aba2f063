"""Conditions of stored filters, for requests and for the jobs that go on with them."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gateway.context import Context
from gateway.execution.declarations import EdgeQuery
from resolvers.inputs.item_filters import StorageItemFilter
from resolvers.item_conditions import item_conditions
from resolvers.metadata_keys import prepare_across_folders
from resolvers.stored_filters import filter_from_json


async def item_query(context: Context, filter: StorageItemFilter) -> EdgeQuery:
    """Return the query of the items that match a filter, in any folders.

    Raises:
        DomainError: it names a metadata key by which items cannot be found.
    """
    query = EdgeQuery(context.viewer, filter)
    return query._replace(prepared=await prepare_across_folders(context, query, None))


async def read_filter(context: Context, filter: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on items that a filter, as clients send it, stands for now.

    Raises:
        DomainError: a metadata key has been deleted or has another type by now.
    """
    return item_conditions(await item_query(context, filter_from_json(filter)))
