"""GraphiQL of a site that is not at the root of its host."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.chromium import Watched
from tests.browser.test_graphiql import enter_key
from tests.fixtures.sites import serve_embedded
from tests.processes import free_ports


async def test_graphiql_below_a_path(request: pytest.FixtureRequest, tmp_path: Path, browser: Watched) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}/files"
    async with serve_embedded(request, tmp_path, public_url=url) as site:
        await browser.page.goto(url)
        assert browser.page.url == f"{url}/graphql"
        await enter_key(browser, site.keys["admin"])
        await browser.run()
        await expect(browser.editor("Result Window")).to_contain_text('"email": "')
        assert browser.complaints == []
        await browser.choose("UploadJob")
        await browser.run()
        await expect(browser.editor("Result Window")).to_contain_text('"BAD_USER_INPUT"')
        assert len(browser.frames) >= 2, "the socket is below the path, too"
