"""A toy with the three operations that GraphiQL offers, until the tests are pointed at the real server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UnsetType

from gateway.http.graphiql.page import graphiql_page, graphiql_routes

KEY = "correct-horse-battery-staple-7f3a"


@strawberry.type
class User:
    email: str


@strawberry.type
class Viewer:
    user: User


@strawberry.type
class Summary:
    files: int
    total_size: int


@strawberry.type
class Folder:
    uuid: UUID
    name: str
    summary: Summary


@strawberry.type
class Folders:
    nodes: list[Folder]


@strawberry.type
class Job:
    status: str
    units_done_count: int


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self) -> Viewer:
        return Viewer(user=User(email="ada@example.org"))

    @strawberry.field
    def storage_folders(self, first: int = 100) -> Folders:
        names = ["Chest CT", "Microscopy", "Street scenes"][:first]
        return Folders(
            nodes=[Folder(uuid=uuid4(), name=name, summary=Summary(files=7, total_size=48_211)) for name in names]
        )


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def upload_job_updated(self, uuid: UUID) -> AsyncIterator[Job]:
        for done in range(4):
            yield Job(status="DONE" if done == 3 else "PENDING", units_done_count=done)
            await asyncio.sleep(0.1)


class Socket(GraphQL[None, None]):
    async def on_ws_connect(self, context: Any) -> UnsetType | None | dict[str, object]:
        if context["connection_params"].get("authorization") != f"Bearer {KEY}":
            raise ConnectionRejectionError
        return await super().on_ws_connect(context)


def toy() -> Starlette:
    socket = Socket(
        strawberry.Schema(Query, subscription=Subscription), subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL]
    )

    async def post(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"errors": [{"message": "Unknown key."}]}, status_code=401)
        return await socket.run(request)

    return Starlette(
        routes=[
            Route("/graphql", graphiql_page, methods=["GET"]),
            Route("/graphql", post, methods=["POST"]),
            WebSocketRoute("/graphql", socket),
            *graphiql_routes(),
        ],
    )
