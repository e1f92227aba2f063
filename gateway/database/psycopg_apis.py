"""Names of psycopg that connections use although they are not public.

An upgrade may change any of them without notice: `tests/house/test_private_apis.py` says which.
"""

from psycopg.errors import _WaitTimeout as WaitTimeout
from psycopg.generators import execute as results_of

__all__ = ["WaitTimeout", "results_of"]
