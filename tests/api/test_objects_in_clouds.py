"""Objects in a customer's cloud: registered as items in place, read, signed, and never changed."""

import os
from urllib.parse import quote, urlsplit

import pytest

from gateway.media import samples
from tests.fixtures.azure import VARIABLE, azurite
from tests.fixtures.clouds import INTEGRATION, Bucket, create_integration
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh_settings, open_client, serve_site
from tests.fixtures.uploading import File, count_items, ingest, item_facts, send_files, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return fetching_site


async def test_an_object_becomes_an_item_in_place(site: Site, customer: Bucket) -> None:
    """An object is read, signed, and outlives its item.

    Inventory: ENC-JOBIN-03, ENC-ITEM-14, ENC-ENUM-04.
    """
    integration, folder = await create_integration(site, customer), await site.folder("cloud")
    data = samples.png(seed=4)
    url = customer.put("pictures/a picture + more%.png", data)
    items = {"images": [{"objectUrl": url, "clientMetadata": {"a": 1}}]}
    item = (await ingest(site, folder, items, integrationUuid=integration))["a picture + more%.png"]
    assert (item["url"], item["mimeType"], item["fileSize"]) == (url, "image/png", len(data))
    assert (item["isPlaceholder"], item["clientMetadata"], item["width"] > 0) == (False, {"a": 1}, True)
    query = "storageLocation integrationUuid integration { title } signedUrlUnavailableReason signedUrl { url headers }"
    document = f"query($u: UUID!) {{ storageItem(uuid: $u) {{ {query} }} }}"
    shown = (await site.ask(document, {"u": item["uuid"]}))["storageItem"]
    signed = shown.pop("signedUrl")
    assert shown == {
        "storageLocation": "S3_COMPATIBLE",
        "integrationUuid": integration,
        "integration": {"title": "Bucket"},
        "signedUrlUnavailableReason": None,
    }
    async with open_client() as client:
        response = await client.get(signed["url"], headers=signed["headers"])
        assert response.content == data
        assert response.headers["content-type"] == "image/png"
        assert response.headers["content-disposition"].startswith("attachment")
        assert (await client.get(signed["url"].partition("?")[0])).status_code == 403
    await site.done("deleteStorageItems", {"itemUuids": [item["uuid"]]}, "results { uuid }")
    assert await item_facts(site, item["uuid"]) is None
    assert "pictures/a picture + more%.png" in customer.keys()
    await check_all(site.services)


async def test_clients_reach_a_store_at_its_public_endpoint(site: Site, customer: Bucket) -> None:
    """The server reads at one address, and signed URLs lead to another."""
    public = customer.endpoint.replace("127.0.0.1", "localhost")
    integration = await create_integration(site, customer, publicEndpoint=public)
    folder, data = await site.folder("public"), samples.png(seed=5)
    items = {"images": [{"objectUrl": customer.put("public.png", data)}]}
    item = (await ingest(site, folder, items, integrationUuid=integration))["public.png"]
    document = "query($u: UUID!) { storageItem(uuid: $u) { url signedUrl { url } } }"
    shown = (await site.ask(document, {"u": item["uuid"]}))["storageItem"]
    assert shown["url"] == f"{customer.url}/public.png"
    assert shown["signedUrl"]["url"].startswith(f"{public}/{customer.name}/public.png?")
    async with open_client() as client:
        assert (await client.get(shown["signedUrl"]["url"])).content == data


async def test_names_of_objects_with_special_characters(site: Site, customer: Bucket) -> None:
    """Keys are percent-encoded in https URLs only; the item's name is the same."""
    integration, folder = await create_integration(site, customer), await site.folder("weird")
    name = "sp ace+%41&#?.png"
    plain = customer.put(f"weird/{name}", samples.png(seed=5))
    escaped = f"{customer.endpoint}/{customer.name}/weird/{quote(name)}"
    for url in (plain, escaped):
        job = await wait_for_job(
            site, await start_upload_job(site, folder, {"images": [{"objectUrl": url}]}, integrationUuid=integration)
        )
        [created] = job["itemsWithNames"]
        assert (await item_facts(site, created["itemUuid"]))["name"] == name


