"""The web application: its routes, and what runs next to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial

import strawberry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.auth.credentials import Authenticator
from gateway.context import Context, Services
from gateway.execution.compiled.executor import CompiledExecutor
from gateway.execution.operations import Operations
from gateway.http.graphiql.page import graphiql_page, graphiql_routes
from gateway.http.graphql import graphql_routes
from gateway.http.graphql_service import GraphQLService
from gateway.http.metrics import metrics_route
from gateway.http.objects import object_routes
from gateway.stores.disk import DiskStore

Companion = Callable[[Services], AbstractAsyncContextManager[None]]
"""Runs next to the web application, as a worker does."""


def create_app(
    schema: strawberry.Schema, services: Services, companion: Companion | None = None
) -> Starlette:
    """Return the application over open services; a companion runs as long as it does."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with companion(services) if companion else nullcontext():
            yield

    origins = services.settings.allowed_origins
    cross_origin = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
    )
    return Starlette(
        routes=_routes(schema, services),
        middleware=[cross_origin] if origins else [],
        lifespan=lifespan,
    )


def _routes(schema: strawberry.Schema, services: Services) -> list[BaseRoute]:
    """Return the routes, GraphQL's first: each request is compared with them in order."""
    limits = services.settings.limits
    authenticate = Authenticator(services.database, services.settings)
    compiled = None
    if services.settings.execution != "interpreted":
        compiled = CompiledExecutor(schema, services.database.sql_dialect)
    service = GraphQLService(
        authenticate=authenticate,
        make_context=partial(Context, services),
        operations=Operations(schema, limits, compiled),
        limits=limits,
        origins=frozenset(services.settings.allowed_origins),
    )
    outcomes = compiled.outcomes if compiled else {}
    reasons = compiled.reasons if compiled else {}
    objects = object_routes(services.store) if isinstance(services.store, DiskStore) else []
    return [
        *graphql_routes(service, page=graphiql_page),
        Route("/healthz", health),
        Route("/", home),
        *graphiql_routes(),
        metrics_route(authenticate, outcomes, reasons),
        *objects,
    ]


async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def home(_request: Request) -> Response:
    return RedirectResponse("/graphql")
