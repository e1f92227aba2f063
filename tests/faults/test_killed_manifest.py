"""A worker is killed repeatedly while it reads a manifest and ingests it: each entry ends once."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.models.items import items
from gateway.models.uploads import upload_units
from tests.faults.invariants import check_at_rest
from tests.faults.test_kill import count_ended
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.files import FileServer, serve_files
from tests.fixtures.sieges import crashing_site, kill_and_restart, wait_for_count
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import File, send_files

COUNT = 2000
KILLS = 4


def entry(number: int, server: FileServer) -> dict[str, Any]:
    """Return an entry: one in ten is missing, one in ten is invalid; half of the others have provided facts."""
    name, data = f"{number}.txt", b"text %d" % number
    match number % 10:
        case 0:
            return {"objectUrl": f"{server.url}/files/missing-{number}.txt"}
        case 1:
            return {"objectUrl": f"{server.url}/files/{name}", "pages": number}
        case 2 | 3 | 4 | 5:
            given = {"fileSize": len(data), "mimeType": "text/plain"}
            return {"objectUrl": server.add(name, data), "textMetadata": given}
        case _:
            return {"objectUrl": server.add(name, data)}


async def count_units(site: Site) -> int:
    """Return the number of units."""
    matches = await site.services.database.rows(sa.select(sa.func.count().label("n")).select_from(upload_units), sa.Row)
    return int(matches[0].n)


@pytest.mark.long
@pytest.mark.timeout(500)
async def test_a_manifest_survives_its_workers(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Once while units are written, then repeatedly while they are ingested."""
    chance = random.Random(COUNT)
    with serve_files(tmp_path) as server:
        manifest = json.dumps({"text": [entry(number, server) for number in range(COUNT)]}).encode()
        allowed = {"fetch_allowed": [server.host]}
        with fresh_settings(backend, request, tmp_path, **allowed) as settings:
            async with crashing_site(backend, settings, tmp_path) as (site, process, victims):
                folder = await site.folder("killed")
                [uuid] = await send_files(site, folder, [File("m.json", "PLAIN_TEXT", manifest)])
                input = {"folderUuid": folder, "manifest": {"placeholderUuid": uuid}, "ignoreErrors": True}
                job = (await site.done("startUploadJob", input, "uploadJob { uuid }"))["uploadJob"]["uuid"]
                known = await wait_for_count(count_units, site, 1)
                kill_and_restart(victims)
                print(f"killed with {known:,} units written, then with this many done:")
                ended = await wait_for_count(count_ended, site, COUNT // 5)
                for _ in range(KILLS):
                    await asyncio.sleep(chance.uniform(0, 1))
                    kill_and_restart(victims)
                    print(f"{ended:,}")
                    ended = await wait_for_count(count_ended, site, min(ended + COUNT // 10, COUNT))
                await wait_until_ready(site, process)
                await wait_for_count(count_ended, site, COUNT)
                assert known < COUNT, "the first kill came too late"
                await check(site, job, server)
                await check_at_rest(site.services.settings)


async def check(site: Site, job: str, server: FileServer) -> None:
    """There is one unit for each entry, in order, and one item for each valid entry."""
    units = await site.services.database.rows(sa.select(upload_units).order_by(upload_units.c.position), sa.Row)
    assert [unit.position for unit in units] == list(range(COUNT))
    assert Counter(unit.status for unit in units) == {"DONE": COUNT * 8 // 10, "ERROR": COUNT // 5}
    created = await site.services.database.rows(sa.select(items.c.url, items.c.is_placeholder), sa.Row)
    right = {f"{server.url}/files/{number}.txt" for number in range(COUNT) if number % 10 > 1}
    assert Counter(row.url for row in created) == Counter(right)
    assert not any(row.is_placeholder for row in created)
    document = "query($u: UUID!) { uploadJob(uuid: $u) { status unitsDoneCount unitsErrorCount unitsCancelledCount } }"
    state = (await site.ask(document, {"u": job}))["uploadJob"]
    counts = {"unitsDoneCount": COUNT * 8 // 10, "unitsErrorCount": COUNT // 5, "unitsCancelledCount": 0}
    assert state == {"status": "DONE", **counts}
