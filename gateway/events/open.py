"""Which events go with which database."""

from gateway.database.engine import Database
from gateway.events.base import Events
from gateway.events.local import LocalEvents
from gateway.events.postgres import PostgresEvents


def open_events(database: Database) -> Events:
    """Events in this process beside the embedded database, else between all processes on the same PostgreSQL."""
    return LocalEvents() if database.is_embedded else PostgresEvents(database)
