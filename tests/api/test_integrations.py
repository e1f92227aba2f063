"""Cloud integrations: verified on creation, usable by role, with secrets that are never shown."""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.media import samples
from tests.fixtures.clouds import INTEGRATION, Bucket, create_integration, grant_integration
from tests.fixtures.commands import Command, external_site
from tests.fixtures.dumps import assert_unchanged, dump
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.uploading import start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIST = "query($uuids: [UUID!], $titles: [String!], $scope: StorageScope! = USER) { cloudIntegrations(uuids: $uuids, "
LIST += "titles: $titles, scope: $scope) { nodes { uuid title viewerRole } totalCount } }"


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return fetching_site


async def listed(site: Site, who: str = "admin", **filters: Any) -> list[str]:
    """Return the titles of the integrations that a user can list."""
    data = (await site.ask(LIST, filters, who))["cloudIntegrations"]
    assert data["totalCount"] == len(data["nodes"])
    return [node["title"] for node in data["nodes"]]


async def test_an_integration_is_created_changed_verified_and_deleted(site: Site, customer: Bucket) -> None:
    """An integration goes through all its mutations."""
    payload = (await site.done("createCloudIntegration", customer.input(), INTEGRATION))["integration"]
    assert payload.pop("verifiedAt")
    uuid = payload.pop("uuid")
    assert payload == {
        "title": "Bucket",
        "kind": "S3_COMPATIBLE",
        "endpoint": customer.endpoint,
        "region": "us-east-1",
        "account": None,
        "locations": [f"{customer.url}/"],
        "usesServerCredentials": False,
        "viewerRole": "ADMIN",
    }
    named = {"integrationUuid": uuid}
    async with assert_unchanged(site):
        await site.done("updateCloudIntegration", named, INTEGRATION)
    locations = [f"{customer.url}/a/b", f"{customer.url}/c/"]
    changed = {**named, "title": "New", "locations": locations, "credentials": customer.credentials}
    new = (await site.done("updateCloudIntegration", changed, INTEGRATION))["integration"]
    assert (new["title"], new["locations"]) == ("New", [f"{customer.url}/a/b/", f"{customer.url}/c/"])
    tried = (await site.done("verifyCloudIntegration", named, INTEGRATION))["integration"]
    assert tried["verifiedAt"] > new["verifiedAt"]
    data = await site.ask(f'{{ cloudIntegration(uuid: "{uuid}") {{ id title }} }}')
    node = await site.ask(
        f'{{ node(id: "{data["cloudIntegration"]["id"]}") {{ ... on CloudIntegration {{ title }} }} }}'
    )
    assert (data["cloudIntegration"]["title"], node["node"]) == ("New", {"title": "New"})
    assert (await site.done("deleteCloudIntegration", named, "integrationUuid"))["integrationUuid"] == uuid
    assert (await site.ask(f'{{ cloudIntegration(uuid: "{uuid}") {{ id }} }}'))["cloudIntegration"] is None
    assert await site.refused("verifyCloudIntegration", named) == [("NOT_FOUND", "input.integrationUuid")]


WRONG: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "no such kind": ({"kind": "STOREGRAPH"}, ("BAD_USER_INPUT", "input.kind")),
    "no cloud": ({"kind": "DIRECT_ACCESS"}, ("BAD_USER_INPUT", "input.kind")),
    "no endpoint": ({"endpoint": None}, ("BAD_USER_INPUT", "input.endpoint")),
    "amazon's own": ({"kind": "S3"}, ("BAD_USER_INPUT", "input.endpoint")),
    "file": ({"endpoint": "file:///etc"}, ("BAD_USER_INPUT", "input.endpoint")),
    "with a path": ({"endpoint": "https://s3.example/x"}, ("BAD_USER_INPUT", "input.endpoint")),
    "metadata": ({"endpoint": "http://169.254.169.254"}, ("BAD_USER_INPUT", "input.endpoint")),
    "loopback": ({"endpoint": "http://127.0.0.1:80"}, ("BAD_USER_INPUT", "input.endpoint")),
    "a name inside": ({"endpoint": "http://localhost"}, ("FORBIDDEN", "input.locations.0")),
    "region": ({"region": "eu central"}, ("BAD_USER_INPUT", "input.region")),
    "account": ({"account": "someone"}, ("BAD_USER_INPUT", "input.account")),
    "no public endpoint": ({"publicEndpoint": "foo.example"}, ("BAD_USER_INPUT", "input.publicEndpoint")),
    "reaches nobody": ({"publicEndpoint": "http://0.0.0.0:9000"}, ("BAD_USER_INPUT", "input.publicEndpoint")),
    "public path": ({"publicEndpoint": "https://s3.example/x"}, ("BAD_USER_INPUT", "input.publicEndpoint")),
    "no location": ({"locations": []}, ("BAD_USER_INPUT", "input.locations")),
    "another cloud's": ({"locations": ["gs://bucket"]}, ("BAD_USER_INPUT", "input.locations.0")),
    "out of the bucket": ({"locations": ["s3://bucket/a/../b"]}, ("BAD_USER_INPUT", "input.locations.0")),
    "no such bucket": ({"locations": ["s3://no-such-bucket"]}, ("NOT_FOUND", "input.locations.0")),
    "no credentials": ({"credentials": None}, ("BAD_USER_INPUT", "input.credentials")),
    "half of them": ({"credentials": {"accessKeyId": "x"}}, ("BAD_USER_INPUT", "input.credentials")),
    "of another cloud": ({"credentials": {"accountKey": "eA=="}}, ("BAD_USER_INPUT", "input.credentials")),
    "both": ({"useServerCredentials": True}, ("BAD_USER_INPUT", "input.credentials")),
    "not shared": ({"useServerCredentials": True, "credentials": None}, ("FORBIDDEN", "input.useServerCredentials")),
    "title": ({"title": ""}, ("BAD_USER_INPUT", "input.title")),
}


