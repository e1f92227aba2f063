"""Connections to PostgreSQL that know whether a commit was sent."""

from typing import Any

import psycopg


class NotSent(psycopg.OperationalError):
    """Raised instead of sending COMMIT: the server has closed the connection."""


class ServedConnection(psycopg.AsyncConnection[Any]):
    """A connection to PostgreSQL."""

    async def commit(self) -> None:
        """Commit, unless the server has closed the connection before.

        Raises:
            NotSent: it has, so that nothing was committed.
        """
        try:
            for _ in range(2):  # its last message, and that it has closed; neither call waits
                self.pgconn.consume_input()
        except psycopg.OperationalError as error:
            raise NotSent(str(error)) from error
        await super().commit()
