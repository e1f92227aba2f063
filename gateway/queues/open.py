"""Which queue goes with which database."""

from gateway.database.engine import Database
from gateway.queues.base import Queue, WorkerTimings
from gateway.queues.leased import LeasedQueue
from gateway.queues.postgres import ProcrastinateQueue

_USUAL = WorkerTimings()


def open_queue(database: Database, lease: WorkerTimings = _USUAL) -> Queue:
    """The queue that lies in the database itself, so that tasks are enqueued with the rows that need them."""
    return (
        LeasedQueue(database, lease)
        if database.is_embedded
        else ProcrastinateQueue(database, lease)
    )
