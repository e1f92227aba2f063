"""Authentication: valid keys and tokens, and everything that is not one."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.fixtures.sites import Site, fresh_settings, serve_site

SECRET = "a secret of the tests, longer than 32 characters"
ANN = "Ann@Example.org"


@pytest.fixture(params=["embedded", "scaled"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Site that accepts tokens."""
    with fresh_settings(request.param, request, tmp_path, jwt_secret=SECRET) as settings:
        async with serve_site(settings, works=False) as running:
            yield running


async def status(site: Site, authorization: str | bytes | None) -> tuple[int, str | None]:
    """Return the HTTP status of a query with that header, and the viewer's email address.

    Only status 200 may come with data.
    """
    value = authorization.encode() if isinstance(authorization, str) else authorization
    headers = {} if value is None else {b"Authorization": value}
    query = {"query": "{ viewer { user { email } } }"}
    answer = await site.client.post(f"{site.url}/graphql", json=query, headers=headers)
    body = answer.json()
    if answer.status_code == 200:
        return 200, body["data"]["viewer"]["user"]["email"]
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", body
    assert "data" not in body
    return answer.status_code, None


def token(key: str = SECRET, algorithm: str = "HS256", minutes: float = 5, **claims: Any) -> str:
    """Return a token for Ann that is valid for some minutes."""
    good = {"email": ANN.lower(), "exp": datetime.now(UTC) + timedelta(minutes=minutes)}
    return jwt.encode({**good, **claims}, key, algorithm)


def unsigned(header: dict[str, Any], signature: str = "") -> str:
    """Return a token whose header declares that it is not signed."""
    parts = [header, {"email": ANN.lower(), "exp": int(time.time()) + 300}]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, signature])


async def test_tokens(site: Site) -> None:
    """Only a JWT of an existing user that is signed with the secret and expires is accepted.

    Inventory: ENC-CLIENT-26.
    """
    await site.user(ANN)
    assert await status(site, f"Bearer {token()}") == (200, ANN)
    assert await status(site, f"bearer  {token(aud='somebody', sub='x')}") == (200, ANN)
    endless = jwt.encode({"email": ANN}, SECRET, "HS256")
    good = token()
    bad = {
        "another secret": token("another secret of more than 32 characters"),
        "another algorithm": token(SECRET * 2, "HS512"),
        "our secret, another algorithm": token(SECRET + SECRET, "HS384"),
        "over": token(minutes=-2),
        "endless": endless,
        "not yet": token(nbf=datetime.now(UTC) + timedelta(minutes=5)),
        "unknown": token(email="nobody@example.org"),
        "no address": token(email=None),
        "many addresses": token(email=[ANN]),
        "a NUL": token(email=f"{ANN}\0"),
        "half a character": token(email="\ud800"),
        "none": unsigned({"alg": "none", "typ": "JWT"}),
        "None": unsigned({"alg": "None"}, good.rpartition(".")[2]),
        "no algorithm": unsigned({}),
        "changed": f"{good.rpartition('.')[0]}.{good.rpartition('.')[2][::-1]}",
        "cut": good[:-4],
        "dots": "..",
        "a moment as text": token(exp="tomorrow"),
    }
    for what, text in bad.items():
        assert await status(site, f"Bearer {text}") == (401, None), what
    ann = (await site.ask('{ users(search: "ann") { nodes { uuid } } }'))["users"]["nodes"][0]["uuid"]
    await site.done("updateUser", {"userUuid": ann, "isActive": False}, "user { uuid }")
    assert await status(site, f"Bearer {token(jti='new')}") == (401, None)


async def test_invalid_credentials_are_refused(site: Site) -> None:
    """No data is returned without a valid credential, whatever the header contains.

    Inventory: ENC-ERR-01, AMB-ERR-04, MID-ERR-13, SUB-128, SUB-135.
    """
    key = site.keys["admin"]
    assert await status(site, f"Bearer {key}") == (200, "admin@localhost")
    wrong = [None, "", "Bearer", key, f"Basic {key}", f"Bearer {key}x", f"Bearer {key[:-1]}", f"Bearer {key.upper()}"]
    for authorization in [
        *wrong,
        f"Bearer {key} {key}",
        "Bearer ' OR 1=1 --",
        "Bearer " + "x" * 10_000,
        b"Bearer \xff\xfe",
    ]:
        assert await status(site, authorization) == (401, None), authorization
    for path in (f"?access_token={key}", f"?authorization=Bearer%20{key}"):
        answer = await site.client.post(f"{site.url}/graphql{path}", json={"query": "{ viewer { siteRole } }"})
        assert answer.status_code == 401
    answer = await site.client.post(f"{site.url}/graphql", json={"query": "{ __schema { types { name } } }"})
    assert answer.status_code == 401


async def test_expired_and_revoked_keys_are_refused(site: Site) -> None:
    """Expired and revoked keys, and keys of inactive users, are refused within 5 seconds (MID-ERR-14)."""
    ann = await site.user(ANN)
    expiring = {"name": "short", "userUuid": ann, "expiresAt": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    short = (await site.done("createApiKey", expiring, "token"))["token"]
    payload = await site.done("createApiKey", {"name": "k", "userUuid": ann}, "token apiKey { uuid }")
    keys = [short, payload["token"], site.keys[ANN]]
    assert [await status(site, f"Bearer {key}") for key in keys] == [(200, ANN)] * 3
    revoked = {"apiKeyUuid": payload["apiKey"]["uuid"]}
    await site.done("revokeApiKey", revoked, "apiKey { revokedAt }", ANN)
    await asyncio.sleep(4.5)
    assert [(await status(site, f"Bearer {key}"))[0] for key in keys] == [401, 401, 200]
    past = {**expiring, "expiresAt": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}
    assert await site.refused("createApiKey", past) == [("BAD_USER_INPUT", "input.expiresAt")]


async def test_concurrent_requests_share_one_look_up(site: Site) -> None:
    """Concurrent requests share a look-up, and bad credentials do not profit from it."""
    await site.user(ANN)
    requests: list[str] = []

    def note(statement: str) -> None:
        requests.extend([statement] if "users.email_key =" in statement else [])

    good, bad = token(), token(key=f"{SECRET}!")
    with site.services.database.observing_statements(note):
        result = await asyncio.gather(*(status(site, f"Bearer {token}") for token in [good, bad] * 20))
    assert result == [(200, ANN), (401, None)] * 20
    assert len(requests) == 1
