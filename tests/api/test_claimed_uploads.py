"""Uploads whose files a job is about to read."""

from tests.api.test_pending_uploads import pending, pending_of
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job


async def test_uploads_of_jobs_are_not_pending(idle_site: Site) -> None:
    """Neither in lists nor if they are asked for by their items."""
    site, folder = idle_site, await idle_site.folder("claimed")
    texts = [File(f"{number}.txt", "PLAIN_TEXT", b"x") for number in range(2)]
    claimed, free = await send_files(site, folder, texts)
    await start_upload_job(site, folder, {"text": [{"placeholderUuid": claimed}]})
    assert [node["itemUuid"] for node in (await pending(site))["nodes"]] == [free]
    assert await pending_of(site, [claimed, free]) == [free]
