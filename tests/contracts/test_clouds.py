"""Contract of clouds, tested on a real S3 server and, if installed, on Azure's emulator."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.clouds.base import CloudAccount, CloudObject, ObjectLocation, Signer
from gateway.clouds.cloud import BadCredentials, Cloud
from gateway.clouds.providers import PROVIDERS
from gateway.clouds.urls import object_url
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.rules import FetchRules
from gateway.kinds.enums import StorageLocationName as Kind
from tests.fixtures.azure import ACCOUNT, VARIABLE, azurite
from tests.fixtures.clouds import bucket
from tests.fixtures.sites import open_client

OTHER_KEY = base64.b64encode(b"a key of somebody else").decode()
MINUTE = timedelta(minutes=1)
BLOCK_BLOB = {"x-ms-blob-type": "BlockBlob"}
NAMES = sorted(["a/plain.txt", "a/two words + more.txt", "a/50% & <b>.txt", "a/ünïcode-日本.txt", "a/x=y;z'(1).txt"])


@dataclass
class Store:
    """A customer's store: its account, its bucket, and a function that writes to it as the owner."""

    account: CloudAccount
    bucket: str
    put: Callable[[str, bytes], object]

    @property
    def host(self) -> str:
        """Return host and port."""
        return urlsplit(self.account.endpoint or "").netloc


@contextmanager
def s3(s3_url: str) -> Iterator[Store]:
    with bucket(s3_url) as customer:
        keys = {"access_key_id": customer.access_key, "secret_access_key": customer.secret_key}
        account = CloudAccount(Kind.S3_COMPATIBLE, customer.endpoint, "us-east-1", credentials=keys)
        yield Store(account, customer.name, lambda key, data: customer.put(key, data))


@contextmanager
def azure(directory: Path) -> Iterator[Store]:
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} does not name Azurite")
    with azurite(directory) as there:
        there.create("customer")
        account = CloudAccount(Kind.AZURE, there.endpoint, account=ACCOUNT, credentials={"account_key": there.key})
        yield Store(account, "customer", lambda key, data: there.put("customer", key, data))


