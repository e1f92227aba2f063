"""Debian's Chromium on one page, with a record of console errors, hosts and socket frames."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Locator, Page, Request, WebSocket, async_playwright

EXECUTABLE = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Watched:
    """A page and a record of its activity."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.posts = 0
        self.awaited = 0
        self.hosts: set[str] = set()
        self.frames: list[str] = []
        page.on("console", self._read)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        page.on("request", self._begin)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)
        page.on("websocket", self._listen)

    def editor(self, name: str) -> Locator:
        """Return one of GraphiQL's editors: Query Editor, Variables, Headers or Result Window."""
        return self.page.get_by_role("region", name=name)

    async def choose(self, operation: str) -> None:
        """Go to the tab of an operation. GraphiQL notes its name 100 ms later; until then it runs the previous one."""
        await self.page.get_by_role("tab", name=operation).click()
        await self.page.wait_for_function("name => localStorage['graphiql:operationName'] === name", arg=operation)

    async def run(self) -> None:
        await self.page.get_by_role("button", name="Execute query").click()

    async def settle(self) -> None:
        """Wait until no request is in flight: one that a reload cancels is reported as an error."""
        while self.awaited:
            await self.page.wait_for_timeout(20)

    def _begin(self, request: Request) -> None:
        self.awaited += 1
        self._note(request.method, request.url)

    def _end(self, request: Request) -> None:
        self.awaited -= 1

    def _read(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _note(self, method: str, url: str) -> None:
        self.posts += method == "POST"
        if not url.startswith("data:"):
            self.hosts.add(urlsplit(url).netloc)

    def _listen(self, opened: WebSocket) -> None:
        self._note("GET", opened.url)
        opened.on("framereceived", lambda frame: self.frames.append(str(frame)))


@asynccontextmanager
async def chromium() -> AsyncIterator[Watched]:
    """Launch a new browser with an empty profile; raises playwright's Error if Chromium is not installed."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=QUIET)
        context = await browser.new_context(viewport={"width": 1360, "height": 820})
        context.set_default_timeout(15_000)
        yield Watched(await context.new_page())
        await browser.close()