@pytest.mark.parametrize("kind", ["GCP", "OPEN_TELEKOM", "S3_COMPATIBLE"])
async def test_other_clouds_use_s3(site: Site, customer: Bucket, kind: str) -> None:
    """Google through its S3-compatible endpoint, and other clouds; items name their location.

    Inventory: ENC-ENUM-04.
    """
    scheme = "gs" if kind == "GCP" else "s3"
    integration = await create_integration(
        site, customer, kind=kind, locations=[f"{scheme}://{customer.name}/of {kind}"]
    )
    folder, data = await site.folder(kind), samples.png(seed=7)
    url = customer.put(f"of {kind}/picture.png", data).replace("s3://", f"{scheme}://")
    items = {
        "images": [{"objectUrl": url}, {"objectUrl": f"{customer.endpoint}/{customer.name}/of%20{kind}/picture.png"}]
    }
    job = await wait_for_job(site, await start_upload_job(site, folder, items, integrationUuid=integration))
    assert (job["status"], job["errors"]) == ("DONE", [])
    for entry in job["itemsWithNames"]:
        document = "query($u: UUID!) { storageItem(uuid: $u) { storageLocation fileSize signedUrl { url } } }"
        item = (await site.ask(document, {"u": entry["itemUuid"]}))["storageItem"]
        assert (item["storageLocation"], item["fileSize"]) == (kind, len(data))
        async with open_client() as client:
            assert (await client.get(item["signedUrl"]["url"])).content == data
    outside = {"images": [{"objectUrl": f"{scheme}://{customer.name}/elsewhere.png"}]}
    refused = {"folderUuid": folder, "items": outside, "integrationUuid": integration}
    assert await site.refused("startUploadJob", refused) == [("BAD_USER_INPUT", "input.items.images.0.objectUrl")]


