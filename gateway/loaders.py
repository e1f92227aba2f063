"""Dataloaders of one operation: one for each scope of keys that are loaded together."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any

from aiodataloader import DataLoader

Load = Callable[[list[Any]], Awaitable[Sequence[Any]]]
"""Returns one value for each key, in order."""


class Loaders:
    """Dataloaders by scope. They live as long as the operation, so that nothing is stale."""

    def __init__(self) -> None:
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    async def load(self, scope: Hashable, key: Any, load: Load) -> Any:
        """Return the value of a key, loaded with others requested in the scope at the same time."""
        loader = self._loaders.get(scope)
        if loader is None:

            async def load_batch(wrapped_keys: list[tuple[Any]]) -> list[Any]:
                return list(await load([key for (key,) in wrapped_keys]))

            loader = self._loaders[scope] = DataLoader(load_batch)
        # Keys are wrapped, because one may be None, which aiodataloader refuses.
        value = loader.load((key,))
        value.add_done_callback(_retrieve_exception)
        # An error elsewhere cancels this caller, while others may still wait for the value.
        return await asyncio.shield(value)


def _retrieve_exception(value: asyncio.Future[Any]) -> None:
    """Mark an exception as retrieved; asyncio would log it if all its callers were cancelled."""
    if not value.cancelled():
        value.exception()
