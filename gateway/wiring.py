"""Opens the services that live as long as the process, and closes them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy.exc import ArgumentError

from gateway.auth.secret import SiteSecrets, site_secrets
from gateway.catalog.jobs import publish_changes
from gateway.catalog.ledger import dataset_counters, journal
from gateway.clouds.open import Clouds
from gateway.clouds.vault import Vault
from gateway.context import Services
from gateway.database.dialects import database_url
from gateway.database.engine import Database
from gateway.database.migrate import check_current
from gateway.disks import Disks
from gateway.events.open import open_events
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.rules import FetchRules
from gateway.private_files import make_private, warn_unless_private
from gateway.queues.base import WorkerTimings
from gateway.queues.open import open_queue
from gateway.settings import NotConfigured, Settings
from gateway.stores.base import IncompleteUpload, MissingObject, ObjectStore
from gateway.stores.guarded import STORE_CALLS, guard_store
from gateway.stores.open import open_store
from gateway.telemetry.calls import measure_calls
from gateway.watches import Watches

RESTORING = "restoring"
"""File in the data directory while a backup is being restored into it."""
_STATEMENT_MARGIN_SECONDS = 5.0
"""Seconds after the time limit of operations in which their statements are cancelled."""


def resolve_database_url(settings: Settings) -> str:
    """Return the URL of the database: by default, SQLite in the data directory.

    Raises:
        NotConfigured: the database is not supported.
    """
    url = settings.database_url or f"sqlite:///{(settings.data_dir / 'storegraph.db').absolute()}"
    with _blaming("DATABASE_URL"):
        database_url(url)
    return url


def refuse_unrestored(settings: Settings) -> None:
    """Raise `NotConfigured` if the restoration of a backup was interrupted."""
    if (settings.data_dir / RESTORING).exists():
        raise NotConfigured(
            f"The restoration of a backup into {settings.data_dir} was interrupted. "
            "Run `storegraph restore` again."
        )


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the database, object store, events, queue and clouds of the settings.

    Raises:
        NotConfigured: a setting is missing or invalid.
    """
    refuse_unrestored(settings)
    database = Database(
        resolve_database_url(settings),
        settings.limits.seconds + _STATEMENT_MARGIN_SECONDS,
        min_free=settings.min_free_bytes,
    )
    if not database.is_embedded and settings.secret_key is None:
        raise NotConfigured(
            "STOREGRAPH_SECRET_KEY: Required with PostgreSQL. Set it to the same value for all "
            "processes."
        )
    with _blaming("FETCH_ALLOWED"):
        rules = FetchRules.parse(settings.fetch_ports, settings.fetch_allowed)
    own = await asyncio.to_thread(site_secrets, settings)
    store = _open_store(settings, own)
    _make_private(settings, database)
    watches = Watches(guard_store(store))
    fetcher = await asyncio.to_thread(  # loads all CA certificates
        Fetcher, rules, max_bytes=settings.fetch_bytes, seconds=settings.fetch_seconds
    )
    measure_calls(fetcher, "fetch", ("request", "read_range"))
    vault = Vault(own.current, own.former)
    clouds = Clouds(vault, fetcher, shares_credentials=settings.share_credentials)
    events = open_events(database)
    database.before_commit(dataset_counters.write_counters)
    database.before_commit(partial(journal.finish, events))
    # Last, as all transactions that change jobs wait for each other from here to their commits.
    database.before_commit(partial(publish_changes, events))
    disks = Disks(database.disk, store.disk)
    try:
        await disks.start()
        await events.start()
        queue = open_queue(database, WorkerTimings(lease=settings.lease_seconds))
        services = Services(
            settings, database, store, events, queue, rules, fetcher, clouds, vault, disks, watches
        )
        yield replace(services, url_secrets=(own.current, *own.former))
    finally:
        await watches.close()
        await disks.close()
        await fetcher.close()
        await events.close()
        await store.close()
        await database.close()


@asynccontextmanager
async def open_current_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the services of a database that exists and is of this version.

    Raises:
        NotConfigured: it is not, or a setting is missing or invalid.
    """
    await asyncio.to_thread(check_current, resolve_database_url(settings))
    async with open_services(settings) as services:
        yield services


def _open_store(settings: Settings, own: SiteSecrets) -> ObjectStore:
    """Open the object store, whose calls are measured."""
    with _blaming("OBJECTS_URL"):
        store = open_store(
            settings.objects_url,
            directory=settings.data_dir,
            public_url=settings.public_url,
            secret=own.current,
            part_size=settings.part_size,
            former_secrets=own.former,
            min_free=settings.min_free_bytes,
        )
    return measure_calls(store, "store", STORE_CALLS, (MissingObject, IncompleteUpload))


def _make_private(settings: Settings, database: Database) -> None:
    """Close what an earlier version created to other users; the data directory may have others."""
    paths = [settings.data_dir / "secret_key"]
    if database.is_embedded:
        paths += [Path(f"{database.url.database}{suffix}") for suffix in ("", "-wal", "-shm")]
    for path in paths:
        make_private(path)
    if settings.data_dir.exists():
        warn_unless_private(settings.data_dir)


@contextmanager
def _blaming(setting: str) -> Iterator[None]:
    """Turn a `ValueError` of the block into an error that names a setting."""
    try:
        yield
    except (ValueError, ArgumentError) as error:
        raise NotConfigured(f"STOREGRAPH_{setting}: {error}") from None
