"""Opening what lives as long as the process, and closing it again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy.exc import ArgumentError

from gateway.auth.secret import site_secret
from gateway.catalog.ledger import journal
from gateway.clouds.open import Clouds
from gateway.clouds.vault import Vault
from gateway.context import Services
from gateway.database.dialects import database_url
from gateway.database.engine import Database
from gateway.events.open import open_events
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.rules import FetchRules
from gateway.queues.base import WorkerTimings
from gateway.queues.open import open_queue
from gateway.settings import NotConfigured, Settings
from gateway.stores.base import ObjectStore
from gateway.stores.open import open_store


def resolve_database_url(settings: Settings) -> str:
    """The database's URL, SQLite in the data directory if none is set; raises `NotConfigured` for other kinds."""
    url = settings.database_url or f"sqlite:///{(settings.data_dir / 'storegraph.db').absolute()}"
    try:
        database_url(url)
    except (ValueError, ArgumentError) as error:
        raise NotConfigured(f"STOREGRAPH_DATABASE_URL: {error}") from None
    return url


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Database, store, events and queue, as the settings say."""
    database = Database(resolve_database_url(settings))
    if not database.is_embedded and settings.secret_key is None:
        raise NotConfigured(
            "With PostgreSQL, STOREGRAPH_SECRET_KEY is needed: the same for every process."
        )
    rules, store = _fetch_rules(settings), _store(settings)
    fetcher = await asyncio.to_thread(  # it reads all certificates
        Fetcher, rules, max_bytes=settings.fetch_bytes, seconds=settings.fetch_seconds
    )
    clouds = Clouds(
        Vault(site_secret(settings)), fetcher, shares_credentials=settings.share_credentials
    )
    events = open_events(database)
    database.before_commit(partial(journal.notify, events))
    try:
        await events.start()
        queue = open_queue(database, WorkerTimings(lease=settings.lease_seconds))
        yield Services(settings, database, store, events, queue, rules, fetcher, clouds)
    finally:
        await fetcher.close()
        await events.close()
        await store.close()
        await database.close()


def _store(settings: Settings) -> ObjectStore:
    try:
        return open_store(
            settings.objects_url,
            directory=settings.data_dir,
            public_url=settings.public_url,
            secret=site_secret(settings),
            part_size=settings.part_size,
        )
    except ValueError as error:
        raise NotConfigured(f"STOREGRAPH_OBJECTS_URL: {error}") from None


def _fetch_rules(settings: Settings) -> FetchRules:
    try:
        return FetchRules.parse(settings.fetch_ports, settings.fetch_allowed)
    except ValueError as error:
        raise NotConfigured(f"STOREGRAPH_FETCH_ALLOWED: {error}") from None
