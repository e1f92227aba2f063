"""Serves GraphiQL from the server's own origin under a strict content security policy."""

import asyncio
import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.http.fixed_documents import FixedDocument
from gateway.http.graphiql.build import FILES, HERE, LICENCES, STATIC, is_built

OWN = ("page.css", "page.js", "icon.svg")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
SCROLL_LOCK = "'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='"
"""Digest of the only style element that GraphiQL adds, while a menu or dialog is open."""
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": f"'self' {SCROLL_LOCK}",
    "img-src": "'self' data:",
    "font-src": "data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in POLICY.items()),
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept, Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
FOREVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


def graphiql_page(request: Request) -> Response:
    """Respond with the page of the endpoint, or with instructions if GraphiQL was not built."""
    return _page_document().respond(request)


def graphiql_routes() -> list[BaseRoute]:
    """Return the routes that lead to the page, and those of its files, whose URLs have a digest."""
    return [
        Route(f"/graphql/static/{release()}/{{name}}", asset, methods=["GET"]),
        Route("/", to_endpoint),
        Route("/graphiql", to_endpoint, methods=["GET"]),
        Route("/graphiql/", to_endpoint, methods=["GET"]),
    ]


async def asset(request: Request) -> Response:
    """Respond with a file of the page."""
    name = request.path_params["name"]
    if name not in assets():
        return Response(status_code=404)
    return (await asyncio.to_thread(_asset_document, name)).respond(request)


async def to_endpoint(request: Request) -> Response:
    """Redirect to the endpoint on the host that the client knows, below the path of the site."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/graphql{query}")


@cache
def page() -> str:
    """Return the document. Its URLs are relative, so that it works below a prefix."""
    template = "page.html" if is_built() else "missing.html"
    return (
        (HERE / template)
        .read_text(encoding="utf-8")
        .replace("{static}", f"graphql/static/{release()}")
    )


@cache
def _page_document() -> FixedDocument:
    return FixedDocument(page().encode(), HEADERS)


@cache
def _asset_document(name: str) -> FixedDocument:
    path = assets()[name]
    return FixedDocument(path.read_bytes(), {**FOREVER, "Content-Type": TYPES[path.suffix]})


@cache
def assets() -> dict[str, Path]:
    """Return every file that the page may load, by name."""
    built = {name: STATIC / name for name in (*FILES, LICENCES)} if is_built() else {}
    return {name: HERE / name for name in OWN} | built


@cache
def release() -> str:
    """Return a digest over all files, so that a change of any gives every file a new URL."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in assets().values())).hexdigest()[
        :16
    ]
