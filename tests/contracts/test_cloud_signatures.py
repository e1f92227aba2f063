"""Azure's signatures equal those of azure-storage-blob 12.31.1 for the same claims."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.clouds import azure
from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.kinds.enums import StorageLocationName as Kind
from gateway.stores import downloads
from tests.fixtures.clocks import stop_clock

KEY = base64.b64encode(bytes(range(64))).decode()
ACCOUNT = CloudAccount(Kind.AZURE, account="acme", credentials={"account_key": KEY})
BLOB = ObjectLocation("bucket", "a b/é+&.png")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> azure.AzureSigner:
    stop_clock(monkeypatch, NOW)
    return azure.AzureSigner(ACCOUNT)


def claims(url: str) -> dict[str, str]:
    """Return the parameters of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_a_blob_is_signed_as_the_library_signs_it(signer: azure.AzureSigner) -> None:
    url = signer.get(BLOB, HOUR)
    assert urlsplit(url).path == "/bucket/a%20b/%C3%A9%2B%26.png"
    assert claims(url) == {
        "st": "2026-01-02T02:59:05Z",
        "se": "2026-01-02T04:04:05Z",
        "sp": "r",
        "sv": "2021-12-02",
        "sr": "b",
        "sig": "8cybDNlFZ3Ibi74rEpVS3BMl+wyPP+wTYZR33GT1VM8=",
    }


def test_a_download_is_signed_as_the_library_signs_it(signer: azure.AzureSigner) -> None:
    signed = claims(signer.download(BLOB, downloads.plan_download("a b.png", "image/png", HOUR)))
    assert (signed["st"], signed["se"]) == ("2026-01-02T02:55:00Z", "2026-01-02T04:30:00Z")
    assert signed["rscc"] == "private, max-age=3600, immutable"
    assert signed["rscd"] == "attachment; filename=\"a b.png\"; filename*=UTF-8''a%20b.png"
    assert signed["rsct"] == "image/png"
    assert signed["sig"] == "N6GKJqonkod70q22YVJSvcuzoCzT/hMrPMESWwswXD0="


def test_a_listing_is_signed_as_the_library_signs_it(signer: azure.AzureSigner) -> None:
    signed = claims(signer.page(ObjectLocation("bucket", "a/"), None, 10, HOUR))
    assert signed["sig"] == "OayJXueyzu8o/3wHtKy8tt82JR5XEmTw5QzlKx145Mc="
    assert (signed["sr"], signed["sp"], signed["prefix"]) == ("c", "l", "a/")
