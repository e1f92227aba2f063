"""The schema as SDL, for code generators and registries. It is the same on every site."""

import asyncio
from functools import cache

import strawberry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.fixed_documents import FixedDocument

_HEADERS = {
    "Content-Type": "text/plain; charset=utf-8",  # browsers show it
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


def schema_route(schema: strawberry.Schema) -> Route:
    """Return the route of the SDL. It needs no credential, as it says nothing about a site."""

    @cache
    def document() -> FixedDocument:
        return FixedDocument(f"{schema.as_str()}\n".encode(), _HEADERS)

    async def respond(request: Request) -> Response:
        return (await asyncio.to_thread(document)).respond(request)

    return Route("/graphql/schema.graphql", respond, methods=["GET"])
