"""Addresses as browsers and proxies see them: origins of pages, and base URLs of servers.

Functions that check one raise a `ValueError` whose message tells administrators what to write.
"""

import re
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", re.ASCII)
_PATH = re.compile(r"(/[\w.~%!$&'()*+,;=:@-]+)*", re.ASCII)
_EVERY_INTERFACE = {"0.0.0.0", "::"}
"""Hosts that a server listens on and no client can connect to."""

ANY_ORIGIN = "*"


def check_origin(text: str) -> str:
    """Return an origin that browsers may send, or `*`."""
    if text == ANY_ORIGIN:
        return text
    if "*" in text:
        raise ValueError(f"{text!r} never matches: list each origin, or allow all with '*'.")
    if "://" not in text:
        raise ValueError(
            f"{text!r} has no scheme: expected an origin such as 'https://app.example'."
        )
    origin = origin_of(text)
    if origin is None:
        raise ValueError(f"{text!r} is not an origin such as 'https://app.example'.")
    if origin != text:
        raise ValueError(f"{text!r} never matches, because browsers send {origin!r}: write that.")
    return text


def origin_of(url: str) -> str | None:
    """Return the origin of a URL as browsers send it; None if the URL has no valid host."""
    parts = _split(url)
    if parts is None:
        return None
    host = _host_of(parts)
    if parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


def check_base_url(text: str) -> str:
    """Return a URL of a scheme, a host and perhaps a port and a path, without a final slash."""
    parts = _split(text)
    base = text.rstrip("/")
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or parts.username is not None
        or re.search(r"[?#]", text)
        or not _PATH.fullmatch(urlsplit(base).path)
        or {".", ".."} & set(parts.path.split("/"))
    ):
        raise ValueError(
            f"{text!r} is not a URL such as 'https://files.example' or "
            "'https://files.example/path'."
        )
    return base


def is_reachable(url: str) -> bool:
    """Return whether clients can connect to a URL's host: not if it means every interface."""
    return urlsplit(url).hostname not in _EVERY_INTERFACE


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL; None unless it has a valid host and port."""
    try:
        parts = urlsplit(url)
        valid = url.isprintable() and " " not in url and bool(_HOST.fullmatch(_host_of(parts)))
        return parts if valid and parts.port != 0 else None
    except ValueError:
        return None


def _host_of(parts: SplitResult) -> str:
    """Return the host in lower case, an IPv6 address in brackets."""
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def without_credentials(url: str) -> str:
    """Return a URL that may be logged: without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
