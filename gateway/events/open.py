"""Chooses the events that match the database."""

from gateway.database.engine import Database
from gateway.events.base import Events
from gateway.events.local import LocalEvents
from gateway.events.postgres import PostgresEvents


def open_events(database: Database) -> Events:
    """Return events within this process for SQLite, or between processes for PostgreSQL."""
    return LocalEvents() if database.is_embedded else PostgresEvents(database)
