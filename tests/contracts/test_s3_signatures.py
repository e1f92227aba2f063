"""URLs that are signed without boto3's clients equal those of its clients."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.clouds.providers import PROVIDERS
from gateway.kinds.enums import S3AddressingStyle
from gateway.kinds.enums import StorageLocationName as Kind
from tests.fixtures.clocks import stop_clock

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEYS = ("a.png", "folder/b c.png", "é+&=?#%~'()*!:@,;$.txt", "//x//", "ünï/😀", "a%2Fb")
KEYS_OF_OWNER = {"access_key_id": "AKIA123", "secret_access_key": "a/b+c"}
MINUTES = timedelta(minutes=15)


@pytest.mark.parametrize("bucket", ["bucket", "with.dots", "upper_Case"])
@pytest.mark.parametrize(
    ("kind", "endpoint", "style"),
    [
        (Kind.S3, None, None),
        (Kind.S3_COMPATIBLE, "http://127.0.0.1:8333", None),
        (Kind.S3_COMPATIBLE, "https://s3.example.org", S3AddressingStyle.VIRTUAL),
        (Kind.S3_COMPATIBLE, "https://s3.example.org:444", S3AddressingStyle.PATH),
    ],
)
@pytest.mark.parametrize("more", [{}, {"session_token": "to/ken=="}])
def test_a_url_is_signed_as_boto3_signs_it(
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
    endpoint: str | None,
    style: S3AddressingStyle | None,
    bucket: str,
    more: dict[str, str],
) -> None:
    stop_clock(monkeypatch, NOW)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: NOW)
    account = CloudAccount(
        kind, endpoint, "eu-central-1", addressing_style=style, credentials={**KEYS_OF_OWNER, **more}
    )
    addressing = style.lower() if style else "path" if endpoint else "auto"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id=KEYS_OF_OWNER["access_key_id"],
        aws_secret_access_key=KEYS_OF_OWNER["secret_access_key"],
        aws_session_token=more.get("session_token"),
        config=Config(signature_version="s3v4", s3={"addressing_style": addressing}),  # type: ignore[arg-type]
    )
    signer = PROVIDERS[kind].signer(account)
    for key in KEYS:
        expected = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, 900)
        assert signer.get(ObjectLocation(bucket, key), MINUTES) == expected
