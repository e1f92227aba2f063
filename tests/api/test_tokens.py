"""Sign-in with JWTs of an OpenID Connect issuer: what is accepted, attacks, users and groups."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.fixtures.communities import create_community, set_role
from tests.fixtures.issuers import AUDIENCE, Issuer, new_ec_key, new_rsa_key, serve_issuer
from tests.fixtures.logs import logged_site
from tests.fixtures.sites import ADMIN, Site, fresh_settings, serve_embedded, serve_site

ANN = "ann@example.org"
SECRET = "a secret of the tests, longer than 32 characters"


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """Issuer whose keys may be read at any time."""
    monkeypatch.setattr("gateway.auth.signing_keys.MIN_INTERVAL_SECONDS", 0.0)
    with serve_issuer() as running:
        yield running


def settings_of(issuer: Issuer, **more: Any) -> dict[str, Any]:
    """Return the settings of a site that trusts an issuer."""
    return {"jwt_issuer": issuer.url, "jwt_audience": AUDIENCE, **more}


async def who(site: Site, token: str) -> str | None:
    """Return the address of the user whom a token signs in; None if it is refused."""
    site.keys["token"] = token
    answer = await site.body("{ viewer { user { email } } }", who="token")
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", answer
        return None
    email: str = answer["data"]["viewer"]["user"]["email"]
    return email


def good_tokens(issuer: Issuer) -> dict[str, str]:
    """Return tokens to be accepted, by what is particular to them."""
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    return {
        "RS256": issuer.token(),
        "ES256": issuer.token("ec"),
        "HS256 with the secret": jwt.encode(claims, SECRET, "HS256"),
        "several audiences": issuer.token(aud=["other", AUDIENCE]),
        "a clock that is 50 s late": issuer.token(seconds=-50),
    }


def bad_tokens(issuer: Issuer, other: Issuer) -> dict[str, str]:
    """Return tokens to be refused, by what is wrong with them; some are signed by another issuer."""
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    public = issuer.keys["rsa"].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, signature = issuer.token().split(".")
    return {
        "another audience": issuer.token(aud="other"),
        "no audience": issuer.token(aud=None),
        "another issuer": issuer.token(iss="https://evil.example"),
        "no issuer": issuer.token(iss=None),
        "no expiry": issuer.token(exp=None),
        "expired": issuer.token(seconds=-70),
        "infinite": issuer.token(exp=float("inf")),
        "too late": issuer.token(exp=10**18),
        "not valid yet": issuer.token(nbf=claims["exp"]),
        "address not verified": issuer.token(email_verified=False),
        "no address": issuer.token(email=None),
        "another key": other.token(),
        "unknown key": jwt.encode(claims, other.keys["rsa"], "RS256", headers={"kid": "x"}),
        "weak key": issuer.token("weak"),
        "key for encryption": issuer.token("secrecy"),
        "another algorithm": jwt.encode(claims, issuer.keys["rsa"], "RS512", headers={"kid": "rsa"}),
        "key of another kind": jwt.encode(claims, new_ec_key(), "ES256", headers={"kid": "rsa"}),
        "public key as a secret": _hs256(claims, pem, {"kid": "rsa"}),
        "public key of the set as a secret": _hs256(claims, b"secret", {"kid": "oct"}),
        "not signed": jwt.encode(claims, "", "none", headers={"kid": "rsa"}),
        "key in the header": jwt.encode(
            claims, other.keys["rsa"], "RS256", headers={"jwk": other.key_set[0], "kid": "y"}
        ),
        "changed": f"{head}.{body}.{signature[::-1]}",
        "no signature": f"{head}.{body}.",
    }


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_only_tokens_of_the_issuer_for_us_are_accepted(
    request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer
) -> None:
    """A shared secret next to the issuer's keys changes nothing: each verifies its own algorithms."""
    other = Issuer(url=issuer.url)
    other.add_key("rsa", new_rsa_key())
    issuer.add_key("weak", new_rsa_key(1024))
    issuer.add_key("secrecy", new_rsa_key(), use="enc")
    issuer.key_set.append({"kty": "oct", "kid": "oct", "k": "c2VjcmV0"})
    issuer.key_set.append({"kty": "RSA", "kid": "malformed", "n": 7, "e": "!"})
    async with serve_embedded(request, tmp_path, **settings_of(issuer, jwt_secret=SECRET)) as site:
        await site.user(ANN)
        for what, token in good_tokens(issuer).items():
            assert await who(site, token) == ANN, what
        for what, token in bad_tokens(issuer, other).items():
            assert await who(site, token) is None, what


def _hs256(claims: dict[str, Any], key: bytes, headers: dict[str, str]) -> str:
    """Return a token signed with bytes that PyJWT itself refuses as a secret."""
    part = jwt.utils.base64url_encode
    text = b".".join(part(json.dumps(each).encode()) for each in ({"alg": "HS256", **headers}, claims))
    return b".".join(
        [text, part(jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(text, key))]
    ).decode()