async def test_failed_verification_is_reported_at_its_field(site: Site, customer: Bucket) -> None:
    """Failed attempts write nothing."""
    uuid = await create_integration(site, customer)
    async with assert_unchanged(site):
        for name, (wrong, expected) in WRONG.items():
            assert await site.refused("createCloudIntegration", customer.input(**wrong)) == [expected], name
            if wrong.keys() <= {"title", "endpoint", "region", "account", "locations", "publicEndpoint"}:
                changed = {"integrationUuid": uuid, **wrong}
                assert await site.refused("updateCloudIntegration", changed) == [expected], name
        other = {"accessKeyId": customer.access_key, "secretAccessKey": secrets.token_hex(20)}
        refused = await site.do("createCloudIntegration", customer.input(credentials=other), "")
        assert [(entry["code"], entry["path"]) for entry in refused["userErrors"]] == [
            ("FORBIDDEN", ["input", "credentials"])
        ]
        assert other["secretAccessKey"] not in json.dumps(refused)
    unseen = customer.input(credentials=other, verifyAccess=False)
    payload = (await site.done("createCloudIntegration", unseen, INTEGRATION))["integration"]
    assert payload["verifiedAt"] is None
    gone = customer.input(locations=[customer.url, "s3://no-such-bucket"], verifyAccess=False)
    payload = (await site.done("createCloudIntegration", gone, INTEGRATION))["integration"]
    [error] = (await site.do("verifyCloudIntegration", {"integrationUuid": payload["uuid"]}, ""))["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "integrationUuid"])
    assert error["message"].startswith("s3://no-such-bucket/: ")


async def test_where_clients_reach_a_store_is_kept_and_changed(site: Site, customer: Bucket) -> None:
    """Only kinds whose endpoint is not known take a public endpoint and an addressing style."""
    shown = "integration { uuid publicEndpoint addressingStyle }"
    given = customer.input(publicEndpoint="https://files.example:9000/", addressingStyle="PATH")
    created = (await site.done("createCloudIntegration", given, shown))["integration"]
    uuid = created.pop("uuid")
    assert created == {"publicEndpoint": "https://files.example:9000", "addressingStyle": "PATH"}
    changes = {"integrationUuid": uuid, "publicEndpoint": None, "addressingStyle": "VIRTUAL", "verifyAccess": False}
    changed = (await site.done("updateCloudIntegration", changes, shown))["integration"]
    assert changed == {"uuid": uuid, "publicEndpoint": None, "addressingStyle": "VIRTUAL"}
    for field, value in (("publicEndpoint", "https://files.example"), ("addressingStyle", "PATH")):
        wrong = customer.input(kind="S3", endpoint=None, **{field: value})
        assert await site.refused("createCloudIntegration", wrong) == [("BAD_USER_INPUT", f"input.{field}")]


async def test_integrations_are_visible_by_grant(site: Site, customer: Bucket) -> None:
    """Filters intersect, titles are exact, the scope is for site admins.

    Inventory: ENC-CLIENT-08, ENC-QMISC-08, -09, -10.
    """
    mark = secrets.token_hex(4)
    first, second = [await create_integration(site, customer, title=f"{name} {mark}") for name in ("One", "Two")]
    team, who = await site.group(mark), f"{mark}@example.org"
    await site.user(who, groups=[team])
    titles = [f"One {mark}", f"Two {mark}"]
    assert await listed(site, who) == []
    assert (await site.ask(f'{{ cloudIntegration(uuid: "{first}") {{ id }} }}', who=who))["cloudIntegration"] is None
    await grant_integration(site, first, team, "VIEWER")
    assert await listed(site, who) == titles[:1]
    assert await listed(site, who, uuids=[first, second]) == titles[:1]
    assert await listed(site, uuids=[second, first]) == titles
    assert await listed(site, titles=titles) == titles
    assert await listed(site, titles=[titles[0].lower()]) == []
    assert await listed(site, uuids=[first], titles=titles[1:]) == []
    assert await listed(site, uuids=[]) == []
    other = f"other.{mark}@example.org"
    await site.user(other, "ADMIN")
    assert await listed(site, other, titles=titles) == []
    assert await listed(site, other, titles=titles, scope="ORGANISATION") == titles
    body = await site.body(LIST, {"scope": "ORGANISATION"}, who)
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    groups = f'{{ cloudIntegration(uuid: "{first}") {{ groups {{ edges {{ role node {{ uuid }} }} }} }} }}'
    expected = [{"role": "VIEWER", "node": {"uuid": team}}]
    assert (await site.ask(groups, who=who))["cloudIntegration"]["groups"]["edges"] == expected
    taken = {"integrationUuid": first, "groupUuids": [team]}
    await site.done("removeCloudIntegrationGroups", taken, INTEGRATION)
    assert await listed(site, who) == []


async def test_registering_needs_user_on_the_integration(site: Site, customer: Bucket) -> None:
    """A cloud URL needs an integration on which the viewer is USER.

    Inventory: SUB-065, SUB-080.
    """
    mark = secrets.token_hex(4)
    uuid, team, who = (await create_integration(site, customer), await site.group(mark), f"{mark}@example.org")
    await site.user(who, groups=[team])
    folder = await site.folder("mine", who=who)
    items = {"text": [{"objectUrl": customer.put(f"{mark}.txt", b"words")}]}
    job = {"folderUuid": folder, "items": items, "integrationUuid": uuid}
    async with assert_unchanged(site):
        assert await site.refused("startUploadJob", job, who) == [("NOT_FOUND", "input.integrationUuid")]
        lone = {"folderUuid": folder, "items": items}
        assert await site.refused("startUploadJob", lone, who) == [("BAD_USER_INPUT", "input.items.text.0.objectUrl")]
    await grant_integration(site, uuid, team, "VIEWER")
    async with assert_unchanged(site):
        assert await site.refused("startUploadJob", job, who) == [("FORBIDDEN", "input.integrationUuid")]
    await grant_integration(site, uuid, team, "USER")
    ended = await wait_for_job(site, await start_upload_job(site, folder, items, who, integrationUuid=uuid), who)
    assert (ended["status"], ended["errors"]) == ("DONE", [])
    item = ended["itemsWithNames"][0]["itemUuid"]
    async with assert_unchanged(site):
        refused = await site.do("deleteCloudIntegration", {"integrationUuid": uuid}, "integrationUuid")
        assert refused["userErrors"][0]["message"] == "1 item uses the integration. Delete it first."
    seen = f'{{ storageItem(uuid: "{item}") {{ integrationUuid integration {{ uuid }} signedUrl {{ url }} }} }}'
    mine = (await site.ask(seen, who=who))["storageItem"]
    assert (mine["integrationUuid"], mine["integration"]) == (uuid, {"uuid": uuid})
    await site.done("removeCloudIntegrationGroups", {"integrationUuid": uuid, "groupUuids": [team]}, INTEGRATION)
    mine = (await site.ask(seen, who=who))["storageItem"]
    assert (mine["integrationUuid"], mine["integration"]) == (None, None)
    assert mine["signedUrl"]["url"]
    await site.done("deleteStorageItems", {"itemUuids": [item]}, "removedItemsCount")
    await site.done("deleteCloudIntegration", {"integrationUuid": uuid}, "integrationUuid")


async def test_server_credentials_are_used_only_if_the_setting_allows_it(
    request: pytest.FixtureRequest, customer: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 finds the credentials in its usual places; they are never stored."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", customer.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", customer.secret_key)
    more = {"fetch_allowed": [customer.host], "share_credentials": True}
    with fresh_settings("embedded", request, tmp_path, **more) as settings:
        async with serve_site(settings) as site:
            shared = {"credentials": None, "useServerCredentials": True}
            uuid, keys = await create_integration(site, customer, **shared), site.keys
            google = customer.input(kind="GCP", locations=["gs://bucket"], **shared)
            refused = await site.refused("createCloudIntegration", google)
            assert refused == [("BAD_USER_INPUT", "input.useServerCredentials")]
            items = {"text": [{"objectUrl": customer.put("shared.txt", b"words")}]}
            job = await wait_for_job(
                site, await start_upload_job(site, await site.folder("shared"), items, integrationUuid=uuid)
            )
            assert (job["status"], job["errors"]) == ("DONE", [])
            assert customer.secret_key not in json.dumps(await dump(site))
        async with serve_site(settings.model_copy(update={"share_credentials": False}), works=False) as site:
            site.keys.update(keys)
            refused = await site.refused("verifyCloudIntegration", {"integrationUuid": uuid})
            assert refused == [("FORBIDDEN", "input.integrationUuid")]


async def test_secrets_are_never_stored_in_clear(site: Site, customer: Bucket) -> None:
    """Secrets are in no row and no response; the journal records that they changed."""
    uuid = await create_integration(site, customer)
    changed = {"integrationUuid": uuid, "credentials": customer.credentials}
    answers = json.dumps(await site.done("updateCloudIntegration", changed, INTEGRATION))
    kind = '{ __type(name: "CloudIntegration") { fields { name } } }'
    names = {field["name"] for field in (await site.ask(kind))["__type"]["fields"]}
    assert not [name for name in names if "secret" in name.lower() or "key" in name.lower()]
    rows = json.dumps(await dump(site))
    assert uuid.replace("-", "") in rows.replace("-", "")
    for secret in (customer.secret_key, customer.access_key):
        assert secret not in rows
        assert secret not in answers


async def test_neither_the_database_nor_the_log_contains_a_secret(
    request: pytest.FixtureRequest, customer: Bucket, tmp_path: Path
) -> None:
    """A server's rows and log lines of successful and failed requests have no secret."""
    allowed = {"fetch_allowed": [customer.host], "log_level": "debug"}
    with fresh_settings("embedded", request, tmp_path, **allowed) as settings:
        port = settings.public_url.rpartition(":")[2]
        with Command(settings, tmp_path, "serve", "--port", port) as server:
            async with external_site(settings, server) as site:
                uuid = await create_integration(site, customer)
                wrong = customer.input(credentials={"accessKeyId": customer.access_key, "secretAccessKey": "0" * 40})
                await site.refused("createCloudIntegration", wrong)
                await site.body("mutation($input: CreateCloudIntegrationInput!) { none }", {"input": customer.input()})
                folder = await site.folder("cloud")
                items = {"images": [{"objectUrl": customer.put("p.png", samples.png())}, {"objectUrl": "s3://x/y"}]}
                await site.refused("startUploadJob", {"folderUuid": folder, "items": items, "integrationUuid": uuid})
                items = {"images": [items["images"][0], {"objectUrl": f"{customer.url}/none.png"}]}
                job = await wait_for_job(
                    site, await start_upload_job(site, folder, items, integrationUuid=uuid, ignoreErrors=True)
                )
                assert (job["unitsDoneCount"], job["unitsErrorCount"]) == (1, 1)
                assert customer.secret_key not in json.dumps(job)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"storegraph.db", "serve.log"} <= {path.name for path in written}
    for path in written:
        assert customer.secret_key.encode() not in path.read_bytes(), path.name


async def test_another_secret_key_does_not_decrypt_credentials(
    request: pytest.FixtureRequest, customer: Bucket, tmp_path: Path
) -> None:
    """With another secret key, the integration reports that it cannot be decrypted."""
    more = {"fetch_allowed": [customer.host], "secret_key": "a secret of the site, long enough to be one"}
    with fresh_settings("embedded", request, tmp_path, **more) as settings:
        async with serve_site(settings) as site:
            uuid, keys = await create_integration(site, customer), site.keys
            items = {"text": [{"objectUrl": customer.put("sealed.txt", b"words")}]}
            job = await wait_for_job(
                site, await start_upload_job(site, await site.folder("sealed"), items, integrationUuid=uuid)
            )
        other = SecretStr("another secret of the site, long enough")
        async with serve_site(settings.model_copy(update={"secret_key": other}), works=False) as site:
            site.keys.update(keys)
            refused = await site.refused("verifyCloudIntegration", {"integrationUuid": uuid})
            assert refused == [("CONFLICT", "input.integrationUuid")]
            item = job["itemsWithNames"][0]["itemUuid"]
            seen = f'{{ storageItem(uuid: "{item}") {{ signedUrl {{ url }} signedUrlUnavailableReason }} }}'
            shown = (await site.ask(seen))["storageItem"]
            assert shown == {"signedUrl": None, "signedUrlUnavailableReason": "STORE_UNREACHABLE"}
            again = {"integrationUuid": uuid, "credentials": customer.credentials}
            await site.done("updateCloudIntegration", again, INTEGRATION)
            shown = (await site.ask(seen))["storageItem"]
            assert (shown["signedUrl"] is None, shown["signedUrlUnavailableReason"]) == (False, None)
