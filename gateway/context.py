"""The context of an operation: its viewer, its loaders, and the services of the process."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
import strawberry

from gateway.auth.viewer import Viewer
from gateway.clouds.open import Clouds
from gateway.clouds.vault import Vault
from gateway.database.engine import Database
from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.disks import Disks
from gateway.events.base import Events
from gateway.events.streams import Streams
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.rules import FetchRules
from gateway.loaders import Loaders
from gateway.queues.base import Queue
from gateway.recent_keys import RecentKeys
from gateway.settings import Settings
from gateway.stores.base import ObjectStore
from gateway.watches import Watches

T = TypeVar("T")


class ReadFilter(Protocol):
    """Reading of stored filters, which is part of the API, for tasks."""

    async def __call__(
        self, context: "Context", filter: Mapping[str, Any], /
    ) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on items of a filter, as clients send it, for the viewer.

        Raises:
            DomainError: the filter is not valid any more.
        """


@dataclass(frozen=True, slots=True)
class Services:
    """The services that live as long as the process.

    `vault` encrypts secrets that are stored. `watches` know whether the store and the clouds of
    integrations are away. `read_filter` is there in processes that run tasks.
    `requested_thumbnails` has the items and frames whose thumbnails were requested lately, and
    `requested_extractions` the keys of files inside DICOM files.
    `url_secrets` sign the URLs of archives: the one in use first, then former ones.
    `stopping` is set when the process begins to shut down, `closing` when it closes connections.
    """

    settings: Settings
    database: Database
    store: ObjectStore
    events: Events
    queue: Queue
    fetch_rules: FetchRules
    fetcher: Fetcher
    clouds: Clouds
    vault: Vault
    disks: Disks
    watches: Watches
    streams: Streams = field(default_factory=Streams)
    requested_thumbnails: RecentKeys = field(default_factory=lambda: RecentKeys(seconds=60))
    requested_extractions: RecentKeys = field(default_factory=lambda: RecentKeys(seconds=600))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    read_filter: "ReadFilter | None" = None
    url_secrets: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Context:
    """The context of one operation.

    `changes` has the mutations that have run, by their key in the response.
    """

    services: Services
    viewer: Viewer
    request_id: str
    loaders: Loaders = field(default_factory=Loaders)
    changes: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The database."""
        return self.services.database

    async def once(self, response_key: str, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what a change returns, or raise what it raises; run it the first time only.

        When a plan is given up, graphql-core calls the same mutations again.
        """
        if response_key not in self.changes:
            self.changes[response_key] = asyncio.create_task(change())
        outcome: T = await self.changes[response_key]
        return outcome

    def renew(self) -> None:
        """Forget what was read, so that it is read again in its current state."""
        self.loaders = Loaders()

    def afresh(self) -> "Context":
        """Return a context of the viewer in which nothing was read yet."""
        return replace(self, loaders=Loaders())


def open_context(services: Services, viewer: Viewer, request_id: str) -> Context:
    """Return the context of an operation, which the current task runs from now on."""
    ON_BEHALF_OF.set(viewer.user_uuid.int)  # hashed many times, which takes UUIDs longer
    return Context(services, viewer, request_id)


Info = strawberry.Info[Context, Any]