async def test_keys_are_rotated(request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer) -> None:
    """A new key works at once, a withdrawn one until the set is read again; outages do not matter."""
    async with serve_embedded(request, tmp_path, **settings_of(issuer)) as site:
        await site.user(ANN)
        assert await who(site, issuer.token()) == ANN
        assert issuer.reads == 1
        for number in range(3):
            assert await who(site, issuer.token(jti=str(number))) == ANN
        assert issuer.reads == 1
        issuer.is_down = True
        issuer.keys["new"] = new_rsa_key()
        assert await who(site, issuer.token("new")) is None
        assert await who(site, issuer.token(jti="known keys stay")) == ANN
        issuer.is_down = False
        issuer.key_set.clear()
        issuer.add_key("new", issuer.keys["new"])
        assert await who(site, issuer.token("new")) == ANN
        assert await who(site, issuer.token(jti="withdrawn")) is None


async def test_unknown_keys_do_not_flood_the_issuer(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with serve_issuer() as issuer:
        async with serve_embedded(request, tmp_path, **settings_of(issuer)) as site:
            await site.user(ANN)
            assert await who(site, issuer.token()) == ANN
            for number in range(5):
                issuer.keys[f"unknown {number}"] = issuer.keys["rsa"]
                assert await who(site, issuer.token(f"unknown {number}")) is None
            assert issuer.reads == 1


async def test_a_site_without_keys_is_unavailable(
    request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer
) -> None:
    """A configuration of another issuer does not count; API keys work all the same."""
    issuer.published_issuer = "https://evil.example"
    async with serve_embedded(request, tmp_path, **settings_of(issuer)) as site:
        assert await who(site, site.keys["admin"]) == "admin@localhost"
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        answer = await site.client.post(f"{site.url}/graphql", json={"query": "{ __typename }"}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
        url = site.url.replace("http", "ws", 1) + "/graphql"
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            payload = {"authorization": headers["Authorization"]}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1013
        assert issuer.reads == 0


async def test_keys_can_be_in_a_file(request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": issuer.key_set}))
    async with serve_embedded(request, tmp_path, **settings_of(issuer, jwt_jwks=str(file))) as site:
        await site.user(ANN)
        assert await who(site, issuer.token()) == ANN
        assert issuer.reads == 0


@pytest.mark.parametrize("backend", ["embedded", "scaled"])
async def test_users_and_groups_follow_the_tokens(
    request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer, backend: str
) -> None:
    """Users come as members; they leave only groups that they joined by sign-in."""
    more = settings_of(issuer, jwt_create_users=True, jwt_groups_claim="groups")
    with fresh_settings(backend, request, tmp_path, **more) as settings:
        async with serve_site(settings, works=False) as site:
            red, blue, own = [await site.group(name) for name in ("Red", "Blue", "Own")]
            email = f"{secrets.token_hex(4)}@example.org"

            async def groups_with(**claims: Any) -> list[str]:
                site.keys["token"] = issuer.token(email=email, jti=secrets.token_hex(4), **claims)
                viewer = (
                    await site.ask("{ viewer { siteRole user { uuid name groups { nodes { name } } } } }", who="token")
                )["viewer"]
                assert (viewer["siteRole"], viewer["user"]["name"]) == ("MEMBER", "Bob")
                site.keys["uuid"] = viewer["user"]["uuid"]
                return [group["name"] for group in viewer["user"]["groups"]["nodes"]]

            assert await groups_with(name="Bob", groups=["red", "Unknown"]) == ["Red"]
            user = site.keys["uuid"]
            await site.done("addGroupUsers", {"groupUuid": own, "userUuids": [user]}, "group { uuid }")
            assert await groups_with(groups=["Blue", 7]) == ["Blue", "Own"]
            assert await groups_with() == ["Blue", "Own"]
            assert await groups_with(groups=[]) == ["Own"]
            await site.done("updateUser", {"userUuid": user, "isActive": False}, "user { uuid }")
            assert await who(site, issuer.token(email=email, groups=["Red"])) is None
            for address in ("no address", "x" * 400 + "@example.org"):
                assert await who(site, issuer.token(email=address)) is None
            assert red != blue


async def test_the_last_admin_of_a_community_stays_without_the_group(
    request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer
) -> None:
    """Until it has another one; the log tells who has been kept."""
    more = settings_of(issuer, jwt_create_users=True, jwt_groups_claim="groups")
    async with logged_site(request, tmp_path, **more) as (site, log, _):
        lab = await create_community(site, name="Lab")
        admins = lab["groups"]["admins"]

        async def signed_in(*groups: str) -> list[str]:
            site.keys["token"] = issuer.token(groups=groups, jti=secrets.token_hex(4))
            shown = await site.ask("{ viewer { user { uuid groups { nodes { name } } } } }", who="token")
            site.keys["uuid"] = shown["viewer"]["user"]["uuid"]
            return [group["name"] for group in shown["viewer"]["user"]["groups"]["nodes"]]

        assert await signed_in(admins["name"]) == [admins["name"]]
        await set_role(site, lab["uuid"], ADMIN, None)
        assert await signed_in() == [admins["name"]]
        await log.line("last_admin_kept", level="warning", group=admins["uuid"], user=site.keys["uuid"])
        await set_role(site, lab["uuid"], ADMIN, "ADMIN")
        assert await signed_in() == []
        assert len(log.lines("last_admin_kept")) == 1


async def test_unknown_users_are_refused_by_default(
    request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer
) -> None:
    async with serve_embedded(request, tmp_path, **settings_of(issuer)) as site:
        assert await who(site, issuer.token()) is None
        assert len((await site.ask("{ users { nodes { email } } }"))["users"]["nodes"]) == 1
