"""Strawberry's own graphql-transport-ws handler over our schema and resolvers: `… strawberry_sockets PORT`."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import strawberry
import uvicorn
import uvloop
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from gateway.auth.credentials import Authenticator
from gateway.context import Context, Info, Services
from gateway.gc_tuning import relax_gc
from gateway.settings import Settings
from gateway.wiring import open_services
from resolvers.uploads import watch_upload_job
from schema.item_types import ITEM_CLASSES
from schema.query import Query
from schema.scalars import SCALARS
from schema.uploads import UploadJob


@strawberry.type
class Subscription:
    """Our resolver yields events, which our executor unwraps; here it yields their rows."""

    @strawberry.subscription
    async def upload_job_updated(
        self, info: Info, uuid: UUID, after: int | None = None
    ) -> AsyncGenerator[UploadJob, None]:
        """Yield a job from our resolver."""
        async with aclosing(watch_upload_job(info.context, uuid=uuid, after=after)) as events:
            async for event in events:
                yield event.row


SCHEMA = strawberry.Schema(
    Query, subscription=Subscription, types=ITEM_CLASSES, config=StrawberryConfig(scalar_map=SCALARS)
)


class Endpoint(GraphQL[Context, None]):
    """The unchanged handler, with our context and the faster JSON."""

    def __init__(self, services: Services) -> None:
        super().__init__(SCHEMA, graphql_ide=None, subscription_protocols=("graphql-transport-ws",))
        self._authenticate = Authenticator(services.database, services.settings)
        self._make_context = partial(Context, services)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Return the context of a viewer; it lasts as long as its subscription."""
        credential = await self._authenticate(request.headers.get("authorization"))
        return self._make_context(credential.viewer, "speed")

    def encode_json(self, data: object) -> str:
        """Return text: bytes would become binary frames."""
        return orjson.dumps(data).decode()

    def decode_json(self, data: str | bytes) -> Any:
        """Parse with the same library."""
        return orjson.loads(data)


async def _serve(port: int) -> None:
    async with open_services(Settings()) as services:
        app = Endpoint(services)
        relax_gc()
        await uvicorn.Server(uvicorn.Config(app, port=port, access_log=False, log_config=None)).serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