@pytest.fixture(scope="module", params=["s3", "azure"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = (
        s3(request.getfixturevalue("s3_server")) if request.param == "s3" else azure(tmp_path_factory.mktemp("azurite"))
    )
    with opened as customer:
        for name in NAMES:
            customer.put(name, name.encode() * 3)
        customer.put("b", b"")
        yield customer


@pytest.fixture
async def cloud(store: Store) -> AsyncIterator[Cloud]:
    fetcher = Fetcher(FetchRules.parse([80], [store.host]), max_bytes=1 << 20, seconds=10)
    yield Cloud(replace(store.account, roots=(ObjectLocation(store.bucket, ""),)), signer(store.account), fetcher)
    await fetcher.close()


def signer(account: CloudAccount) -> Signer:
    """Return the signer of an account."""
    return PROVIDERS[account.kind].signer(account)


def object_with_key(objects: list[CloudObject], key: str) -> CloudObject:
    """Return the object with that key."""
    return next(entry for entry in objects if entry.key == key)


async def test_object_has_facts_and_is_read_in_ranges(cloud: Cloud, store: Store) -> None:
    for name in NAMES:
        data = name.encode() * 3
        info = await cloud.head(ObjectLocation(store.bucket, name))
        assert (info.key, info.size) == (name, len(data))
        assert info.etag
        assert info.last_modified
        assert abs(datetime.now(UTC) - info.last_modified) < timedelta(minutes=10)
        assert (await cloud.read(ObjectLocation(store.bucket, name), 2, 9)).data == data[2:9]
        span = await cloud.read(ObjectLocation(store.bucket, name), 4, 10_000)
        assert (span.data, span.total) == (data[4:], len(data))
        url = object_url(store.account, ObjectLocation(store.bucket, name))
        assert cloud.locate(url) == ObjectLocation(store.bucket, name)
    assert (await cloud.head(ObjectLocation(store.bucket, "b"))).size == 0
    assert (await cloud.read(ObjectLocation(store.bucket, "b"), 0, 5)).total == 0


async def test_objects_are_listed_page_by_page(cloud: Cloud, store: Store) -> None:
    pages, after = [], None
    while True:
        page = await cloud.list_objects(ObjectLocation(store.bucket, "a/"), after, size=2)
        assert 1 <= len(page.objects) <= 2
        pages += page.objects
        after = page.next
        if after is None:
            break
    assert [entry.key for entry in pages] == NAMES
    for name in NAMES:
        head = await cloud.head(ObjectLocation(store.bucket, name))
        listed = object_with_key(pages, name)
        assert (listed.size, listed.last_modified) == (head.size, head.last_modified)
        assert (listed.etag or "").strip('"') == (head.etag or "").strip('"')
    everything = (await cloud.list_objects(ObjectLocation(store.bucket, ""))).objects
    assert [entry.key for entry in everything] == [*NAMES, "b"]
    assert (await cloud.list_objects(ObjectLocation(store.bucket, "none/"))).objects == []
    before = object_with_key(pages, NAMES[0]).etag
    store.put(NAMES[0], b"other bytes")
    assert (
        object_with_key((await cloud.list_objects(ObjectLocation(store.bucket, "a/"))).objects, NAMES[0]).etag != before
    )
    store.put(NAMES[0], NAMES[0].encode() * 3)


async def test_signed_url_gives_access_to_one_object_only(cloud: Cloud, store: Store) -> None:
    async with open_client() as client:
        for name in NAMES:
            signed = await cloud.sign_get(ObjectLocation(store.bucket, name), "Ünïcode.txt", "text/plain", MINUTE)
            assert signed.method == "GET"
            assert MINUTE < signed.expires_at - datetime.now(UTC) <= 1.5 * MINUTE
            response = await client.get(signed.url, headers=signed.headers)
            assert response.content == name.encode() * 3
            assert response.headers["content-type"] == "text/plain"
            assert "filename*=UTF-8''%C3%9Cn%C3%AFcode.txt" in response.headers["content-disposition"]
            assert response.headers["cache-control"] == "private, max-age=60, immutable"
            assert (await client.get(signed.url, headers={"Range": "bytes=1-3"})).status_code == 206
            for other in (signed.url.partition("?")[0], signed.url.replace("/a/", "/", 1).replace(".txt?", "?", 1)):
                assert (await client.get(other)).status_code in (401, 403, 404)
            assert (await client.put(signed.url, content=b"x", headers=BLOCK_BLOB)).status_code in (401, 403)
            assert (await client.delete(signed.url)).status_code in (401, 403)


async def test_a_shown_object_has_the_same_url_for_a_while(cloud: Cloud, store: Store) -> None:
    location, day = ObjectLocation(store.bucket, NAMES[0]), timedelta(days=1)
    urls = []
    for _ in range(3):  # of three, two are signed on the same side of a boundary
        urls.append((await cloud.sign_get(location, "a.png", "image/png", day, is_inline=True)).url)
        await asyncio.sleep(1.1)
    assert urls[1] in (urls[0], urls[2])
    async with open_client() as client:
        response = await client.get(urls[2])
    assert response.content == NAMES[0].encode() * 3
    assert response.headers["content-disposition"].startswith("inline; ")
    assert response.headers["content-type"] == "image/png"


async def test_errors_have_codes_and_hide_credentials(cloud: Cloud, store: Store) -> None:
    """Messages contain neither credentials nor signatures."""
    for attempt in (
        cloud.head(ObjectLocation(store.bucket, "none")),
        cloud.read(ObjectLocation(store.bucket, "none"), 0, 5),
    ):
        with pytest.raises(FetchError) as refused:
            await attempt
        assert refused.value.code is ErrorCode.NOT_FOUND
    with pytest.raises(FetchError) as refused:
        await cloud.list_objects(ObjectLocation("no-such-bucket", ""))
    assert (refused.value.code, refused.value.message) == (ErrorCode.NOT_FOUND, "The bucket does not exist.")


async def test_wrong_credentials_are_rejected(store: Store) -> None:
    fetcher = Fetcher(FetchRules.parse([80], [store.host]), max_bytes=1 << 20, seconds=10)
    secret = "account_key" if store.account.kind is Kind.AZURE else "secret_access_key"
    wrong = {**keys(store), secret: OTHER_KEY}
    account = replace(store.account, credentials=wrong)
    try:
        with pytest.raises(FetchError) as refused:
            await Cloud(account, signer(account), fetcher).list_objects(ObjectLocation(store.bucket, ""))
        assert refused.value.code is ErrorCode.FORBIDDEN
        # Azure's emulator does not report it.
        assert isinstance(refused.value, BadCredentials) or account.kind is Kind.AZURE
        assert not [value for value in wrong.values() if value in str(refused.value)]
    finally:
        await fetcher.close()


async def test_a_private_endpoint_is_not_reached_unless_allowed(store: Store) -> None:
    fetcher = Fetcher(FetchRules.parse([int(store.host.rpartition(":")[2])], []), max_bytes=1 << 20, seconds=10)
    try:
        with pytest.raises(FetchError, match="no public address"):
            await Cloud(store.account, signer(store.account), fetcher).list_objects(ObjectLocation(store.bucket, ""))
    finally:
        await fetcher.close()


def keys(store: Store) -> dict[str, str]:
    """Return the credentials of the store's owner."""
    return dict(store.account.credentials or {})


def test_an_account_does_not_show_its_keys(store: Store) -> None:
    assert not [value for value in keys(store).values() if value in repr(store.account)]
