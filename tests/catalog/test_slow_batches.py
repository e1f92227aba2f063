"""Batches whose first files take long: the others are left to further tasks, and all become items."""

import pytest

from gateway.tasks import ingest_units
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("seconds", [0.0, 60.0], ids=["slow", "quick"])
async def test_all_files_of_a_batch_become_items(
    shared_site: Site, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(ingest_units, "LONG_SECONDS", seconds)
    monkeypatch.setattr(ingest_units, "FIRST_FILES", 2)
    folder = await shared_site.folder(f"batch of {seconds} s")
    files = [File(f"{number}.txt", "PLAIN_TEXT", b"text %d" % number) for number in range(7)]
    job = await upload(shared_site, folder, files)
    assert (job["status"], job["unitsDoneCount"]) == ("DONE", 7)
