"""Names of psycopg that connections use although they are not public.

An upgrade may change any of them without notice: `tests/house/test_private_apis.py` says which.
"""

from psycopg.errors import _WaitTimeout as WaitTimeout

__all__ = ["WaitTimeout"]
