"""Locks of tables, and of the whole database, as each of the two databases has them."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

_MIGRATION_LOCK = 7_366_002


def lock_for_migration(connection: Connection) -> None:
    """Wait until no other process migrates the database; it may until this transaction ends.

    On SQLite the transaction is the only one that writes already.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


async def lock_writers_out(connection: AsyncConnection, table: sa.Table) -> None:
    """Wait for all who have written to a table, and keep it as it is until the transaction ends.

    On SQLite the transaction is the only one that writes already.
    """
    if connection.dialect.name != "sqlite":
        await connection.execute(sa.text(f"LOCK TABLE {table.name} IN SHARE MODE"))
