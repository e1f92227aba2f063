"""Names of Procrastinate that the PostgreSQL queue uses although they are not public.

An upgrade may change any of them without notice: `tests/house/test_private_apis.py` says which.
"""

from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, get_channel_for_queues

__all__ = ["Job", "JobManager", "Status", "get_channel_for_queues"]
