"""URLs of objects in clouds: every common form is read, and none leaves its integration."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.clouds.providers import PROVIDERS
from gateway.clouds.urls import allowed_location, make_account, object_url, parse_object_url
from gateway.kinds.enums import StorageLocationName as Kind

AMAZON = CloudAccount(Kind.S3, region="eu-central-1", credentials={"access_key_id": "a", "secret_access_key": "b"})
OWN = CloudAccount(Kind.S3_COMPATIBLE, "https://s3.example:9000")
TELEKOM = CloudAccount(Kind.OPEN_TELEKOM, "https://obs.eu-de.otc.t-systems.com")
GOOGLE = CloudAccount(Kind.GCP)
AZURE = CloudAccount(Kind.AZURE, account="acme")
EMULATED = CloudAccount(Kind.AZURE, "http://127.0.0.1:10000/acme", account="acme")
GOOD = [
    (AMAZON, "s3://bucket/a key+with 100% & more?#.png", "a key+with 100% & more?#.png"),
    (AMAZON, "https://bucket.s3.eu-central-1.amazonaws.com/a%20key%2B1.png", "a key+1.png"),
    (AMAZON, "https://bucket.s3-eu-west-1.amazonaws.com/a/b", "a/b"),
    (AMAZON, "https://bucket.s3.amazonaws.com/a+b", "a+b"),
    (AMAZON, "https://s3.eu-central-1.amazonaws.com/bucket/a/b", "a/b"),
    (AMAZON, "https://bucket.s3.dualstack.eu-central-1.amazonaws.com/a", "a"),
    (AMAZON, "https://bucket.s3.cn-north-1.amazonaws.com.cn/a", "a"),
    (OWN, "s3://bucket//a", "/a"),
    (OWN, "https://s3.example:9000/bucket/%E6%97%A5%E6%9C%AC", "日本"),
    (OWN, "https://bucket.s3.example:9000/a", "a"),
    (TELEKOM, "https://bucket.obs.eu-de.otc.t-systems.com/a", "a"),
    (GOOGLE, "gs://bucket/a/b", "a/b"),
    (GOOGLE, "https://storage.googleapis.com/bucket/a/b", "a/b"),
    (GOOGLE, "https://bucket.storage.googleapis.com/a/b", "a/b"),
    (AZURE, "https://acme.blob.core.windows.net/bucket/a%20b", "a b"),
    (EMULATED, "http://127.0.0.1:10000/acme/bucket/a", "a"),
]
BAD = [
    (AMAZON, "gs://bucket/a", "Not a URL of this integration; its URLs begin with s3://."),
    (AMAZON, "https://bucket.s3.amazonaws.com.evil.example/a", "Not a URL of this integration"),
    (AMAZON, "https://evil.example/bucket/a", "Not a URL of this integration"),
    (AMAZON, "ftp://bucket.s3.amazonaws.com/a", "Not a URL of this integration"),
    (AMAZON, "https://bucket.s3.amazonaws.com/a?versionId=1", "have no query"),
    (AMAZON, "s3:///a", "does not name a bucket"),
    (AMAZON, "s3://b@d/a", "does not name a bucket"),
    (AMAZON, "s3://bucket/a/../b", "contains a . or .. segment"),
    (AMAZON, "https://bucket.s3.amazonaws.com/a/%2e%2e/b", "contains a . or .. segment"),
    (AMAZON, "s3://bucket/a\x07", "control character"),
    (AMAZON, "s3://bucket/" + "é" * 513, "at most 1,024 bytes"),
    (OWN, "http://s3.example:9000/bucket/a", "Not a URL of this integration"),
    (OWN, "https://s3.example/bucket/a", "Not a URL of this integration"),
    (GOOGLE, "s3://bucket/a", "its URLs begin with gs://"),
    (AZURE, "https://other.blob.core.windows.net/bucket/a", "its URLs begin with https://acme.blob.core.windows.net"),
    (AZURE, "https://acme.blob.core.windows.net@evil.example/bucket/a", "Not a URL of this integration"),
    (EMULATED, "http://127.0.0.1:10000/acmeother/bucket/a", "Not a URL of this integration"),
    (AZURE, "https://[", "Not a valid URL"),
]


@pytest.mark.parametrize(("account", "url", "key"), GOOD)
def test_a_url_names_a_bucket_and_a_key(account: CloudAccount, url: str, key: str) -> None:
    assert parse_object_url(account, url) == ObjectLocation("bucket", key)
    assert parse_object_url(account, object_url(account, ObjectLocation("bucket", key))) == ObjectLocation(
        "bucket", key
    )


@pytest.mark.parametrize(("account", "url", "message"), BAD)
def test_invalid_object_urls_are_rejected(account: CloudAccount, url: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the message is compared
        parse_object_url(account, url)
    assert message in str(refused.value)


def test_urls_outside_the_locations_are_rejected() -> None:
    account = make_account("S3", None, None, None, ["s3://bucket/folder/", "s3://other"])
    assert allowed_location(account, "s3://bucket/folder/a") == ObjectLocation("bucket", "folder/a")
    assert allowed_location(account, "s3://other/a") == ObjectLocation("other", "a")
    for url in ("s3://bucket/a", "s3://bucket/folder", "s3://bucket/folder2/a", "s3://third/folder/a"):
        with pytest.raises(ValueError, match="outside the integration"):
            allowed_location(account, url)


def test_amazon_urls_start_with_the_bucket_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """ENC-ENUM-04: S3 has no custom endpoint, and the environment of the server sets none."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example")
    url = urlsplit(PROVIDERS[Kind.S3].signer(AMAZON).get(ObjectLocation("bucket", "a b"), timedelta(minutes=1)))
    assert (url.netloc, url.path) == ("bucket.s3.amazonaws.com", "/a%20b")
    assert "eu-central-1" in url.query
