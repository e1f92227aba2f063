"""Two thousand files of all kinds in one job over HTTP, on SQLite, with the time of each part."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.commands import Command, external_site
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import LISTS, File, announce, send, start_upload_job, wait_for_job

COUNT = 2000
AT_ONCE = 8
KINDS: list[tuple[str, str, Callable[[int], bytes]]] = [
    ("png", "IMAGE", lambda seed: samples.png(320, 240, seed)),
    ("jpg", "IMAGE", lambda seed: samples.jpeg(320, 240, seed)),
    ("txt", "PLAIN_TEXT", lambda seed: samples.text(seed, lines=20)),
    ("pdf", "PDF", lambda seed: samples.pdf(3, seed)),
    ("dcm", "DICOM_FILE", lambda seed: samples.dicom_file(series=seed, seed=seed, size=128)),
    ("nii.gz", "NIFTI", lambda seed: samples.nifti(seed=seed)),
    ("wav", "AUDIO", lambda seed: samples.wav(seed=seed)),
    ("mp4", "VIDEO", lambda seed: samples.mp4(seed=seed)),
    ("webm", "VIDEO", lambda seed: samples.webm(seed=seed)),
    ("csv", "PLAIN_TEXT", lambda seed: samples.csv_text(seed, rows=50)),
]


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the duration of the block."""
    begun = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begun:.1f} s")  # the test exists for these figures


def file(number: int) -> File:
    """Return one of the files."""
    suffix, kind, make = KINDS[number % len(KINDS)]
    return File(f"{number:04}.{suffix}", kind, make(number))


async def send_all(site: Site, targets: Sequence[dict[str, Any]], files: Sequence[File]) -> None:
    """Send all files concurrently, as a client does."""
    remaining = list(zip(targets, files, strict=True))

    async def sender() -> None:
        while remaining:
            target, file = remaining.pop()
            await send(site, target, file.data)

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_two_thousand_files(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Every file becomes an item with its facts."""
    with timed("generate"):
        files = [file(number) for number in range(COUNT)]
    print(f"{COUNT:,} files, {sum(len(file.data) for file in files) / 1e6:.1f} MB")
    with fresh_settings("embedded", request, tmp_path) as settings:
        port = settings.public_url.rpartition(":")[2]
        with Command(settings, tmp_path, "serve", "--port", port) as server:
            async with external_site(settings, server) as site:
                await bring_in(site, files)
                await check_all(site.services)


async def bring_in(site: Site, files: Sequence[File]) -> None:
    """Upload all files in one job."""
    folder = await site.folder("two thousand")
    with timed("announce"):
        targets = [
            target
            for begin in range(0, len(files), 1000)
            for target in await announce(site, folder, files[begin : begin + 1000])
        ]
    with timed("send"):
        await send_all(site, targets, files)
    wanted: dict[str, list[dict[str, str]]] = {}
    for target, file in zip(targets, files, strict=True):
        wanted.setdefault(LISTS[file.item_type], []).append({"placeholderUuid": target["itemUuid"]})
    with timed("start"):
        job = await start_upload_job(site, folder, wanted)
    with timed("ingest"):
        ended = await wait_for_job(site, job, seconds=300)
    assert (ended["status"], ended["unitsDoneCount"], ended["errors"]) == ("DONE", len(files), [])
    document = "query($u: UUID!) { storageFolder(uuid: $u) { summary { files images videos audios pdfs plainTexts } } }"
    counts = (await site.ask(document, {"u": folder}))["storageFolder"]["summary"]
    kinds = Counter(file.item_type for file in files)
    assert int(counts["files"]) == len(files)
    assert int(counts["images"]) == kinds["IMAGE"]
    assert int(counts["videos"]) == kinds["VIDEO"]
