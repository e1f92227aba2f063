"""What an operation carries: who asks, what the process offers, and the loaders of this operation alone."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import strawberry

from gateway.auth.viewer import Viewer
from gateway.clouds.open import Clouds
from gateway.database.engine import Database
from gateway.events.base import Events
from gateway.events.streams import Streams
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.rules import FetchRules
from gateway.loaders import Loaders
from gateway.queues.base import Queue
from gateway.settings import Settings
from gateway.stores.base import ObjectStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    settings: Settings
    database: Database
    store: ObjectStore
    events: Events
    queue: Queue
    fetch_rules: FetchRules
    fetcher: Fetcher
    clouds: Clouds
    streams: Streams = field(default_factory=Streams)


@dataclass(slots=True)
class Context:
    """One operation of one viewer."""

    services: Services
    viewer: Viewer
    request_id: str
    loaders: Loaders = field(default_factory=Loaders)
    changes: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The two doors to the rows."""
        return self.services.database

    async def once(self, place: str, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What a change gives or raises: it is made the first time only, whichever executor asks again."""
        if place not in self.changes:
            self.changes[place] = asyncio.create_task(change())
        outcome: T = await self.changes[place]
        return outcome

    def renew(self) -> None:
        """Forget what was read: the next event of a subscription is answered from the present."""
        self.loaders = Loaders()

    def afresh(self) -> "Context":
        """The same viewer, with nothing read yet."""
        return replace(self, loaders=Loaders())


Info = strawberry.Info[Context, Any]
