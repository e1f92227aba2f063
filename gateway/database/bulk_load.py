"""Load many rows into empty tables, with what each database offers for it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.searches import FOLD

_PAGE_CACHE = "PRAGMA cache_size = -262144"
"""256 MiB: with SQLite's 2 MiB each row writes and reads pages of every index."""
_SQLITE_INDEXES = """SELECT name, sql AS definition FROM sqlite_master
    WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?"""
_SQLITE_TRIGGERS = """SELECT name, sql AS definition FROM sqlite_master
    WHERE type = 'trigger' AND name IN (?, ?)"""
_SQLITE_TEXTS = {
    "names": "(uuid, name_key) SELECT uuid, name_key FROM {}",
    "descriptions": "(uuid, description_key) "
    f"SELECT uuid, {FOLD}(description) FROM {{}} WHERE description <> ''",
}
"""What the full-text indexes of a table have, by the end of their names."""
_POSTGRESQL_INDEXES = """SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index i WHERE i.indrelid = %s::regclass
    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)"""


async def drop_indexes(connection: AsyncConnection, tables: Collection[sa.Table]) -> list[str]:
    """Drop the indexes of empty tables, but for those of constraints, before a load.

    Returns the statements that create them and index the rows loaded meanwhile. Creating an index
    at once costs a fraction of adding to it row by row; most of all SQLite's full-text indexes,
    which triggers maintain, and which are written out after each row.
    """
    run = connection.exec_driver_sql
    restore = []
    if connection.dialect.name != "sqlite":
        for table in tables:
            for index in (await run(_POSTGRESQL_INDEXES, (table.name,))).all():
                await run(f"DROP INDEX {index.name}")
                restore.append(index.definition)
        return restore
    await run(_PAGE_CACHE)
    for table in tables:
        for index in (await run(_SQLITE_INDEXES, (table.name,))).all():
            await run(f"DROP INDEX {index.name}")
            restore.append(index.definition)
        for noun, rows in _SQLITE_TEXTS.items():
            texts = f"{table.name}_{noun}"
            triggers = (await run(_SQLITE_TRIGGERS, (f"{texts}_enter", f"{texts}_indexed"))).all()
            if triggers:
                restore.append(f"INSERT INTO {texts} {rows.format(table.name)} ORDER BY rowid")
                restore.append(f"INSERT INTO {texts}_index ({texts}_index) VALUES ('rebuild')")
            for trigger in triggers:
                await run(f"DROP TRIGGER {trigger.name}")
                restore.append(trigger.definition)
    return restore


async def bulk_insert(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert many rows, each with all columns: by COPY on PostgreSQL, else by one `executemany`."""
    dialect = connection.dialect
    quote = dialect.identifier_preparer.quote
    target = f"{quote(table.name)} ({', '.join(quote(column.name) for column in table.c)})"
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    if dialect.name == "sqlite":
        insert = f"INSERT INTO {target} VALUES ({', '.join('?' * len(table.c))})"
        await driver.executemany(insert, _driver_rows(dialect, table, rows))
    else:
        async with driver.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
            for values in _driver_rows(dialect, table, rows):
                await copy.write_row(values)


def _driver_rows(
    dialect: sa.Dialect, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Any, ...]]:
    """Yield rows as the driver takes them; converting column by column is fastest."""
    values_of = itemgetter(*(column.key for column in table.c))
    types = (column.type.dialect_impl(dialect) for column in table.c)
    converters = [each.bind_processor(dialect) for each in types]
    for start in range(0, len(rows), 500):
        columns = list(zip(*map(values_of, rows[start : start + 500]), strict=True))
        for index, convert in enumerate(converters):
            if convert:
                columns[index] = tuple(
                    None if value is None else convert(value) for value in columns[index]
                )
        yield from zip(*columns, strict=True)
