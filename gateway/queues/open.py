"""Choice of the queue that belongs to a database."""

from gateway.database.engine import Database
from gateway.queues.base import Queue, WorkerTimings
from gateway.queues.leased import LeasedQueue
from gateway.queues.postgres import ProcrastinateQueue

_DEFAULT = WorkerTimings()


def open_queue(database: Database, timings: WorkerTimings = _DEFAULT) -> Queue:
    """Return the queue that is stored in the database itself.

    Tasks are enqueued in the same transaction as the rows that they are about.
    """
    queue = LeasedQueue if database.is_embedded else ProcrastinateQueue
    return queue(database, timings)
