"""The dataloaders of one operation: one for each thing that is loaded, however often it is selected."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any

from aiodataloader import DataLoader

Load = Callable[[list[Any]], Awaitable[Sequence[Any]]]


class Loaders:
    """Loaders by what they load; they live as long as the operation, so nothing read is ever stale."""

    def __init__(self) -> None:
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    async def load(self, scope: Hashable, key: Any, load: Load) -> Any:
        """The value of `key`, loaded together with all keys that are asked in the same scope at the same time."""
        loader = self._loaders.get(scope)
        if loader is None:
            loader = self._loaders[scope] = DataLoader(_batched(load))
        value = loader.load((key,))
        value.add_done_callback(_looked_at)
        # An error elsewhere cancels whoever waits here, but others may wait for the same value, now or later.
        return await asyncio.shield(value)


def _looked_at(value: asyncio.Future[Any]) -> None:
    """A failure is told to those who wait; asyncio would log it where none does any more."""
    if not value.cancelled():
        value.exception()


def _batched(load: Load) -> Callable[[list[Any]], Coroutine[Any, Any, list[Any]]]:
    async def batch(wrapped: list[tuple[Any]]) -> list[Any]:
        # A key may be None, which the loader itself would refuse.
        return list(await load([key for (key,) in wrapped]))

    return batch
