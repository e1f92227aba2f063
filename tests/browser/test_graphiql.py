"""GraphiQL in a real browser: it asks for the key once, runs queries and subscriptions, and loads only our origin."""

import asyncio
import json
import os
from urllib.parse import urlsplit

from playwright.async_api import Route, expect

from tests.browser.chromium import Watched
from tests.browser.conftest import LiveServer


async def enter_key(browser: Watched, key: str, remember: bool = False) -> None:
    await browser.page.get_by_label("Remember on this machine").set_checked(remember)
    await browser.page.get_by_label("API key or bearer token").fill(key)
    await browser.page.keyboard.press("Enter")


async def test_query_and_subscription(live_server: LiveServer, browser: Watched) -> None:
    page = browser.page
    await page.goto(f"{live_server.url}/graphiql")
    await expect(page).to_have_title("Storegraph")
    await expect(page.get_by_role("dialog", name="Your API key")).to_be_visible()
    assert page.url == f"{live_server.url}/graphql"
    assert browser.posts == 0, "nothing is asked of the server before there is a key"

    await enter_key(browser, live_server.key)
    await browser.run()
    await expect(browser.editor("Result Window")).to_contain_text('"email": "')

    await browser.settle()
    await page.reload()
    await browser.choose("Folders")
    await browser.run()
    await expect(browser.editor("Result Window")).to_contain_text('"totalSize": ')
    await expect(page.get_by_role("dialog", name="Your API key")).to_be_hidden()
    if picture := os.environ.get("STOREGRAPH_TEST_PICTURE"):
        await page.screenshot(path=picture)

    await browser.choose("UploadJob")
    await browser.editor("Variables").click()
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text(json.dumps({"uuid": live_server.start_job()}))
    await browser.run()
    await expect(browser.editor("Result Window")).to_contain_text('"status": "DONE"', timeout=60_000)
    assert len([frame for frame in browser.frames if json.loads(frame)["type"] == "next"]) >= 2

    assert browser.hosts == {urlsplit(live_server.url).netloc}
    assert browser.complaints == []


async def test_refused_key(live_server: LiveServer, browser: Watched) -> None:
    await browser.page.goto(f"{live_server.url}/graphql")
    await enter_key(browser, "no-such-key")
    await expect(browser.page.get_by_role("alert")).to_contain_text("did not accept this key")

    await enter_key(browser, live_server.key)
    await expect(browser.page.get_by_role("dialog", name="Your API key")).to_be_hidden()
    await browser.run()
    await expect(browser.editor("Result Window")).to_contain_text('"email": "')


async def test_a_late_refusal_keeps_the_typed_text(live_server: LiveServer, browser: Watched) -> None:
    """GraphiQL requests the schema again after a refusal: the second response arrives while the user types."""
    requested, typed = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if browser.posts > 1:
            requested.set()
            await typed.wait()
        await route.continue_()

    await browser.page.route("**/graphql", hold)
    await browser.page.goto(f"{live_server.url}/graphql")
    await enter_key(browser, "no-such-key")
    await expect(browser.page.get_by_role("alert")).to_contain_text("did not accept this key")
    await requested.wait()
    field = browser.page.get_by_label("API key or bearer token")
    await field.fill(live_server.key)
    typed.set()
    await browser.settle()
    assert await field.input_value() == live_server.key
    await browser.page.keyboard.press("Enter")
    await browser.run()
    await expect(browser.editor("Result Window")).to_contain_text('"email": "')


async def test_the_key_is_remembered_until_forgotten(live_server: LiveServer, browser: Watched) -> None:
    page = browser.page
    await page.goto(f"{live_server.url}/graphql")
    await enter_key(browser, live_server.key, remember=True)
    await browser.run()
    await expect(browser.editor("Result Window")).to_contain_text('"email": "')

    second = await page.context.new_page()
    await second.goto(f"{live_server.url}/graphql")
    await expect(second.get_by_role("button", name="Execute query")).to_be_visible()
    await second.get_by_role("button", name="Forget").click()
    await expect(second.get_by_role("dialog", name="Your API key")).to_be_visible()
    await second.keyboard.press("Escape")
    await second.keyboard.press("Escape")
    await expect(second.get_by_role("dialog", name="Your API key")).to_be_visible()
    stored = await second.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert live_server.key not in stored


async def test_every_pane_obeys_the_policy(live_server: LiveServer, browser: Watched) -> None:
    page = browser.page
    await page.goto(f"{live_server.url}/graphql")
    await enter_key(browser, live_server.key)
    for pane in ("Show Documentation Explorer", "Show History"):
        await page.get_by_role("button", name=pane).click()
    for window in ("Open short keys dialog", "Open settings dialog"):
        await page.get_by_role("button", name=window).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
    assert browser.complaints == []
