"""Backups are complete or not there, hold what their database names, and are restored whole or not at all."""

import asyncio
import json
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.database.migrate import check_current, migrate
from gateway.database.removals import suspended_removals
from gateway.maintenance.backing_up import back_up
from gateway.maintenance.backup_files import digest_of, put_into, read_backup
from gateway.maintenance.checking import check_site
from gateway.maintenance.restoring import restore
from gateway.settings import NotConfigured
from gateway.wiring import open_services, resolve_database_url
from tests.commands.test_command_line import run
from tests.fixtures.backups import create_older, files_below, restored, settings_of
from tests.fixtures.damage import key_of, lose_object, new_item
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.uploading import File, announce

PART = 5 << 20


@pytest.fixture
async def embedded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Fresh site on SQLite and the local disk, with a worker."""
    (tmp_path / "data").mkdir(mode=0o700)
    with fresh_settings("embedded", request, tmp_path / "data", part_size=PART) as settings:
        async with serve_site(settings) as running:
            yield running


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Directory on another file system than that of sites."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        if os.stat(name).st_dev == os.stat(tempfile.gettempdir()).st_dev:
            pytest.skip("There is one file system only.")
        yield Path(name)


async def texts(site: Site, count: int) -> list[str]:
    """Upload small texts, no two alike, and return their UUIDs."""
    folder = await site.folder("texts")
    return await upload_items(
        site, folder, [File(f"{n}.txt", "PLAIN_TEXT", f"{folder} {n}".encode()) for n in range(count)]
    )


async def test_a_backup_is_restored_with_every_byte(embedded: Site, tmp_path: Path) -> None:
    """It has links to the objects, so that it takes no room for them, and is as private as the site."""
    uuids = [await new_item(embedded), *await texts(embedded, 5)]
    _, tally = await back_up(embedded.services, tmp_path / "backup")
    assert (tally.objects, tally.new, tally.missing, tally.damaged) == (7, 7, 0, 0)
    for path in (tmp_path / "backup").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    copies = files_below(tmp_path / "backup" / "objects")
    assert {path.stat().st_nlink for path in copies.values()} == {2}
    target = tmp_path / "restored"
    assert set(await restored(tmp_path / "backup", target, embedded.services.settings)) == set(uuids)
    for path in (target, *target.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    there = settings_of(target, embedded.services.settings)
    async with open_services(there) as services:
        assert (await check_site(services, 1)).counts == {}


async def test_only_new_files_are_copied_and_old_ones_removed(embedded: Site, tmp_path: Path) -> None:
    uuids = await texts(embedded, 6)
    backup = tmp_path / "backup"
    await back_up(embedded.services, backup)
    before = files_below(backup / "objects")
    await embedded.done("deleteStorageItems", {"itemUuids": uuids[:2]}, "results { uuid }")
    async with asyncio.timeout(20):
        while len([each async for each in embedded.services.store.objects()]) > 4:
            await asyncio.sleep(0.1)
    added = await texts(embedded, 1)
    _, tally = await back_up(embedded.services, backup)
    assert (tally.objects, tally.new) == (5, 1)
    after = files_below(backup / "objects")
    assert len(after.keys() & before.keys()) == 4 and len(after) == 5
    assert len(list(backup.iterdir())) == len({"database", "listing", "secret", "summary", "lock", "objects"})
    found = await restored(backup, tmp_path / "restored", embedded.services.settings)
    assert set(found) == {*uuids[2:], *added}


async def test_files_are_copied_to_another_file_system(embedded: Site, tmp_path: Path, elsewhere: Path) -> None:
    """Again only those that are new. A file whose bytes are damaged is noticed."""
    uuids = [await new_item(embedded), *await texts(embedded, 3)]
    backup = elsewhere / "backup"
    await back_up(embedded.services, backup)
    for path in backup.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    times = {name: path.stat().st_ino for name, path in files_below(backup / "objects").items()}
    uuids += await texts(embedded, 1)
    _, tally = await back_up(embedded.services, backup)
    assert (tally.new, tally.damaged) == (1, 0)
    again = {name: path.stat().st_ino for name, path in files_below(backup / "objects").items()}
    assert times.items() <= again.items()
    assert set(await restored(backup, tmp_path / "restored", embedded.services.settings)) == set(uuids)
    key = await key_of(embedded, uuids[0])
    data = await embedded.services.store.read(key)
    await embedded.services.store.put(key, data[:-1] + b"?", "image/png")
    _, tally = await back_up(embedded.services, backup)
    assert (tally.new, tally.damaged) == (1, 1)


async def test_a_backup_is_whole_whatever_is_deleted_meanwhile(
    embedded: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its database names files that the site deletes before they are copied."""
    uuids = await texts(embedded, 10)
    begun, deleted = threading.Event(), threading.Event()

    def put_later(source: Path, directory: Path) -> tuple[Path, bool]:
        begun.set()
        assert deleted.wait(30)
        return put_into(source, directory)

    monkeypatch.setattr("gateway.maintenance.backing_up.put_into", put_later)
    making = asyncio.create_task(back_up(embedded.services, tmp_path / "backup"))
    await asyncio.to_thread(begun.wait, 30)
    await embedded.done("deleteStorageItems", {"itemUuids": uuids}, "results { uuid }")
    await asyncio.sleep(1)
    deleted.set()
    _, tally = await making
    assert (tally.objects, tally.missing) == (10, 0)
    assert set(await restored(tmp_path / "backup", tmp_path / "restored", embedded.services.settings)) == set(uuids)


