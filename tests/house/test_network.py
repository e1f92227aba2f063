"""Only listed modules open network connections; URLs of users go through the guarded fetcher."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.sources import modules

LIBRARIES = {
    "aiohttp",
    "boto3",
    "botocore",
    "ftplib",
    "http.client",
    "http.server",
    "httpcore",
    "httpx",
    "imaplib",
    "poplib",
    "procrastinate",
    "psycopg",
    "psycopg_pool",
    "requests",
    "s3transfer",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "urllib.request",
    "urllib3",
    "uvicorn",
    "websockets",
    "xmlrpc",
}
"""Modules that open or accept connections."""
CALLS = {
    "connect_tcp",
    "connect_unix",
    "create_async_engine",
    "create_connection",
    "create_datagram_endpoint",
    "create_engine",
    "create_server",
    "create_tcp_listener",
    "create_udp_socket",
    "create_unix_connection",
    "getaddrinfo",
    "open_connection",
    "open_unix_connection",
    "sock_connect",
    "start_server",
    "urlopen",
}
"""Functions of asyncio, anyio, socket, urllib and SQLAlchemy that open or accept connections."""
ALLOWED = {
    # URLs from outside, resolved, checked and connected to in one place.
    "gateway.fetching.errors": {"ssl"},
    "gateway.fetching.fetcher": {"httpx", "ssl"},
    "gateway.fetching.network": {"create_connection", "getaddrinfo", "socket", "ssl"},
    "gateway.fetching.rules": {"httpx"},
    # boto3 signs requests to customers' clouds; the fetcher sends them.
    "gateway.clouds.s3_signer": {"boto3", "botocore"},
    # The site's own store, database, events and queue, at addresses from the settings.
    "gateway.stores.s3": {"boto3", "botocore"},
    "gateway.stores.s3_errors": {"boto3", "botocore"},
    "gateway.stores.presigning": {"botocore"},
    "gateway.database.engine": {"create_async_engine"},
    "gateway.database.migrate": {"create_engine"},
    "gateway.database.outages": {"psycopg"},
    "gateway.database.psycopg_apis": {"psycopg"},
    "gateway.database.served_reader": {"psycopg"},
    "gateway.database.served_connections": {"psycopg"},
    "gateway.database.removals": {"psycopg"},
    "gateway.events.channel": {"psycopg"},
    "gateway.queues.postgres": {"procrastinate", "psycopg"},
    "gateway.queues.procrastinate_apis": {"procrastinate"},
    # The demo is a client of the site.
    "gateway.demo.client": {"httpx"},
    # Commands and scripts are clients of the site, at a URL that whoever runs them names.
    "gateway.transfer.receiving": {"httpx"},
    "gateway.transfer.sending": {"httpx"},
    "gateway.transfer.site": {"httpx"},
    # The server itself.
    "gateway.http.connections": {"socket"},
    "gateway.http.server": {"socket", "uvicorn", "create_server"},
    "gateway.http.uvicorn_protocols": {"uvicorn"},
}
"""Allowed uses by module. Think twice before adding a line: URLs of users go to the fetcher."""


def connections(tree: ast.Module) -> Iterator[str]:
    """Yield the `LIBRARIES` and `CALLS` that a module uses, including imports by name at run time."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (library for alias in names for library in libraries(alias.name))
            case ast.ImportFrom(module=str(module), names=names):
                yield from (library for alias in names for library in libraries(f"{module}.{alias.name}"))
                yield from (alias.name for alias in names if alias.name in CALLS)
            case (
                ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(module)), *_])
                | ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(module)), *_])
            ) if name in ("__import__", "import_module"):
                yield from libraries(module)
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in CALLS:
                yield name


def libraries(module: str) -> Iterator[str]:
    """Yield the entry of `LIBRARIES` that a dotted name belongs to, if there is one."""
    parts = module.split(".")
    yield from ({".".join(parts[:count]) for count in range(1, len(parts) + 1)} & LIBRARIES)


@pytest.mark.parametrize("name", sorted(modules()))
def test_module_opens_only_allowed_connections(name: str) -> None:
    unexpected = set(connections(modules()[name])) - ALLOWED.get(name, set())
    assert not unexpected, f"{name} may not use {unexpected}: fetch by gateway.fetching.fetcher, or see ALLOWED"


def test_allowed_connections_are_used() -> None:
    unused = {
        (name, each)
        for name, allowed in ALLOWED.items()
        for each in allowed - set(connections(modules()[name]) if name in modules() else ())
    }
    assert not unused


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import httpx", {"httpx"}),
        ("def late():\n    from urllib.request import urlopen", {"urllib.request", "urlopen"}),
        ("from urllib import request", {"urllib.request"}),
        ("from urllib.parse import urlsplit", set()),
        ("import asyncio\nasyncio.open_connection('x', 1)", {"open_connection"}),
        ("from asyncio import open_connection as connect", {"open_connection"}),
        ("import importlib\nimportlib.import_module('boto3.session')", {"boto3"}),
        ("if TYPE_CHECKING:\n    import http.client as http", {"http.client"}),
        ("from http import HTTPStatus", set()),
    ],
)
def test_all_ways_to_import_and_call_are_detected(source: str, expected: set[str]) -> None:
    assert set(connections(ast.parse(source))) == expected
