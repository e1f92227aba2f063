"""What an operation carries: who asks, what the process offers, and the loaders of this operation alone."""

from dataclasses import dataclass, field, replace
from typing import Any

import strawberry

from gateway.auth.viewer import Viewer
from gateway.database.engine import Database
from gateway.events.base import Events
from gateway.execution.loaders import Loaders
from gateway.jobs.queue import Queue
from gateway.settings import Settings
from gateway.stores.base import ObjectStore


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    settings: Settings
    database: Database
    store: ObjectStore
    events: Events
    queue: Queue


@dataclass(slots=True)
class Context:
    """One operation of one viewer."""

    services: Services
    viewer: Viewer
    request_id: str
    loaders: Loaders = field(default_factory=Loaders)

    @property
    def database(self) -> Database:
        """The two doors to the rows."""
        return self.services.database

    def renew(self) -> None:
        """Forget what was read: the next event of a subscription is answered from the present."""
        self.loaders = Loaders()

    def afresh(self) -> "Context":
        """The same viewer, with nothing read yet."""
        return replace(self, loaders=Loaders())


Info = strawberry.Info[Context, Any]
