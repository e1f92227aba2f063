"""Objects that Chromium shows in a tab of their own, under the policies with which the disk store serves them."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.media import samples
from gateway.stores.keys import new_key
from tests.browser.chromium import Watched
from tests.contracts.storing import disk_store

PLAYS = "document.querySelector('video').readyState >= 2"
EVIL = b"<script>document.title = 'evil'</script>"
SHOWN = [
    ("image/png", samples.png(), "document.images[0].naturalWidth === 64"),
    ("video/webm", samples.webm(), PLAYS),
    ("audio/wav", samples.wav(), PLAYS),
    ("application/pdf", samples.pdf(), "document.body.style.backgroundColor === 'rgb(40, 40, 40)'"),
    ("text/plain; charset=utf-8", EVIL, "document.title === '' && document.body.innerText.includes('evil')"),
]


@pytest.mark.parametrize(("media_type", "data", "is_shown"), SHOWN, ids=[media_type for media_type, *_ in SHOWN])
async def test_content_is_shown_in_a_tab(
    media_type: str, data: bytes, is_shown: str, browser: Watched, tmp_path: Path
) -> None:
    with disk_store(tmp_path) as store:
        key = new_key()
        await store.put(key, data, media_type)
        signed = await store.sign_get(key, "shown", media_type, timedelta(hours=1), is_inline=True)
        await browser.page.goto(signed.url)
        await browser.page.wait_for_function(is_shown)
