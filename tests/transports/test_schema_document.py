"""The schema as SDL, for code generators and registries."""

from pathlib import Path

import pytest

from tests.fixtures.sites import serve_embedded
from tests.house.sources import ROOT

PATH = "/graphql/schema.graphql"


async def test_the_schema_is_served_with_an_etag(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path) as site:
        answer = await site.client.get(f"{site.url}{PATH}", headers={"accept-encoding": "gzip"})
        assert answer.text == (ROOT / "schema/schema.graphql").read_text()
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-encoding"] == "gzip"
        plain = await site.client.get(f"{site.url}{PATH}", headers={"accept-encoding": "identity"})
        assert plain.text == answer.text
        assert "content-encoding" not in plain.headers
        tag = answer.headers["etag"]
        for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
            again = await site.client.get(f"{site.url}{PATH}", headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert (await site.client.get(f"{site.url}{PATH}", headers={"if-none-match": '"other"'})).status_code == 200
        assert (await site.client.head(f"{site.url}{PATH}")).status_code == 200
        assert (await site.client.post(f"{site.url}{PATH}")).status_code == 405
