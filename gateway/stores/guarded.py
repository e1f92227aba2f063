"""Guards the calls of the object store: while it is away, they fail at once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from gateway.kinds.enums import JobWait
from gateway.outages import Outage
from gateway.site_faults import SiteFault
from gateway.stores.base import ObjectStore
from gateway.watches import STORE_TIMINGS, Watch

STORE_CALLS = (
    "put",
    "put_file",
    "info",
    "read",
    "delete",
    "begin_parts",
    "parts",
    "complete_parts",
    "abort_parts",
)
"""Calls of the object store that wait for it, besides `local` and `objects`."""


def guard_store(store: ObjectStore) -> Watch:
    """Return a watch that knows of the calls of a store that fail; refuse them while it is away."""
    watch = Watch(Outage("store"), JobWait.STORE, store.check, STORE_TIMINGS)
    guarded = {name: _guarded(getattr(store, name), watch) for name in STORE_CALLS}
    for name, call in {**guarded, "local": _guarded_copy(store.local, watch)}.items():
        setattr(store, name, call)
    return watch


def _guarded(call: Callable[..., Awaitable[Any]], watch: Watch) -> Callable[..., Awaitable[Any]]:
    @wraps(call)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        watch.check()
        try:
            return await call(*args, **kwargs)
        except SiteFault as fault:
            watch.note(fault)
            raise

    return guarded


def _guarded_copy(
    local: Callable[[str], AbstractAsyncContextManager[Path]], watch: Watch
) -> Callable[[str], AbstractAsyncContextManager[Path]]:
    @asynccontextmanager
    async def guarded(key: str) -> AsyncIterator[Path]:
        watch.check()
        try:
            async with local(key) as path:
                yield path
        except SiteFault as fault:
            watch.note(fault)
            raise

    return guarded