async def test_azure_blobs_become_items(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Azure blobs, on the emulator; skipped where it is not installed.

    Inventory: ENC-ENUM-04.
    """
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} does not name Azurite")
    with azurite(tmp_path_factory.mktemp("azurite")) as there:
        there.create("media")
        data = samples.mp4()
        there.put("media", "films/a film.mp4", data)
        allowed = {"fetch_allowed": [urlsplit(there.endpoint).netloc]}
        with fresh_settings("embedded", request, tmp_path_factory.mktemp("site"), **allowed) as settings:
            async with serve_site(settings) as site:
                created = await site.done("createCloudIntegration", there.input("media"), INTEGRATION)
                folder, integration = await site.folder("azure"), created["integration"]["uuid"]
                items = {"videos": [{"objectUrl": f"{there.endpoint}/media/films/a%20film.mp4"}]}
                item = (await ingest(site, folder, items, integrationUuid=integration))["a film.mp4"]
                assert (item["fileSize"], item["duration"] > 0) == (len(data), True)
                document = "query($u: UUID!) { storageItem(uuid: $u) { storageLocation signedUrl { url } } }"
                shown = (await site.ask(document, {"u": item["uuid"]}))["storageItem"]
                assert shown["storageLocation"] == "AZURE"
                async with open_client() as client:
                    assert (await client.get(shown["signedUrl"]["url"])).content == data


async def test_large_objects_are_probed_in_parts(site: Site, customer: Bucket) -> None:
    """A video of ten times the fetch limit is read by its ends alone."""
    integration, folder = await create_integration(site, customer), await site.folder("large")
    film = samples.mp4()
    offset, filler = film.rindex(b"moov") - 4, 6 << 20
    data = film[:offset] + filler.to_bytes(4) + b"free" + bytes(filler - 8) + film[offset:]
    url = customer.put("long.mp4", data)
    item = (await ingest(site, folder, {"videos": [{"objectUrl": url}]}, integrationUuid=integration))["long.mp4"]
    assert (item["fileSize"], item["duration"] > 0, item["sha256"]) == (len(data), True, None)


async def test_groups_in_clouds_need_titles_and_facts_need_no_reading(site: Site, customer: Bucket) -> None:
    """A group of files in a cloud needs a title.

    Inventory: ENC-UPIG-02, ENC-UPIGI-02, ENC-UPDS-02.
    """
    integration, folder = await create_integration(site, customer), await site.folder("groups")
    frames = [{"objectUrl": customer.put(f"frame {n}.png", samples.png(seed=n))} for n in range(2)]
    untitled = {"folderUuid": folder, "integrationUuid": integration, "items": {"imageGroups": [{"images": frames}]}}
    assert await site.refused("startUploadJob", untitled) == [("BAD_USER_INPUT", "input.items.imageGroups.0.title")]
    facts_given = {"mimeType": "image/png", "fileSize": 5, "height": 1, "width": 2}
    items = {
        "imageGroups": [{"images": frames, "title": "both"}],
        "images": [{"objectUrl": customer.put("given.png", b"bytes"), "imageMetadata": facts_given}],
    }
    created = await ingest(site, folder, items, integrationUuid=integration)
    assert (created["given.png"]["width"], created["given.png"]["fileSize"]) == (2, 5)
    assert created["both"]["__typename"] == "ImageGroupItem"
    film = {"imageGroups": [{"images": frames, "title": "film", "createVideo": True}]}
    created = await ingest(site, folder, film, integrationUuid=integration)
    assert (created["film"]["__typename"], created["film"]["frameCount"]) == ("ImageSequenceItem", 2)


async def test_a_manifest_names_objects_in_clouds(site: Site, customer: Bucket) -> None:
    """URLs of a manifest belong to the job's integration.

    Inventory: ENC-FOLDEROP-32.
    """
    integration, folder = await create_integration(site, customer), await site.folder("manifest")
    url = customer.put("listed.txt", b"words")
    wanted = {
        "folderUuid": folder,
        "integrationUuid": integration,
        "manifest": {"json": {"text": [{"objectUrl": url}]}},
    }
    payload = await site.done("startUploadJob", wanted, "uploadJob { uuid }")
    job = await wait_for_job(site, payload["uploadJob"]["uuid"])
    assert (job["status"], job["errors"]) == ("DONE", [])
    csv = b"itemType,objectUrl\nPLAIN_TEXT," + url.encode() + b"\nPLAIN_TEXT,s3://other/x.txt\n"
    [sent] = await send_files(site, folder, [File("list.csv", "PLAIN_TEXT", csv)])
    wanted = {"folderUuid": folder, "integrationUuid": integration, "manifest": {"placeholderUuid": sent}}
    payload = await site.done("startUploadJob", {**wanted, "ignoreErrors": True}, "uploadJob { uuid }")
    job = await wait_for_job(site, payload["uploadJob"]["uuid"])
    assert (job["unitsDoneCount"], job["unitsErrorCount"]) == (1, 1)
    assert "outside the integration's locations" in job["errors"][0]


async def test_unreadable_cloud_objects_are_reported_by_their_units(site: Site, customer: Bucket) -> None:
    integration, folder = await create_integration(site, customer), await site.folder("wrong")
    urls = [f"{customer.url}/none.png", customer.put("empty.png", b""), customer.put("words.png", b"words")]
    items = {"images": [{"objectUrl": url} for url in urls]}
    job = await wait_for_job(
        site, await start_upload_job(site, folder, items, integrationUuid=integration, ignoreErrors=True)
    )
    assert job["errors"] == [
        "none.png: The server has no such file (HTTP status 404).",
        "empty.png: the file is empty.",
        "words.png: expected an image, but the content is text/plain.",
    ]
    assert await count_items(site, folder) == 0
    await check_all(site.services)
