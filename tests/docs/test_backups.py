"""The commands of `docs/backups.md` run unchanged, except for directories and buckets, and restore sites."""

import asyncio
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from gateway.models.items import ItemRecord, items
from gateway.settings import Settings
from gateway.wiring import open_services
from tests.docs.pages import blocks_of
from tests.docs.test_commands import BACKUPS, run_bash
from tests.fixtures.damage import new_item
from tests.fixtures.sites import fresh_settings, serve_site
from tests.servers import PostgresServer, postgres_programs, with_prefix


def texts(heading: str) -> list[str]:
    """Return the blocks under a heading."""
    return [block.text for block in blocks_of(BACKUPS, heading)]


def variables(settings: Settings) -> dict[str, str]:
    """Return the settings of a site that its commands need."""
    given = {f"STOREGRAPH_{name.upper()}": str(getattr(settings, name)) for name in ("data_dir", "objects_url")}
    if settings.secret_key:
        given["STOREGRAPH_SECRET_KEY"] = settings.secret_key.get_secret_value()
    return {**given, "STOREGRAPH_DATABASE_URL": settings.database_url}


async def contents(settings: Settings) -> dict[Any, bytes]:
    """Return the bytes of all items of a site."""
    async with open_services(settings) as services:
        rows = await services.database.rows(sa.select(items.c.uuid, items.c.object_key), ItemRecord)
        return {row.uuid: await services.store.read(row.object_key or "") for row in rows}


async def test_an_embedded_site_is_backed_up_and_restored(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    with fresh_settings("embedded", request, tmp_path / "data") as settings:
        async with serve_site(settings) as site:
            await new_item(site)
            [backing_up], [restoring] = texts("SQLite and the local disk"), texts("Restoring")
            script = backing_up.replace("/backups/storegraph", f"{tmp_path}/copies/site")
            given = variables(settings)
            printed = await asyncio.to_thread(run_bash, script, tmp_path, **given)
            assert "2 files" in printed and "secret of the data directory is in the backup" in printed
        restoring = restoring.removesuffix("storegraph serve\n")
        restoring = restoring.replace("/backups/storegraph", f"{tmp_path}/copies/site")
        restoring = restoring.replace("/srv/storegraph", f"{tmp_path}/restored")
        printed = await asyncio.to_thread(run_bash, f"unset STOREGRAPH_DATABASE_URL\n{restoring}", tmp_path, **given)
        assert "Found: 0 (objects in the store: 2)" in printed
        assert await contents(Settings(data_dir=tmp_path / "restored")) == await contents(settings)


@pytest.mark.skipif(not shutil.which("aws"), reason="There is no aws command.")
async def test_a_site_on_postgresql_and_s3_is_backed_up_and_restored(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer, s3_server: str
) -> None:
    """Both are copied while the site works, and an item is deleted between the two copies."""
    script, running, restoring = texts("PostgreSQL and S3")
    parts = urlsplit(s3_server)
    options = {name: value[0] for name, value in parse_qs(parts.query).items()}
    given = {
        "AWS_ENDPOINT_URL": options["endpoint"],
        "AWS_ACCESS_KEY_ID": options["access_key"],
        "AWS_SECRET_ACCESS_KEY": options["secret_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": ":".join(map(str, [Path(sys.executable).parent, *postgres_programs(), os.environ["PATH"]])),
    }
    with fresh_settings("scaled", request, tmp_path) as settings:
        restored = with_prefix(s3_server, secrets.token_hex(4))
        target = postgres_server.create_database()
        there = settings.model_copy(update={"database_url": target, "objects_url": restored})
        written = {
            "s3://bucket/prefix": _location(settings.objects_url),
            "s3://backups/prefix": f"s3://{parts.netloc}/{secrets.token_hex(4)}",
            "s3://restored/prefix": _location(restored),
        }
        for name, real in written.items():
            script, restoring = script.replace(name, real), restoring.replace(name, real)
        async with serve_site(settings) as site:
            uuids = [await new_item(site, 50), await new_item(site, 60)]
            before = await contents(settings)
            dump, copy = script.split("\n", 1)
            wait = "touch dumped; until [ -e deleted ]; do sleep 0.1; done"
            (tmp_path / "copy-site.sh").write_text(f"{dump}\n{wait}\n{copy}")
            copying = asyncio.create_task(
                asyncio.to_thread(run_bash, running, tmp_path, **variables(settings), **given)
            )
            while not (tmp_path / "dumped").exists() and not copying.done():
                await asyncio.sleep(0.1)
            await site.done("deleteStorageItems", {"itemUuids": uuids[:1]}, "results { uuid }")
            await asyncio.sleep(1)
            (tmp_path / "deleted").touch()
            await copying
        printed = await asyncio.to_thread(run_bash, restoring, tmp_path, **variables(there), **given)
        assert "Found: 0" in printed
        assert await contents(there) == before
        postgres_server.drop_database(target)


def _location(objects_url: str) -> str:
    """Return the bucket and prefix of an object store."""
    parts = urlsplit(objects_url)
    return f"s3://{parts.netloc}{parts.path}"
