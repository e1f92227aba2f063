"""A toy schema behind the real transports, with the three operations that GraphiQL offers, until the tests are pointed at the real server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import strawberry
from starlette.applications import Starlette

from gateway.errors import DomainError, ErrorCode
from gateway.execution.operations import Operations
from gateway.http.entrance import Entrance
from gateway.http.graphiql.page import graphiql_page, graphiql_routes
from gateway.http.graphql import graphql_routes
from gateway.settings import Limits

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


@dataclass(frozen=True)
class Ada:
    user_uuid: UUID


ADA = Ada(uuid4())


async def authenticate(credential: str | None) -> Ada:
    if credential != f"Bearer {KEY}":
        raise DomainError(ErrorCode.UNAUTHENTICATED, "Unknown key.")
    return ADA


def toy() -> Starlette:
    limits = Limits()
    operations = Operations(strawberry.Schema(Query, subscription=Subscription), limits)
    entrance = Entrance(authenticate, lambda viewer, request_id: None, operations, limits)
    return Starlette(routes=[*graphql_routes(entrance, page=graphiql_page), *graphiql_routes()])
