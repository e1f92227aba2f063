"""Syncs with every kind of cloud provider, each with its own listing."""

import os
from urllib.parse import urlsplit

import pytest

from gateway.media import samples
from tests.fixtures.azure import VARIABLE, azurite
from tests.fixtures.clouds import INTEGRATION, Bucket, create_integration
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.syncing import items_by_path, link_folder_to_url, nonzero_counts, run_sync

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("kind", ["GCP", "OPEN_TELEKOM"])
async def test_other_clouds_are_followed(fetching_site: Site, customer: Bucket, kind: str) -> None:
    """Google's storage through its S3-compatible endpoint, and another provider.

    Inventory: ENC-ENUM-04, ENC-SYNCSEM-01.
    """
    site, root = fetching_site, f"{'gs' if kind == 'GCP' else 's3'}://{customer.name}/{kind}"
    for number in range(3):
        customer.put(f"{kind}/a b/{number}+%.png", samples.png(seed=number))
    integration = await create_integration(site, customer, kind=kind, locations=[root])
    folder = await link_folder_to_url(site, integration, f"{root}/")
    assert nonzero_counts(await run_sync(site, folder)) == {"new": 3}
    assert {item["url"] for item in (await items_by_path(site, folder)).values()} == {
        f"{root}/a b/{number}+%.png" for number in range(3)
    }
    customer.put(f"{kind}/a b/0+%.png", samples.png(16, 16))
    customer.client.delete_object(Bucket=customer.name, Key=f"{kind}/a b/1+%.png")
    assert nonzero_counts(await run_sync(site, folder)) == {"changed": 1, "unchanged": 1, "vanished": 1}
    await check_all(site.services)


async def test_azure_is_followed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Azure, on the emulator; skipped where it is not installed.

    Inventory: ENC-ENUM-04, ENC-SYNCSEM-01.
    """
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} does not name Azurite")
    with azurite(tmp_path_factory.mktemp("azurite")) as there:
        there.create("media")
        for number in range(3):
            there.put("media", f"a b/{number}+%.png", samples.png(seed=number))
        allowed = {"fetch_allowed": [urlsplit(there.endpoint).netloc]}
        with fresh_settings("embedded", request, tmp_path_factory.mktemp("site"), **allowed) as settings:
            async with serve_site(settings) as site:
                created = await site.done("createCloudIntegration", there.input("media"), INTEGRATION)
                folder = await link_folder_to_url(site, created["integration"]["uuid"], f"{there.endpoint}/media/")
                assert nonzero_counts(await run_sync(site, folder)) == {"new": 3}
                items = await items_by_path(site, folder)
                assert items.keys() == {f"a b/{number}+%.png" for number in range(3)}
                assert items["a b/2+%.png"]["url"] == f"{there.endpoint}/media/a%20b/2+%25.png"
                there.put("media", "a b/0+%.png", samples.png(16, 16))
                there.remove("media", "a b/1+%.png")
                assert nonzero_counts(await run_sync(site, folder)) == {"changed": 1, "unchanged": 1, "vanished": 1}
                await check_all(site.services)
