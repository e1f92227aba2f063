"""Calls that read or write the disk of the store, in threads."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gateway.full_disks import is_disk_full
from gateway.site_faults import store_away

P = ParamSpec("P")
T = TypeVar("T")


async def run_on_disk(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call in a thread.

    Raises:
        SiteFault: the disk is away, or does not let the process in.
        OSError: the disk is full.
    """
    try:
        return await asyncio.to_thread(call, *args, **kwargs)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise store_away() from error
