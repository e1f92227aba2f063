"""OHIF's published build opens studies by DICOMweb, unchanged but for its configuration."""

import asyncio
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway.media.samples import dicom_bytes
from tests.browser.chromium import chromium
from tests.clients.test_clients import run
from tests.fixtures.dicom_web import dicom, put
from tests.fixtures.sites import fresh_settings, serve_site
from tests.servers import serve_app

pytestmark = pytest.mark.long  # downloads 50 MB with npm
PACKAGE = "@ohif/app@3.13.2"
CONFIG = Path(__file__).parent / "ohif" / "app-config.js"
SIZE, SLICES = 128, 5
PATIENCE = 120_000
"""Milliseconds in which a page of OHIF appears, on a slow machine."""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the build."""
    directory = tmp_path_factory.mktemp("ohif")
    asyncio.run(run("npm", "pack", PACKAGE, directory=directory))
    [archive] = directory.glob("*.tgz")
    with tarfile.open(archive) as package:
        package.extractall(directory, filter="data")
    return directory / "package" / "dist"


class Page:
    """The build on an origin of its own, with a configuration for a folder."""

    def __init__(self, build: Path) -> None:
        self._build = build
        self.values: dict[str, str] = {}

    async def respond(self, request: Request) -> Response:
        """Respond with a file of the build; all other paths are those of its pages."""
        path = request.path_params["path"]
        if path == "app-config.js":
            text = CONFIG.read_text()
            for name, value in self.values.items():
                text = text.replace(name, value)
            return Response(text, media_type="text/javascript")
        file = self._build / path
        return FileResponse(file if path and file.is_file() else self._build / "index.html")


@pytest.fixture
def page(build: Path) -> Page:
    return Page(build)


@pytest.fixture
def origin(page: Page) -> Iterator[str]:
    with serve_app(lambda _: Starlette(routes=[Route("/{path:path}", page.respond)])) as url:
        yield url


def rings() -> list[bytes]:
    """Return the slices of a CT that shows rings."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    radius = np.hypot(x - SIZE / 2, y - SIZE / 2)
    files = []
    for number in range(1, SLICES + 1):
        place = {"ImagePositionPatient": [0, 0, float(number)], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        scale = {"PixelSpacing": [1, 1], "RescaleIntercept": 0, "RescaleSlope": 1, "FrameOfReferenceUID": "1.2.3.99"}
        window = {"WindowCenter": 2048, "WindowWidth": 4096}
        text = {"PatientName": "Doe^Jane", "StudyDescription": "Phantom", "SeriesDescription": "Rings"}
        tags: dict[str, Any] = {**place, **scale, **window, **text, "Modality": "CT", "StudyDate": "20260131"}
        file = pydicom.dcmread(io.BytesIO(dicom(1, 1, number, size=SIZE, **tags)))
        file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        del file.NumberOfFrames
        pixels = (np.sin(radius / (2 + number)) * 2000 + 2000) * (radius < SIZE / 2 - 4)
        file.PixelData = pixels.astype("<u2").tobytes()
        files.append(dicom_bytes(file))
    return files


@pytest.mark.parametrize(
    ("rendering", "offer", "requested"), [("wadouri", "metadata", "/objects/"), ("wadors", "full", "/frames/1")]
)
async def test_a_study_is_listed_and_shown(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    page: Page,
    origin: str,
    rendering: str,
    offer: str,
    requested: str,
) -> None:
    settings = fresh_settings("embedded", request, tmp_path, dicomweb=offer, allowed_origins=[origin])
    with settings as complete:
        async with serve_site(complete) as site, chromium() as watched:
            folder = await site.folder("viewer")
            await put(site, folder, rings())
            url = f"{site.url}/dicomweb/{folder}"
            page.values = {"FOLDER_URL": url, "RENDERING": rendering, "API_KEY": site.keys["admin"]}
            responses: list[tuple[int, str]] = []
            browser = watched.page
            browser.on("response", lambda response: responses.append((response.status, response.url)))
            await browser.goto(origin)
            await expect(browser.get_by_text("Doe, Jane")).to_be_visible(timeout=PATIENCE)
            await expect(browser.get_by_text("Phantom")).to_be_visible()
            await browser.goto(f"{origin}/viewer?StudyInstanceUIDs=1.2.3.1")
            await expect(browser.get_by_text(f"(1/{SLICES})")).to_be_visible(timeout=PATIENCE)
            async with asyncio.timeout(PATIENCE / 1000):
                while not shows_rings(await browser.screenshot()):
                    await asyncio.sleep(0.5)
            ours = [(status, each) for status, each in responses if each.startswith(site.url)]
            assert {status for status, _ in ours} <= {200, 304, 307}
            assert len([each for status, each in ours if status == 200 and requested in each]) >= SLICES


def shows_rings(screenshot: bytes) -> bool:
    """Return whether the middle of a screenshot has a dark ring around a bright one."""
    picture = np.asarray(Image.open(io.BytesIO(screenshot)).convert("L"))
    height, width = picture.shape
    line = picture[height // 2, width // 2 : width * 3 // 4]
    return int(line.max()) > 230 and int(line.min()) < 30 and len(np.unique(line)) > 50
