"""Tasks of which workers died: those about several files are divided, and a file may be to blame.

A worker that dies takes all of its tasks along, of which one at most is to blame. Each of them is
run again as a suspect, one at a time, and is divided first if it is about several files. So only
the file to blame goes on to stop workers, and fails in the end.
"""

from collections.abc import Sized

from gateway.queues.base import DEATHS, FATAL_DEATHS

STOPPED_WORKERS = "reading this file stopped the worker three times"
"""Why a file fails that is to blame."""


def must_be_divided(files: Sized) -> bool:
    """Return whether these files of the running task must be read by tasks of their own."""
    return DEATHS.get() > 0 and len(files) > 1


def is_to_blame() -> bool:
    """Return whether the file of the running task, which has no other, is not to be read again."""
    return DEATHS.get() >= FATAL_DEATHS
