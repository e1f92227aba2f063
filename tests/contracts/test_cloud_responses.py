"""Responses of clouds that are errors or no listings: each gets a code and a message that says what to check."""

from dataclasses import dataclass, field

import pytest

from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.clouds.cloud import BadCredentials, Cloud
from gateway.clouds.providers import PROVIDERS
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError, too_large_error
from gateway.fetching.fetcher import FetchedResponse
from gateway.kinds.enums import StorageLocationName as Kind

KEYS = {"access_key_id": "an-id", "secret_access_key": "a-secret"}
ACCOUNTS = {
    Kind.S3_COMPATIBLE: CloudAccount(Kind.S3_COMPATIBLE, "https://s3.example", credentials=KEYS),
    Kind.AZURE: CloudAccount(Kind.AZURE, account="acme", credentials={"account_key": "YSBzZWNyZXQ="}),
}
EMPTY = {
    Kind.S3_COMPATIBLE: b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
    Kind.AZURE: b"\xef\xbb\xbf<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>",
}


def listing(s3: str, azure: str, head: str = "") -> bytes:
    """Return a document with the listings of both kinds of cloud."""
    root = "EnumerationResults"
    return f"{head}<{root}><IsTruncated>false</IsTruncated>{s3}<Blobs>{azure}</Blobs></{root}>".encode()


LENGTH = "<Properties><Content-Length>{}</Content-Length></Properties>"
WRONG = {
    "nothing": b"",
    "not XML": b"none",
    "HTML": b"<html><body>It works!</body></html>",
    "an object without a key": listing("<Contents><Size>1</Size></Contents>", f"<Blob>{LENGTH.format(1)}</Blob>"),
    "an object without a size": listing("<Contents><Key>a</Key></Contents>", "<Blob><Name>a</Name></Blob>"),
    "a size that is no number": listing(
        "<Contents><Key>a</Key><Size>big</Size></Contents>", f"<Blob><Name>a</Name>{LENGTH.format('big')}</Blob>"
    ),
    "a document type": listing("", "", "<!DOCTYPE EnumerationResults>"),
    "entities": listing("", "&a;", '<!DOCTYPE EnumerationResults [<!ENTITY a "b">]>'),
}


@dataclass
class Responder:
    """A fetcher that always returns the same response."""

    response: FetchedResponse
    requests: list[tuple[str, int]] = field(default_factory=list)

    async def request(self, url: str, *, method: str = "GET", max_bytes: int = 0) -> FetchedResponse:
        self.requests.append((method, max_bytes))
        if len(self.response.data) > max_bytes:
            raise too_large_error(max_bytes)
        return self.response


def responding(kind: Kind, status: int, data: bytes = b"", **headers: str) -> Cloud:
    """Return a cloud that always gets this response."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    account = ACCOUNTS[kind]
    fetcher = Responder(FetchedResponse(status, named, data))
    return Cloud(account, PROVIDERS[kind].signer(account), fetcher)  # type: ignore[arg-type]  # only this part is used


async def refused(cloud: Cloud) -> FetchError:
    """Return the error of a listing."""
    with pytest.raises(FetchError) as refusal:
        await cloud.list_objects(ObjectLocation("bucket", ""))
    assert "secret" not in refusal.value.message
    return refusal.value


@pytest.mark.parametrize("kind", ACCOUNTS)
async def test_an_empty_listing_is_one(kind: Kind) -> None:
    page = await responding(kind, 200, EMPTY[kind]).list_objects(ObjectLocation("bucket", ""))
    assert (page.objects, page.next) == ([], None)


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("kind", ACCOUNTS)
async def test_what_is_no_listing_is_refused(kind: Kind, name: str) -> None:
    """If they were taken for empty listings, a sync would mark every item as gone."""
    error = await refused(responding(kind, 200, WRONG[name]))
    assert (error.code, "not an object listing" in error.message) == (ErrorCode.CONFLICT, True)


@pytest.mark.parametrize("kind", ACCOUNTS)
async def test_a_listing_has_a_limit(kind: Kind) -> None:
    error = await refused(responding(kind, 200, EMPTY[kind] + b" " * (16 << 20)))
    assert error.code is ErrorCode.LIMIT_EXCEEDED


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (404, ErrorCode.NOT_FOUND, "The bucket does not exist."),
        (401, ErrorCode.FORBIDDEN, "The credentials do not allow listing this location."),
        (403, ErrorCode.FORBIDDEN, "The credentials do not allow listing this location."),
        (301, ErrorCode.CONFLICT, "check the region and the endpoint."),
        (400, ErrorCode.CONFLICT, "check the region and the endpoint."),
        (503, ErrorCode.UNAVAILABLE, "(HTTP status 503)."),
    ],
)
@pytest.mark.parametrize("kind", ACCOUNTS)
async def test_a_refusal_says_what_to_check(kind: Kind, status: int, code: ErrorCode, message: str) -> None:
    error = await refused(responding(kind, status, b"<Error><Code>Other</Code></Error>"))
    assert (error.code, error.message.endswith(message)) == (code, True), error.message
    assert not isinstance(error, BadCredentials)


@pytest.mark.parametrize("kind", ACCOUNTS)
async def test_bad_credentials_are_told_from_missing_permissions(kind: Kind) -> None:
    for code in PROVIDERS[kind].credential_error_codes:
        body = f"<Error><Code>{code}</Code></Error>".encode()
        assert isinstance(await refused(responding(kind, 403, body)), BadCredentials)


@pytest.mark.parametrize("kind", ACCOUNTS)
async def test_an_object_has_a_size_and_perhaps_a_date(kind: Kind) -> None:
    location = ObjectLocation("bucket", "a")
    known = await responding(kind, 200, content_length="5", last_modified="yesterday", etag='"x"').head(location)
    assert (known.size, known.etag, known.last_modified) == (5, '"x"', None)
    with pytest.raises(FetchError, match="how large"):
        await responding(kind, 200).head(location)
    with pytest.raises(FetchError, match="status 404"):
        await responding(kind, 404).head(location)


@pytest.mark.parametrize(
    ("s3_class", "azure_tier", "is_archived"),
    [
        ("GLACIER", "Archive", True),
        ("DEEP_ARCHIVE", "Archive", True),
        ("GLACIER_IR", "Cold", False),
        ("", "Hot", False),
    ],
)
@pytest.mark.parametrize("kind", ACCOUNTS)
async def test_archived_objects_are_known(kind: Kind, s3_class: str, azure_tier: str, is_archived: bool) -> None:
    """Instant retrieval is no archive, whatever its name."""
    properties = LENGTH.format(1).replace("</Properties>", f"<AccessTier>{azure_tier}</AccessTier></Properties>")
    storage = f"<StorageClass>{s3_class}</StorageClass>" if s3_class else ""
    page = listing(
        f"<Contents><Key>a</Key><Size>1</Size>{storage}</Contents>", f"<Blob><Name>a</Name>{properties}</Blob>"
    )
    found = await responding(kind, 200, page).list_objects(ObjectLocation("bucket", ""))
    assert [listed.is_archived for listed in found.objects] == [is_archived]
