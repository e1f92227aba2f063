"""Objects in a customer's store become items where they lie: registered, read, signed for, and never changed."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.media import samples
from tests.fixtures.clouds import Bucket, bucket, integrated
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh, serving
from tests.fixtures.uploading import facts, finished, items_of, start

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def customer(s3_server: str) -> Iterator[Bucket]:
    with bucket(s3_server) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "scaled"])
async def site(
    request: pytest.FixtureRequest, customer: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A site that may reach the customer's store."""
    allowed = {"fetch_allowed": [customer.host]}
    with fresh(request.param, request, tmp_path_factory.mktemp("site"), **allowed) as settings:
        async with serving(settings) as running:
            yield running


async def made(site: Site, folder: str, items: dict[str, Any], integration: str) -> dict[str, dict[str, Any]]:
    """The items that a job makes of objects in an integration, by name."""
    job = await finished(site, await start(site, folder, items, integrationUuid=integration))
    assert (job["status"], job["errors"]) == ("DONE", [])
    return await items_of(site, job)


async def test_an_object_becomes_an_item_where_it_lies(site: Site, customer: Bucket) -> None:
    """ENC-JOBIN-03, ENC-ITEM-14, ENC-ENUM-04: it is read, signed for, and outlives its item."""
    integration, folder = await integrated(site, customer), await site.folder("cloud")
    data = samples.png(seed=4)
    url = customer.put("pictures/a picture + more%.png", data)
    items = {"images": [{"objectUrl": url, "clientMetadata": {"a": 1}}]}
    item = (await made(site, folder, items, integration))["a picture + more%.png"]
    assert (item["url"], item["mimeType"], item["fileSize"]) == (url, "image/png", len(data))
    assert (item["isPlaceholder"], item["clientMetadata"], item["width"] > 0) == (False, {"a": 1}, True)
    asked = "storageLocation integrationUuid integration { title } signedUrlUnavailableReason signedUrl { url headers }"
    document = f"query($u: UUID!) {{ storageItem(uuid: $u) {{ {asked} }} }}"
    found = (await site.ask(document, {"u": item["uuid"]}))["storageItem"]
    signed = found.pop("signedUrl")
    assert found == {
        "storageLocation": "S3_COMPATIBLE",
        "integrationUuid": integration,
        "integration": {"title": "Bucket"},
        "signedUrlUnavailableReason": None,
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(signed["url"], headers=signed["headers"])
        assert response.content == data
        assert response.headers["content-type"] == "image/png"
        assert response.headers["content-disposition"].startswith("attachment")
        assert (await client.get(signed["url"].partition("?")[0])).status_code == 403
    await site.done("deleteStorageItems", {"itemUuids": [item["uuid"]]}, "results { uuid }")
    assert await facts(site, item["uuid"]) is None
    assert "pictures/a picture + more%.png" in customer.keys()
    await check_all(site.services)