async def test_objects_stay_while_removal_is_suspended(site: Site) -> None:
    """And are removed afterwards, as are unfinished uploads; there is one suspension at a time."""
    uuid = await new_item(site)
    key = await key_of(site, uuid)
    async with suspended_removals(site.services.database):
        await site.done("deleteStorageItems", {"itemUuids": [uuid]}, "results { uuid }")
        await asyncio.sleep(1)
        assert await site.services.store.info(key)
        assert (await check_site(site.services, 1)).counts == {}
    moved = sa.text("UPDATE queued_tasks SET run_at = '2000-01-01 00:00:00' WHERE name = 'remove_objects'")
    if not site.services.database.is_embedded:
        moved = sa.text("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'remove_objects'")
    async with site.services.database.writing() as transaction:
        await transaction.execute(moved)
    async with asyncio.timeout(20):
        while await site.services.store.info(key):
            await asyncio.sleep(0.1)


async def test_there_is_one_backup_of_a_site_at_a_time(
    embedded: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.database.removals._ATTEMPTS", 2)
    async with suspended_removals(embedded.services.database):
        with pytest.raises(NotConfigured, match="Another backup"):
            await back_up(embedded.services, tmp_path / "backup")
    await back_up(embedded.services, tmp_path / "backup")


async def test_unfinished_uploads_go_on_after_a_restoration(embedded: Site, tmp_path: Path) -> None:
    folder = await embedded.folder("parts")
    data = b"p" * (2 * PART + 1)
    [target] = await announce(embedded, folder, [File("large.txt", "PLAIN_TEXT", data)])
    wanted = {"itemUuid": target["itemUuid"], "partNumbers": [1]}
    signed = await embedded.done("signUploadParts", wanted, "parts { url method uploadHeaders }")
    [part] = signed["parts"]
    sent = await embedded.client.request(
        part["method"], part["url"], content=data[:PART], headers=part["uploadHeaders"]
    )
    assert sent.is_success
    await back_up(embedded.services, tmp_path / "backup")
    await restored(tmp_path / "backup", tmp_path / "restored", embedded.services.settings)
    there = settings_of(tmp_path / "restored", embedded.services.settings)
    async with open_services(there) as services:
        [row] = await services.database.rows(sa.text("SELECT object_key, parts_id FROM uploads"), sa.Row)
        assert [part.size for part in await services.store.parts(row.object_key, row.parts_id)] == [PART]


async def test_a_backup_that_was_interrupted_cannot_be_restored(embedded: Site, tmp_path: Path) -> None:
    """Its files are removed by the next one."""
    await texts(embedded, 1)
    backup = tmp_path / "backup"
    await back_up(embedded.services, backup)
    (backup / "backup.json").unlink()
    with pytest.raises(NotConfigured, match="no complete backup"):
        await restore(settings_of(tmp_path / "restored", embedded.services.settings), backup)
    assert not (tmp_path / "restored").exists()
    await back_up(embedded.services, backup)
    assert len(list(backup.glob("database-*"))) == 1


async def test_damage_of_a_backup_is_noticed(embedded: Site, tmp_path: Path) -> None:
    """Damaged objects are left out and found by the check; nothing is restored of a damaged database."""
    [uuid] = await texts(embedded, 1)
    backup, settings = tmp_path / "backup", embedded.services.settings
    made, _ = await back_up(embedded.services, backup)
    [copy] = files_below(backup / "objects").values()
    copy.unlink()
    copy.write_bytes(b"x" * made.object_bytes)
    there = settings_of(tmp_path / "restored", settings)
    _, [damaged] = await restore(there, backup)
    key = await key_of(embedded, uuid)
    assert damaged == f"content/{key[:2]}/{key}"
    async with open_services(there) as services:
        assert (await check_site(services, 1)).counts == {"lost_object": 1}
    with (backup / made.database.name).open("r+b") as file:
        file.seek(5_000)
        file.write(b"?")
    with pytest.raises(NotConfigured, match="is damaged"):
        await restore(settings_of(tmp_path / "another", settings), backup)
    assert not (tmp_path / "another").exists()


async def test_what_exists_is_never_overwritten(embedded: Site, tmp_path: Path) -> None:
    backup, settings = tmp_path / "backup", embedded.services.settings
    await back_up(embedded.services, backup)
    with pytest.raises(NotConfigured, match=r"is not empty\. Move it away"):
        await restore(settings, backup)
    database = tmp_path / "other.db"
    database.write_bytes(b"")
    kept = settings_of(tmp_path / "restored", settings).model_copy(update={"database_url": f"sqlite:///{database}"})
    with pytest.raises(NotConfigured, match="There is a database at"):
        await restore(kept, backup)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(NotConfigured, match="has other files"):
        await back_up(embedded.services, tmp_path / "mine")
    assert os.listdir(tmp_path / "mine") == ["letter.txt"]


async def test_an_older_backup_is_migrated_and_a_newer_one_refused(embedded: Site, tmp_path: Path) -> None:
    backup, settings = tmp_path / "backup", embedded.services.settings
    made, _ = await back_up(embedded.services, backup)
    database = backup / made.database.name
    database.unlink()
    await asyncio.to_thread(create_older, database, "0037")
    summary = json.loads((backup / "backup.json").read_text())
    summary["database"] |= {"sha256": digest_of(database), "size": database.stat().st_size}
    (backup / "backup.json").write_text(json.dumps(summary | {"revision": "0037"}))
    there = settings_of(tmp_path / "restored", settings)
    await restore(there, backup)
    url = resolve_database_url(there)
    with pytest.raises(NotConfigured):
        await asyncio.to_thread(check_current, url)
    await asyncio.to_thread(migrate, url)
    await asyncio.to_thread(check_current, url)
    (backup / "backup.json").write_text(json.dumps(summary | {"revision": "9999", "storegraph": "99.0"}))
    with pytest.raises(NotConfigured, match=r"newer version of Storegraph, 99\.0"):
        await restore(settings_of(tmp_path / "another", settings), backup)
    (backup / "backup.json").write_text(json.dumps(summary | {"format": 2}))
    with pytest.raises(NotConfigured, match="another layout"):
        await restore(settings_of(tmp_path / "another", settings), backup)
    assert not (tmp_path / "another").exists()


async def test_an_interrupted_restoration_is_no_site_until_it_is_repeated(embedded: Site, tmp_path: Path) -> None:
    uuids = await texts(embedded, 3)
    backup, settings = tmp_path / "backup", embedded.services.settings
    await back_up(embedded.services, backup)
    there = settings_of(tmp_path / "restored", settings)
    await restore(there, backup)
    shutil.rmtree(there.data_dir / "objects" / "content")
    for path in there.data_dir.glob("storegraph.db*"):
        path.unlink()
    (there.data_dir / "restoring").write_text(read_backup(backup).database.sha256)  # type: ignore[union-attr]  # it exists
    with pytest.raises(NotConfigured, match="was interrupted"):
        async with open_services(there):
            pass
    code, _, errors = await run(tmp_path, "migrate", STOREGRAPH_DATA_DIR=str(there.data_dir))
    assert code == 1 and "storegraph restore" in errors
    assert set(await restored(backup, there.data_dir, settings)) == set(uuids)


async def test_what_the_site_lacks_does_not_stop_a_backup(embedded: Site, tmp_path: Path) -> None:
    await texts(embedded, 1)
    await lose_object(embedded)
    made, tally = await back_up(embedded.services, tmp_path / "backup")
    assert (made.missing, tally.missing) == (1, 1)


async def test_other_sites_are_told_what_to_read(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with fresh_settings("scaled", request, tmp_path) as settings:
        async with open_services(settings) as services:
            with pytest.raises(NotConfigured, match=r"docs/backups\.md"):
                await back_up(services, tmp_path / "backup")
        with pytest.raises(NotConfigured, match=r"docs/backups\.md"):
            await restore(settings, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
