"""Each refused credential is logged with the reason, which its sender does not learn, and is counted."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import sqlalchemy as sa

from gateway.models.people import api_keys
from tests.fixtures.logs import Log, logged_site
from tests.fixtures.metrics import scrape
from tests.fixtures.sites import Site, open_client
from tests.transports.serving import socket_to

SECRET = secrets.token_hex(32)
EMAIL = "refused@example.org"


def token(key: str = SECRET, **claims: Any) -> str:
    """Return a JWT that is valid for an hour unless told otherwise."""
    end = datetime.now(UTC) + timedelta(hours=1)
    return jwt.encode({"email": EMAIL, "exp": end, **claims}, key, "HS256")


async def new_key(site: Site, user: str) -> tuple[str, str]:
    """Create a key of a user, and return its UUID and token."""
    made = await site.done("createApiKey", {"name": "k", "userUuid": user}, "token apiKey { uuid }")
    return made["apiKey"]["uuid"], made["token"]


async def refuse(site: Site, log: Log, credential: str, reason: str) -> dict[str, Any]:
    """Send a credential that is refused, and return its line in the log."""
    known = len(log.lines("credential_refused", reason=reason))
    async with open_client(timeout=60) as client:
        headers = {"Authorization": credential}
        answer = await client.post(f"{site.url}/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    lines = log.lines("credential_refused", reason=reason)
    assert len(lines) == known + 1, log.text
    return lines[-1]


async def test_reasons_of_refused_credentials(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with logged_site(request, tmp_path, jwt_secret=SECRET) as (site, log, _):
        user = await site.user(EMAIL)
        revoked, revoked_token = await new_key(site, user)
        await site.done("revokeApiKey", {"apiKeyUuid": revoked}, "apiKey { uuid }")
        expired, expired_token = await new_key(site, user)
        past = {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}
        async with site.services.database.writing() as transaction:
            await transaction.execute(sa.update(api_keys).where(api_keys.c.name == "k").values(past))
        sent = {
            "revoked": revoked_token,
            "expired": expired_token,
            "unknown": "sg_" + secrets.token_urlsafe(32),
            "malformed": "short",
        }
        lines = {reason: await refuse(site, log, f"Bearer {key}", reason) for reason, key in sent.items()}
        assert [lines[reason]["key"] for reason in sent] == [revoked, expired, None, None]
        assert [lines[reason]["user"] for reason in sent] == [user, user, None, None]
        assert {line["client"] for line in lines.values()} == {"127.0.0.1"}
        await refuse(site, log, "Basic YTpi", "malformed")
        await refuse(site, log, f"Bearer {token(exp=datetime.now(UTC) - timedelta(hours=1))}", "expired")
        forged = token(key=secrets.token_hex(32))
        await refuse(site, log, f"Bearer {forged}", "bad_signature")
        await refuse(site, log, "Bearer a.b.c", "malformed")
        await refuse(site, log, f"Bearer {token(email='nobody@example.org')}", "unknown")
        deactivated = await site.user("gone@example.org")
        key, key_token = await new_key(site, deactivated)
        await site.done("updateUser", {"userUuid": deactivated, "isActive": False}, "user { uuid }")
        assert (await refuse(site, log, f"Bearer {key_token}", "deactivated_user"))["key"] == key
        line = await refuse(site, log, f"Bearer {token(email='gone@example.org')}", "deactivated_user")
        assert line["user"] == deactivated
        for secret in (*sent.values(), key_token, forged, SECRET):
            assert secret == "short" or secret not in log.text
        counted = await scrape(site)
        assert counted.value("storegraph_credentials_refused_total", reason="malformed") == 3
        assert counted.value("storegraph_credentials_refused_total", reason="revoked") == 1


async def test_refusals_of_sockets_and_signed_urls(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The address is that of the client of the socket; the signature of a URL is not logged."""
    async with logged_site(request, tmp_path) as (site, log, _):
        async with socket_to(f"{site.url.removeprefix('http://')}/graphql") as socket:
            await socket.send({"type": "connection_init", "payload": {"authorization": "Bearer nothing"}})
            assert (await socket.read_until_closed())[0] == 4403
        line = await log.line("credential_refused", reason="malformed")
        assert line["client"] == "127.0.0.1"
        closed = await log.line("socket_closed", code=4403)
        assert closed["client"] == "127.0.0.1" and closed["reason"]
        key = secrets.token_hex(16)
        await site.client.get(f"{site.url}/objects/{key}?expires=9999999999&name=a&type=b&cache=0&signature=0123abcd")
        await log.line("credential_refused", reason="bad_signature")
        assert "0123abcd" not in log.text
        counted = await scrape(site)
        assert counted.value("storegraph_sockets_closed_total", code="4403") == 1
