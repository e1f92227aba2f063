"""Documents that stay the same while the server runs, compressed once and known by their ETag."""

import hashlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.compression import MIN_BYTES, accepts_gzip, smallest
from gateway.http.negotiation import is_known


class FixedDocument:
    """A document with its headers, among them its Content-Type."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self._body = body
        self._packed = smallest(body) if len(body) >= MIN_BYTES else None
        # Weak, because both encodings of the document have it.
        self._tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        self._headers = {**headers, "ETag": self._tag}

    def respond(self, request: Request) -> Response:
        """Respond with the document, or with 304 if the client has it."""
        if is_known(self._tag, request.headers.get("if-none-match")):
            return Response(status_code=304, headers=self._headers)
        if self._packed and accepts_gzip(request.headers.get("accept-encoding")):
            headers = {**self._headers, "Content-Encoding": "gzip"}
            return Response(self._packed, headers=headers)
        return Response(self._body, headers=self._headers)
