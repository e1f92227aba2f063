"""Settings from the environment: what is refused at start, and the sentences that say why."""

import pytest
from pydantic import ValidationError

from gateway.setting_errors import setting_errors
from gateway.settings import Settings


def refusals(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    """Return what an administrator reads about these variables, without their common prefix."""
    for name, value in variables.items():
        monkeypatch.setenv(f"STOREGRAPH_{name}", value)
    try:
        Settings()
    except ValidationError as error:
        return [line.removeprefix("STOREGRAPH_") for line in setting_errors(error)]
    return []


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example",
        "http://app.example:8080",
        "http://localhost:3000",
        "http://[::1]:3000",
        "capacitor://localhost",
        "chrome-extension://abcdefghijklmnop",
        "https://xn--bcher-kva.example",
        "*",
    ],
)
def test_origins_that_browsers_send_are_accepted(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    assert refusals(monkeypatch, ALLOWED_ORIGINS=f'["{origin}"]') == []


@pytest.mark.parametrize(
    ("origin", "advice"),
    [
        ("https://app.example/", "'https://app.example'"),
        ("https://app.example/path", "'https://app.example'"),
        ("https://app.example?x=1", "'https://app.example'"),
        ("https://App.example", "'https://app.example'"),
        ("https://app.example:443", "'https://app.example'"),
        ("http://app.example:80", "'http://app.example'"),
        ("https://user@app.example", "'https://app.example'"),
        ("app.example", "no scheme"),
        ("//app.example", "no scheme"),
        ("null", "no scheme"),
        ("https://*.example", "list each origin"),
        ("https://", "not an origin"),
        ("https://bücher.example", "not an origin"),
        ("https://app.example:99999", "not an origin"),
        ("https://app example", "not an origin"),
        ("", "no scheme"),
    ],
)
def test_origins_that_never_match_are_refused(monkeypatch: pytest.MonkeyPatch, origin: str, advice: str) -> None:
    [line] = refusals(monkeypatch, ALLOWED_ORIGINS=f'["https://fine.example", "{origin}"]')
    assert line.startswith(f"ALLOWED_ORIGINS: {origin!r} ")
    assert advice in line


@pytest.mark.parametrize(
    "url",
    [
        "foo",
        "foo.example",
        "/storegraph",
        "ftp://foo.example",
        "https://",
        "https://foo.example?x=1",
        "https://foo.example/#top",
        "https://user:hush@foo.example",
        "https://foo.example:0",
        "https://foo.example//a",
        "https://foo.example/../a",
        "https://foo .example",
        "https://foo.example/a b",
    ],
)
def test_public_urls_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    [line] = refusals(monkeypatch, PUBLIC_URL=url)
    assert line == f"PUBLIC_URL: {url!r} is not a URL such as 'https://files.example' or 'https://files.example/path'."


@pytest.mark.parametrize("url", ["https://a.example", "http://[::1]:8000", "https://a.example/b/c"])
def test_public_urls_lose_their_final_slash(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STOREGRAPH_PUBLIC_URL", f"{url}/")
    assert Settings().public_url == url


def test_a_public_url_does_not_contain_a_route(monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = refusals(monkeypatch, PUBLIC_URL="https://a.example/graphql")
    assert line == "PUBLIC_URL: 'https://a.example/graphql' must not contain '/graphql', which Storegraph adds."


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ADMIN_KEY", "short", "Expected at least 32 characters."),
        ("PART_SIZE", "7", "Expected at least 5242880."),
        ("ONLY_TRUSTED_DOCUMENTS", "true", "Set STOREGRAPH_TRUSTED_DOCUMENTS, or no request is answered."),
        ("PROBE_CHILDREN", "two", "Expected a whole number."),
        ("PROBE_CHILDREN", "65", "Expected at most 64."),
        ("PROBE_SECONDS", "0", "Expected more than 0.0."),
        ("PROBE_SECONDS", "inf", "Expected a number."),
        ("WORK_IN_SERVE", "perhaps", "Expected true or false."),
        ("VIDEO_CODEC", "h265", "Expected 'vp9', 'av1' or 'h264'."),
        ("FETCH_PORTS", "[0]", "Expected at least 1."),
        ("FETCH_PORTS", "443", 'Expected a JSON list such as ["a", "b"].'),
        ("ALLOWED_ORIGINS", "[1]", "Expected text in quotation marks."),
        ("ALLOWED_HEADERS", '["X Y"]', "'X Y' is not the name of a header."),
        ("TRUSTED_PROXIES", '["*"]', "'*' does not appear to be an IPv4 or IPv6 network."),
        ("TRUSTED_PROXIES", '["10.0.0.1/8"]', "10.0.0.1/8 has host bits set."),
        ("LIMITS", "[]", 'Expected a JSON object such as {"depth": 20}.'),
        ("LIMITS", '{"depht": 3}', "depht: Unknown limit."),
        ("LIMITS", '{"depth": 0}', "depth: Expected more than 0."),
        ("LIMITS", '{"cost": -1}', "cost: Expected more than 0."),
        ("LIMITS", '{"seconds": 0}', "seconds: Expected more than 0."),
        ("LIMITS", '{"tokens": 1.5}', "tokens: Expected a whole number."),
    ],
)
def test_errors_are_sentences(monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str) -> None:
    assert refusals(monkeypatch, **{name: value}) == [f"{name}: {sentence}"]
