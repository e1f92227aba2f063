"""`storegraph lookup` names what the log refers to by UUIDs."""

from pathlib import Path

from tests.fixtures.commands import Command
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import start_upload_job


async def test_users_keys_folders_and_jobs_have_names(idle_site: Site, tmp_path: Path) -> None:
    user = await idle_site.user("ada@example.org", "ADMIN")
    given = {"name": "scripts", "userUuid": user}
    key = (await idle_site.done("createApiKey", given, "apiKey { uuid }"))["apiKey"]["uuid"]
    folder = await idle_site.folder("above")
    below = await idle_site.folder("below", parent=folder)
    job = await start_upload_job(idle_site, folder, {"images": [{"objectUrl": "https://example.org/a.png"}]})
    asked = [below, key, user, UNKNOWN, job]
    lines = (await Command(idle_site.services.settings, tmp_path, "lookup", *asked).run()).splitlines()
    named = [line.split("\t") for line in lines if "\t" in line]
    assert [line[0] for line in named] == asked
    assert [line[1] for line in named] == ["folder", "key", "user", "unknown", "job"]
    assert [line[2] for line in named][:2] == ["above/below", "scripts, of ada@example.org"]
    assert "ada@example.org" in named[2][2] and named[4][2] == "UPLOAD, PENDING"
