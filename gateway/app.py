"""The web application: routes, and what is opened before the first request and closed after the last."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
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
from gateway.settings import Settings
from gateway.stores.disk import DiskStore

Companion = Callable[[Services], AbstractAsyncContextManager[None]]
"""Something that runs beside the web application, such as a worker."""


def create_app(
    schema: strawberry.Schema, services: Services, companion: Companion | None = None
) -> Starlette:
    """The application over services that are open; with a companion, it runs as long as the application does."""
    settings = services.settings
    return Starlette(
        routes=_routes(schema, services),
        middleware=[_cross_origin(settings)] if settings.allowed_origins else [],
        lifespan=partial(_lifespan, services, companion),
    )


@asynccontextmanager
async def _lifespan(
    services: Services, companion: Companion | None, _app: Starlette
) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        if companion:
            await stack.enter_async_context(companion(services))
        yield


def _routes(schema: strawberry.Schema, services: Services) -> list[BaseRoute]:
    limits = services.settings.limits
    authenticate = Authenticator(services.database, services.settings)
    quick = _plan_executor(schema, services)
    service = GraphQLService(
        authenticate=authenticate,
        make_context=partial(Context, services),
        operations=Operations(schema, limits, quick),
        limits=limits,
        origins=frozenset(services.settings.allowed_origins),
    )
    routes = [
        *graphql_routes(
            service, page=graphiql_page
        ),  # first: routes are looked through for each request
        Route("/healthz", _health),
        Route("/", _home),
        *graphiql_routes(),
        metrics_route(authenticate, quick.counted if quick else {}, quick.reasons if quick else {}),
    ]
    return (
        [*routes, *object_routes(services.store)]
        if isinstance(services.store, DiskStore)
        else routes
    )


def _plan_executor(schema: strawberry.Schema, services: Services) -> CompiledExecutor | None:
    if services.settings.execution == "interpreted":
        return None
    return CompiledExecutor(schema, services.database.sql_dialect)


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _home(_request: Request) -> Response:
    return RedirectResponse("/graphql")


def _cross_origin(settings: Settings) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
    )
