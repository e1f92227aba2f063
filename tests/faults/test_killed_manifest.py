"""A worker is killed again and again while it reads a manifest and works on it: every entry ends once."""

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
from tests.faults.test_kill import done
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.files import FileServer, serve_files
from tests.fixtures.invariants import check_all
from tests.fixtures.sieges import crashing_site, kill_and_restart, wait_for_count
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import File, send_files

COUNT = 2000
KILLS = 4


def entry(number: int, server: FileServer) -> dict[str, Any]:
    """One in ten is not there, one in ten is written wrongly; of half the others the facts are given."""
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


async def counted(site: Site) -> int:
    """How many units there are."""
    found = await site.services.database.rows(sa.select(sa.func.count().label("n")).select_from(upload_units), sa.Row)
    return int(found[0].n)


@pytest.mark.long
@pytest.mark.timeout(500)
async def test_a_manifest_survives_its_workers(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Once while units are written, then again and again while they are worked on."""
    chance = random.Random(COUNT)
    with serve_files(tmp_path) as server:
        said = json.dumps({"text": [entry(number, server) for number in range(COUNT)]}).encode()
        allowed = {"fetch_allowed": [server.host]}
        with fresh_settings(backend, request, tmp_path, **allowed) as settings:
            async with crashing_site(backend, settings, tmp_path) as (site, process, victims):
                folder = await site.folder("killed")
                [uuid] = await send_files(site, folder, [File("m.json", "PLAIN_TEXT", said)])
                input = {"folderUuid": folder, "manifest": {"placeholderUuid": uuid}, "ignoreErrors": True}
                job = (await site.done("startUploadJob", input, "uploadJob { uuid }"))["uploadJob"]["uuid"]
                known = await wait_for_count(counted, site, 1)
                kill_and_restart(victims)
                print(f"killed with {known:,} units written, then with this many done:")
                ended = await wait_for_count(done, site, COUNT // 5)
                for _ in range(KILLS):
                    await asyncio.sleep(chance.uniform(0, 1))
                    kill_and_restart(victims)
                    print(f"{ended:,}")
                    ended = await wait_for_count(done, site, min(ended + COUNT // 10, COUNT))
                await wait_until_ready(site, process)
                await wait_for_count(done, site, COUNT)
                assert known < COUNT, "the first kill came too late"
                await check(site, job, server)
                await check_all(site.services)


async def check(site: Site, job: str, server: FileServer) -> None:
    """One unit for each entry, in order, and one item for each of those that are right."""
    units = await site.services.database.rows(sa.select(upload_units).order_by(upload_units.c.position), sa.Row)
    assert [unit.position for unit in units] == list(range(COUNT))
    assert Counter(unit.status for unit in units) == {"DONE": COUNT * 8 // 10, "ERROR": COUNT // 5}
    made = await site.services.database.rows(sa.select(items.c.url, items.c.is_placeholder), sa.Row)
    right = {f"{server.url}/files/{number}.txt" for number in range(COUNT) if number % 10 > 1}
    assert Counter(row.url for row in made) == Counter(right)
    assert not any(row.is_placeholder for row in made)
    document = "query($u: UUID!) { uploadJob(uuid: $u) { status unitsDoneCount unitsErrorCount unitsCancelledCount } }"
    state = (await site.ask(document, {"u": job}))["uploadJob"]
    counts = {"unitsDoneCount": COUNT * 8 // 10, "unitsErrorCount": COUNT // 5, "unitsCancelledCount": 0}
    assert state == {"status": "DONE", **counts}
