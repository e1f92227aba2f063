"""The web application: its routes, and what runs next to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import cast

import strawberry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from gateway.archives.endpoint import Archives, archive_routes
from gateway.auth.credentials import Authenticator
from gateway.catalog.sign_in import sign_in
from gateway.catalog.site_gauges import SiteGauges
from gateway.clock_watch import ClockWatch
from gateway.context import Services, open_context
from gateway.dicomweb.endpoint import DicomWeb
from gateway.dicomweb.routes import dicomweb_routes
from gateway.ended_tasks import end_tasks
from gateway.execution.compiled.executor import CompiledExecutor
from gateway.execution.observed_operations import ObservedOperations
from gateway.execution.operations import Operations
from gateway.execution.persisted_documents import PersistedDocuments
from gateway.execution.rates import Rates
from gateway.execution.response_cache import ResponseCache
from gateway.http.access_log import AccessLog
from gateway.http.address_limit import address_limit
from gateway.http.anonymous import AnonymousAccess
from gateway.http.behind_proxy import below_path_of
from gateway.http.callers import CallerNotes
from gateway.http.cross_origin import cross_origin
from gateway.http.direct_route import DirectApplication, DirectRoute
from gateway.http.graphiql.page import graphiql_page, graphiql_routes, to_endpoint
from gateway.http.graphql import graphql_routes
from gateway.http.graphql_service import GraphQLService
from gateway.http.health import Readiness, health_routes
from gateway.http.metrics import metrics_route
from gateway.http.objects import object_routes
from gateway.http.schema_document import schema_route
from gateway.settings import Settings
from gateway.stores.disk import DiskStore
from gateway.telemetry.operation_log import OperationLog
from gateway.trusted_documents import load_trusted_documents
from gateway.web_addresses import origin_of

Companion = Callable[[Services], AbstractAsyncContextManager[None]]
"""Runs next to the web application, as a worker does."""


def create_app(
    schema: strawberry.Schema, services: Services, companion: Companion | None = None
) -> Starlette:
    """Return the application over open services; a companion runs as long as it does."""
    authenticate, clocks = _authenticator(services), ClockWatch(services)
    routes = _routes(schema, services, authenticate, clocks)
    graphql = cast(Route, routes[0])
    direct = Middleware(DirectRoute, path=graphql.path, endpoint=graphql.app)
    return _application(services, authenticate, clocks, routes, [direct], companion)


def create_bytes_app(services: Services) -> Starlette:
    """Return the application that serves archives and all of DICOMweb: the bytes of files."""
    authenticate, clocks = _authenticator(services), ClockWatch(services)
    rates, log = _rates_and_log(services.settings)
    web = DicomWeb(services, authenticate, rates, log, serves_bytes=True)
    archives = Archives.of(services, authenticate.holder, rates, log)
    routes = [
        *(dicomweb_routes(web) if services.settings.dicomweb == "full" else []),
        *archive_routes(archives),
        *health_routes(Readiness(services, clocks.warnings)),
        metrics_route(authenticate, SiteGauges(services.database, services.queue)),
    ]
    return _application(services, authenticate, clocks, routes)


def _authenticator(services: Services) -> Authenticator:
    settings = services.settings
    welcome = partial(sign_in, services.database, settings)
    signs_up = settings.jwt_create_users or settings.jwt_groups_claim
    return Authenticator(services.database, settings, welcome if signs_up else None)


def _rates_and_log(settings: Settings) -> tuple[Rates, OperationLog]:
    log = OperationLog(settings.log_queries, settings.log_slow_seconds)
    return Rates(settings.limits.cost_per_minute), log


def _application(
    services: Services,
    authenticate: Authenticator,
    clocks: ClockWatch,
    routes: Sequence[BaseRoute],
    innermost: Sequence[Middleware] = (),
    companion: Companion | None = None,
) -> Starlette:
    """Return the application of these routes; credentials in use are watched while it runs."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        watch = asyncio.create_task(authenticate.watch(services.events))
        try:
            async with clocks.running(), companion(services) if companion else nullcontext():
                yield
        finally:
            await end_tasks(watch)

    settings = services.settings
    app = DirectApplication(
        routes=routes,
        middleware=[
            Middleware(CallerNotes),
            *([Middleware(AccessLog)] if settings.access_log else []),
            *address_limit(settings),
            *cross_origin(settings.allowed_origins, settings.allowed_headers),
            *below_path_of(settings.public_url),
            *innermost,
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # it redirects to the host and scheme that the proxy sees
    return app


def _routes(
    schema: strawberry.Schema,
    services: Services,
    authenticate: Authenticator,
    clocks: ClockWatch,
) -> list[BaseRoute]:
    """Return the routes, GraphQL's first: each request is compared with them in order."""
    settings = services.settings
    limits = settings.limits
    compiled = None
    if settings.execution != "interpreted":
        compiled = CompiledExecutor(schema, services.database.sql_dialect, limits.interpreted_cost)
    persisted = PersistedDocuments(
        load_trusted_documents(settings.trusted_documents) if settings.trusted_documents else {},
        only_trusted=settings.only_trusted_documents,
        registers=settings.persisted_queries,
    )
    rates, log = _rates_and_log(settings)
    kept_bytes, state = settings.response_cache_bytes, services.database.state
    service = GraphQLService(
        authenticate=authenticate,
        make_context=partial(open_context, services),
        operations=ObservedOperations(
            Operations(
                schema,
                limits,
                compiled,
                persisted,
                introspection=settings.introspection,
                rates=rates,
                responses=ResponseCache(kept_bytes, state) if kept_bytes else None,
            ),
            log,
        ),
        limits=limits,
        origins=_socket_origins(settings),
        closing=services.closing,
        max_age=settings.persisted_max_age,
        anonymous=AnonymousAccess(limits) if settings.anonymous == "read" else None,
    )
    return [
        *graphql_routes(service, page=graphiql_page if settings.graphiql else None),
        *_byte_routes(services, authenticate, rates, log),
        *health_routes(Readiness(services, clocks.warnings)),
        Route("/graphql/", to_endpoint, methods=["GET", "POST"]),
        *(graphiql_routes() if settings.graphiql else []),
        *([schema_route(schema)] if settings.introspection else []),
        metrics_route(authenticate, SiteGauges(services.database, services.queue)),
    ]


def _byte_routes(
    services: Services, authenticate: Authenticator, rates: Rates, log: OperationLog
) -> list[BaseRoute]:
    """Return the routes of bytes, which gateways send from the local disk only."""
    store, routes = services.store, list[BaseRoute]()
    if isinstance(store, DiskStore):
        routes += object_routes(store, authenticate.holder)
        routes += archive_routes(Archives.of(services, authenticate.holder, rates, log))
    web = DicomWeb(services, authenticate, rates, log, serves_bytes=bool(routes))
    if services.settings.dicomweb != "off":
        routes += dicomweb_routes(web)
    return routes


def _socket_origins(settings: Settings) -> frozenset[str]:
    """Return the origins whose pages may open sockets; proxies may hide the gateway's own host."""
    own = origin_of(settings.public_url)
    return frozenset({*settings.allowed_origins, *([own] if own else [])})
