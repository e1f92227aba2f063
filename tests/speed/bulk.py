"""What mutations of a thousand objects cost: CPU time per object of the server and the database."""

import asyncio
import secrets
from collections.abc import Sequence
from statistics import median
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.catalog.ledger.counters import recount
from gateway.database.bulk_load import bulk_insert
from gateway.database.engine import Database
from gateway.ids import uuid7
from gateway.models.base import fold, natural_key, new_row
from gateway.models.items import ItemRecord, group_members, items
from tests.speed.client import Connection, connected
from tests.speed.contenders import ALL, Running, start_contender
from tests.speed.databases import Filled
from tests.speed.table import table, verdict
from tests.speed.usage import cpu_between, cpu_by_process

MANY, WARM_UPS = 1_000, 1
GOAL = 0.1
"""Milliseconds of CPU per object."""
RESULTS = "userErrors { code message } results { userErrors { code } }"
Input = dict[str, Any]


class Bulk:
    """The server, and the CPU time that it and the database took for each mutation, in each round."""

    def __init__(self, filled: Filled, running: Running, connection: Connection) -> None:
        self._connection = connection
        self._watched = [running.pid, *([filled.postmaster] if filled.postmaster else [])]
        self.used: dict[str, list[list[float]]] = {}

    async def send(self, mutation: str, input: Input, selection: str = RESULTS) -> Any:
        """Send a mutation that must succeed, and return its payload."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        text = f"mutation($input: {kind}!) {{ payload: {mutation}(input: $input) {{ {selection} }} }}"
        answer = orjson.loads(await self._connection.ask(orjson.dumps({"query": text, "variables": {"input": input}})))
        if "errors" in answer or answer["data"]["payload"].get("userErrors"):
            raise SystemExit(f"{mutation}: {str(answer)[:1000]}")
        return answer["data"]["payload"]

    async def measure(self, name: str, mutation: str, input: Input, selection: str = RESULTS) -> None:
        """Send a mutation of many objects, and note what it took."""
        before = [cpu_by_process(pid) for pid in self._watched]
        await self.send(mutation, input, selection)
        spent = list(map(cpu_between, before, map(cpu_by_process, self._watched)))
        self.used.setdefault(name, []).append([each / MANY * 1000 for each in spent])


def measure_bulk(filled: Filled, rounds: int) -> str:
    """Return a table of what each mutation takes per object."""
    with start_contender(ALL[0], filled) as server:
        return asyncio.run(_measure(filled, server, rounds))


async def _measure(filled: Filled, server: Running, rounds: int) -> str:
    database = Database(filled.url)
    try:
        async with connected(server.port, filled.key) as (connection,):
            bulk = Bulk(filled, server, connection)
            for _ in range(WARM_UPS + rounds):
                await _take(bulk, database)
    finally:
        await database.close()
    return _table(bulk, filled)


async def _take(bulk: Bulk, database: Database) -> None:
    """Send each mutation once, over objects that no other round has."""
    own, other = [await _folder(bulk) for _ in range(2)]
    files = [{"name": f"{number:04}.png", "itemType": "IMAGE", "fileSize": 1000} for number in range(MANY)]
    announced = {"folderUuid": other, "files": files}
    await bulk.measure("announce", "requestUploadUrls", announced, "userErrors { code } targets { itemUuid url }")
    uuids = [str(uuid) for uuid in await _add_items(database, UUID(own))]
    for name, values in (
        ("rename", {"name": "renamed {}.png"}),
        ("describe", {"description": "The description of item {} in this folder"}),
        ("set metadata", {"clientMetadata": {"take": "{}", "site": "north"}}),
    ):
        changes = [{"itemUuid": uuid, **_numbered(values, number)} for number, uuid in enumerate(uuids)]
        await bulk.measure(name, "updateStorageItems", {"items": changes})
    await bulk.measure("move", "moveStorageItems", {"itemUuids": uuids, "newParentUuid": other})
    await bulk.measure("delete", "deleteStorageItems", {"itemUuids": uuids})
    new = [{"name": f"folder {number}", "parent": {"folderUuid": own}} for number in range(MANY)]
    created = f"{RESULTS[:-1]} folder {{ uuid }} }}"
    await bulk.measure("create folders", "createStorageFolders", {"folders": new}, created)


def _numbered(values: Input, number: int) -> Input:
    return {
        key: value.replace("{}", str(number)) if isinstance(value, str) else _numbered(value, number)
        for key, value in values.items()
    }


async def _folder(bulk: Bulk) -> str:
    """Create a root folder, of which the viewer is ADMIN, and return its UUID."""
    payload = await bulk.send("createStorageFolder", {"name": secrets.token_hex(4)}, "folder { uuid }")
    return str(payload["folder"]["uuid"])


async def _add_items(database: Database, folder: UUID) -> Sequence[UUID]:
    """Add copies of files of the site to a folder, and return their UUIDs."""
    is_member = sa.exists().where(group_members.c.item_uuid == items.c.uuid)
    is_file = sa.and_(items.c.url.is_not(None), ~items.c.is_tombstone, ~items.c.is_placeholder, ~is_member)
    async with database.writing() as transaction:
        chosen = await transaction.rows(sa.select(items).where(is_file).limit(MANY), sa.Row)
        copies = []
        for number, row in enumerate(chosen * (MANY // len(chosen) + 1)):
            named = {"name": f"{row.name} {number}", "name_key": fold(f"{row.name} {number}")}
            named["natural_key"] = natural_key(named["name_key"])
            own = {"uuid": uuid7(), "folder_uuid": folder, "linked_folder_uuid": None}
            copies.append(new_row(ItemRecord, **{**row._mapping, **named, **own}))
        await bulk_insert(transaction.connection, items, copies[:MANY])
        await recount(transaction, folder)
    return [row["uuid"] for row in copies[:MANY]]


def _table(bulk: Bulk, filled: Filled) -> str:
    rows = []
    for name, rounds in bulk.used.items():
        taken = rounds[WARM_UPS:]
        total = median(sum(parts) for parts in taken)
        database = "in it" if filled.embedded else f"{median(parts[1] for parts in taken):.3f}"
        server = f"{median(parts[0] for parts in taken):.3f}"
        rows.append([name, server, database, verdict(total, GOAL, at_least=False)])
    kind = "SQLite" if filled.embedded else "PostgreSQL"
    head = [f"{kind}, CPU ms per object", "server", "database", "both"]
    return f"{table(head, rows)}\n\n{MANY:,} objects in each request, on a site of {filled.items:,} items."
