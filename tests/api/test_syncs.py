"""Folders mirror buckets: what is new, changed, vanished or returned there is so here after the next sync."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from gateway.media import samples
from tests.fixtures.clouds import Bucket, bucket, integrated
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh, serving
from tests.fixtures.syncing import contents, counts, linked, synced

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def integration(site: Site, customer: Bucket) -> str:
    """The integration with the customer's bucket."""
    return await integrated(site, customer)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A part of the bucket for one test alone."""
    return f"{request.node.originalname}-{id(request.node)}/"


async def test_a_folder_follows_its_bucket(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """ENC-SYNCSEM-01, ENC-SYNCSEM-02, ENC-SYNCSEM-03, ENC-SYNCSEM-04, SUB-073: and nothing is read without need."""
    for number in range(3):
        customer.put(f"{prefix}a/{number}.png", samples.png(seed=number))
    customer.put(f"{prefix}note.txt", b"a note")
    folder = await linked(site, integration, customer, prefix)
    first = await synced(site, folder)
    assert (first["status"], first["error"], counts(first)) == ("DONE", None, {"new": 4})
    before = await contents(site, folder)
    assert before.keys() == {"a/0.png", "a/1.png", "a/2.png", "note.txt"}
    assert not any(item["isPlaceholder"] or item["isTombstone"] for item in before.values())
    assert before["a/1.png"]["url"] == f"{customer.url}/{prefix}a/1.png"

    again = await synced(site, folder)
    assert (counts(again), again["uploadJobsDone"]) == ({"unchanged": 4}, 0)
    assert await contents(site, folder) == before

    customer.put(f"{prefix}a/1.png", samples.png(16, 16, 7))
    customer.client.delete_object(Bucket=customer.name, Key=f"{prefix}a/2.png")
    customer.put(f"{prefix}b.txt", b"another")
    changed = await synced(site, folder)
    assert counts(changed) == {"new": 1, "changed": 1, "unchanged": 2, "vanished": 1}
    after = await contents(site, folder)
    gone = after["a/2.png"]
    assert gone == {**before["a/2.png"], "isTombstone": True, "lastEditedAt": gone["lastEditedAt"]}
    assert after["a/1.png"]["uuid"] == before["a/1.png"]["uuid"]
    assert after["a/1.png"]["fileSize"] != before["a/1.png"]["fileSize"]
    assert after["a/1.png"]["lastEditedAt"] > before["a/1.png"]["lastEditedAt"]
    assert after["a/0.png"] == before["a/0.png"]

    customer.put(f"{prefix}a/2.png", samples.png(seed=2))
    returned = await synced(site, folder)
    assert counts(returned) == {"unchanged": 4, "returned": 1}
    assert not (await contents(site, folder))["a/2.png"]["isTombstone"]
    await check_all(site.services)
