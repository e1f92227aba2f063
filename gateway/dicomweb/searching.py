"""Responses to searches (QIDO-RS)."""

import orjson
from starlette.responses import Response

from gateway.dicomweb.attributes import SearchLevel
from gateway.dicomweb.endpoint import Exchange, NotAcceptable
from gateway.dicomweb.media_types import json_type
from gateway.dicomweb.scope import find_scope
from gateway.dicomweb.search_answers import search
from gateway.dicomweb.search_parameters import read_search, warning_header
from gateway.http.compression import compressed


def required_json_type(exchange: Exchange) -> str:
    """Return the type of JSON that the client accepts; raise `NotAcceptable` if it accepts none."""
    if (media_type := json_type(exchange.accept)) is None:
        raise NotAcceptable("Only application/dicom+json and application/json are available.")
    return media_type


async def _search(exchange: Exchange, level: SearchLevel) -> Response:
    media_type = required_json_type(exchange)
    wanted = read_search(exchange.query, level)
    exchange.charge(wanted.limit)
    scope = await find_scope(exchange.context, exchange.folder_uuid)
    results = await search(exchange.context, scope, exchange.target, wanted, level, exchange.base)
    accepted = exchange.request.headers.get("accept-encoding")
    body, headers = await compressed(orjson.dumps(results.documents), accepted)
    warnings = warning_header(results.warnings)
    return Response(
        body, headers={"cache-control": "no-store", **headers, **warnings}, media_type=media_type
    )


async def search_studies(exchange: Exchange) -> Response:
    """Respond with studies."""
    return await _search(exchange, SearchLevel.STUDY)


async def search_series(exchange: Exchange) -> Response:
    """Respond with series."""
    return await _search(exchange, SearchLevel.SERIES)


async def search_instances(exchange: Exchange) -> Response:
    """Respond with instances."""
    return await _search(exchange, SearchLevel.INSTANCE)
