"""A media library in a page of another origin: tree, thumbnails, viewers and uploads, on disk and on S3."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from PIL import Image
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from gateway.media import samples
from tests.browser.chromium import Watched
from tests.docs.pages import blocks_of
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.servers import serve_app

PART_SIZE = 5 << 20
FILES = {
    "disc.png": samples.png(640, 480, seed=1),
    "photo.jpg": samples.jpeg(640, 480, seed=2),
    "film.webm": samples.webm(2.0, size=(320, 240), seed=3),
    "paper.pdf": samples.pdf(pages=2),
    "long.txt": samples.text(lines=10) * 12_000,
}
DRAWN = len(FILES) - 1
"""How many files have thumbnails: a text has none."""
LOADED = """
(count) => {
  const pictures = [...document.querySelectorAll("figure img")];
  return pictures.length === count && pictures.every((picture) => picture.naturalWidth > 0);
}
"""
RANGE = """
async (url) => {
  const response = await fetch(url, { headers: { range: "bytes=2-5" } });
  const named = ["content-range", "etag"].map((name) => response.headers.get(name));
  return [response.status, ...named, await response.text()];
}
"""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Serve the page alone, on an origin of its own."""
    files = StaticFiles(directory=Path(__file__).parent)
    with serve_app(lambda _: Starlette(routes=[Mount("/", files)])) as url:
        yield url


class Downloads:
    """The pictures that a page has downloaded instead of taking them from a cache."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self._cached: set[str] = set()

    @classmethod
    async def of(cls, page: Page) -> "Downloads":
        """Begin to record the downloads of a page."""
        downloads = cls()
        session = await page.context.new_cdp_session(page)
        session.on("Network.requestServedFromCache", lambda event: downloads._cached.add(event["requestId"]))
        session.on("Network.responseReceived", downloads._note)
        await session.send("Network.enable")
        return downloads

    def _note(self, event: dict[str, Any]) -> None:
        response = event["response"]
        is_cached = event["requestId"] in self._cached or response["fromDiskCache"]
        if event["type"] == "Image" and not is_cached:
            self.urls.append(response["url"])


@asynccontextmanager
async def serve_to(origin: str, backend: str, request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Site]:
    """Serve a site to pages of an origin, and let them use its bucket if it has one.

    URLs stay the same for half a day, so that no test meets the moment when they change.
    """
    more = {"allowed_origins": [origin], "part_size": PART_SIZE, "signed_url_seconds": 86_400}
    with fresh_settings(backend, request, path, **more) as settings:
        if settings.objects_url:
            await allow_in_bucket(settings.objects_url, origin)
        async with serve_site(settings) as site:
            yield site


async def allow_in_bucket(objects_url: str, origin: str) -> None:
    """Give a bucket the rules of `docs/browsers.md`, and check that they are in force."""
    [block] = blocks_of("docs/browsers.md", "Rules for an S3 bucket", language="json")
    rules = json.loads(block.text.replace("https://app.example", origin))
    parts = urlsplit(objects_url)
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    client = boto3.client(
        "s3",
        endpoint_url=given["endpoint"],
        region_name=given["region"],
        aws_access_key_id=given["access_key"],
        aws_secret_access_key=given["secret_key"],
        config=Config(s3={"addressing_style": "path"}),
    )
    with closing(client):
        client.put_bucket_cors(Bucket=parts.netloc, CORSConfiguration=rules)
    async with httpx.AsyncClient(trust_env=False) as http:
        for sender, allowed in ((origin, True), ("https://evil.example", False)):
            sent = "content-type,if-none-match,x-amz-checksum-sha256"
            headers = {
                "Origin": sender,
                "Access-Control-Request-Method": "PUT",
                "Access-Control-Request-Headers": sent,
            }
            answer = await http.options(f"{given['endpoint']}/{parts.netloc}/key", headers=headers)
            assert ("access-control-allow-origin" in answer.headers) is allowed


async def open_folders(page: Page, *names: str) -> None:
    for name in names:
        await page.get_by_role("button", name=name).click()


async def show(page: Page, name: str, tag: str) -> str:
    """Show an item of the grid, and return the URL of its viewer."""
    await page.get_by_text(name, exact=True).click()
    viewer = page.locator(f"#view > {tag}")
    await expect(viewer).to_be_visible()
    return await viewer.get_attribute("src") or ""


@pytest.mark.parametrize("backend", ["embedded", "scaled"])
async def test_a_media_library(
    origin: str, backend: str, request: pytest.FixtureRequest, tmp_path: Path, browser: Watched
) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    page = browser.page
    async with serve_to(origin, backend, request, tmp_path) as site:
        await site.folder("Trip", await site.folder("Media"))
        downloads = await Downloads.of(page)
        await page.goto(f"{origin}/library.html#api={site.url}&key={site.keys['admin']}")
        await open_folders(page, "Media", "Trip")
        await page.locator("#files").set_input_files([tmp_path / name for name in FILES])
        await expect(page.locator("#status")).to_have_text(f"DONE: {len(FILES)}", timeout=90_000)
        bars = await page.locator("progress").evaluate_all("bars => bars.map(({ value, max }) => [value, max])")
        assert sorted(bars) == sorted([len(data), len(data)] for data in FILES.values())
        await expect(page.locator("figure")).to_have_count(len(FILES))
        await wait_for_pictures(page)
        first = list(downloads.urls)
        assert len(first) == len(set(first)) == DRAWN

        await show(page, "paper.pdf", "iframe")
        await wait_for_paper(page)
        url = await show(page, "film.webm", "video")
        await page.wait_for_function("document.querySelector('video').videoWidth === 320")
        await page.evaluate("document.querySelector('video').currentTime = 1.5")
        await page.wait_for_function("document.querySelector('video').seeking === false")
        status, content_range, etag, text = await page.evaluate(RANGE, url)
        assert (status, content_range) == (206, f"bytes 2-5/{len(FILES['film.webm'])}")
        assert (len(etag) > 2, len(text) > 0) == (True, True)

        await open_folders(page, "Media", "Trip")
        await wait_for_pictures(page)
        await page.reload()
        await open_folders(page, "Media", "Trip")
        await wait_for_pictures(page)
        assert downloads.urls == first
        await show(page, "paper.pdf", "iframe")
        await wait_for_paper(page)
        if pictures := os.environ.get("STOREGRAPH_TEST_PICTURE"):
            await page.screenshot(path=f"{pictures}.{backend}.png")
        # A video that is moved cancels what it loads, as the viewer of a PDF does that is left.
        usual = (f"failed: {url}", "failed: chrome")
        assert [text for text in browser.complaints if not text.startswith(usual)] == []


async def wait_for_pictures(page: Page) -> None:
    """Wait until every thumbnail of the folder is made and shown."""
    await expect(page.locator("figure")).to_have_count(len(FILES))
    await page.wait_for_function(LOADED, arg=DRAWN, timeout=60_000)


async def wait_for_paper(page: Page) -> None:
    """Wait until the viewer of PDFs, which is dark, shows a page, which is white."""
    async with asyncio.timeout(60):
        while True:
            picture = Image.open(io.BytesIO(await page.locator("#view").screenshot())).convert("L")
            dark, white = sum(picture.histogram()[:100]), sum(picture.histogram()[250:])
            if min(dark, white) > picture.width * picture.height / 10:
                return
            await asyncio.sleep(0.5)
