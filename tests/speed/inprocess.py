"""CPU an operation, compiled against interpreted, without HTTP: `python -m tests.speed.inprocess [database URL]`."""

import asyncio
import gc
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.context import Context, Services
from gateway.database.migrate import migrate
from gateway.database.tree import path_of
from gateway.execution.compiled.executor import CompiledExecutor
from gateway.execution.operations import OperationRequest, Operations
from gateway.ids import uuid7
from gateway.kinds import SiteRole, StorageItemType
from gateway.models.folders import folder_counters, folders
from gateway.models.items import items
from gateway.models.people import users
from gateway.services import open_services
from gateway.settings import Limits, Settings
from schema.api import api

SCALARS = (
    "uuid name description itemType createdAt lastEditedAt isTombstone isPlaceholder storageLocation fileSize "
    "mimeType sha256 duration width height"
)
TWENTY = f"{SCALARS} fps frameCount url folderUuid clientMetadata"
ITEMS = "items(first: 10) { nodes { uuid name folder { name } summary { frameInGroups usedInDatasets } } }"
BELOW = f"subfolders(first: 10) {{ nodes {{ uuid name {ITEMS} }} }}"
ROOTS = "storageFolders(scope: ORGANISATION, first: 20)"
IMAGES = "searchStorageItems(filter: {itemTypes: [IMAGE]}, first: 1000)"
QUERIES = {
    "Q1 one folder, five scalars": "storageFolder(uuid: $u) { uuid name description createdAt folderType }",
    "Q2 100 items of 15 scalars": f"storageFolder(uuid: $u) {{ items {{ nodes {{ {SCALARS} }} }} }}",
    "Q3 20 x 10 x 10, nested": f"{ROOTS} {{ nodes {{ uuid name {BELOW} }} }}",
    "Q4 1,000 items of 20 scalars": f"{IMAGES} {{ nodes {{ {TWENTY} }} }}",
}
SECONDS = 1.5


async def fill(services: Services) -> tuple[Viewer, str]:
    """20 roots with 10 subfolders of 10 items, and one folder of 100."""
    viewer = Viewer(uuid7(), SiteRole.ADMIN)
    rows: dict[sa.Table, list[dict[str, Any]]] = {folders: [], folder_counters: [], items: []}

    def folder(name: str, parent: Any, above: str) -> tuple[Any, str]:
        uuid = uuid7()
        path = path_of(above, uuid)
        rows[folders].append(
            {
                "uuid": uuid,
                "parent_uuid": parent,
                "path": path,
                "name": name,
                "name_key": name,
                "owner_uuid": viewer.user_uuid,
            }
        )
        rows[folder_counters].append({"folder_uuid": uuid})
        return uuid, path

    def fill_with(uuid: Any, number: int) -> None:
        for place in range(number):
            name = f"file {place:05} of many"
            rows[items].append(
                {
                    "uuid": uuid7(),
                    "folder_uuid": uuid,
                    "item_type": StorageItemType.IMAGE,
                    "name": name,
                    "name_key": name,
                }
                | {"file_size": place, "mime_type": "image/png", "sha256": "0" * 64, "width": 1920, "height": 1080}
            )

    for root in range(20):
        top, path = folder(f"root {root:02}", None, "")
        for below in range(10):
            fill_with(folder(f"below {below}", top, path)[0], 10)
    large, _ = folder("the large one", None, "")
    fill_with(large, 100)
    async with services.database.writing() as transaction:
        person = {"uuid": viewer.user_uuid, "email": "a@b", "email_key": "a@b", "site_role": SiteRole.ADMIN}
        await transaction.execute(sa.insert(users), [person])
        for table, values in rows.items():
            await transaction.execute(sa.insert(table), values)
    return viewer, str(large)


async def cost(work: Callable[[], Awaitable[bytes]]) -> float:
    """CPU seconds of one call: the median of five slices."""
    slices = []
    for _ in range(5):
        calls, started, until = 0, time.process_time(), time.perf_counter() + SECONDS / 5
        while time.perf_counter() < until:
            await work()
            calls += 1
        slices.append((time.process_time() - started) / calls)
    return median(slices)


async def measure(url: str, directory: Path) -> None:
    """Print a line a query."""
    migrate(url)
    settings = Settings(database_url=url, data_dir=directory, public_url="http://x", secret_key=secrets.token_hex(32))
    async with open_services(settings) as services:
        viewer, large = await fill(services)
        quick = CompiledExecutor(api, services.database.dialect)
        gc.collect()
        gc.freeze()  # as a server does when it has started
        executors = {"compiled": Operations(api, Limits(), quick), "interpreted": Operations(api, Limits())}
        for name, fields in QUERIES.items():
            text = f"query($u: UUID!) {{ {fields} }}" if "$u" in fields else f"{{ {fields} }}"
            variables = {"u": large} if "$u" in fields else {}

            async def run(operations: Operations, text: str = text, variables: Any = variables) -> bytes:
                context = Context(services, viewer, "speed")
                answer = await operations.execute(OperationRequest(text, variables, request_id="speed"), context)
                return orjson.dumps(answer.body())

            bodies = {await run(operations) for operations in executors.values()}
            assert len(bodies) == 1, bodies
            costs = {one: await cost(partial(run, operations)) for one, operations in executors.items()}
            ratio = costs["interpreted"] / costs["compiled"]
            shown = "  ".join(f"{one} {seconds * 1000:8.3f} ms" for one, seconds in costs.items())
            print(f"{name:32} {shown}  ratio {ratio:5.1f}  ({len(bodies.pop()):,} bytes)", flush=True)
        print(dict(quick.counted), dict(quick.reasons))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{directory}/speed.db", Path(directory)))
