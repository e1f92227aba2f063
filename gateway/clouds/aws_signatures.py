"""Signature version 4 of AWS, in the query of a URL.

The signature is written out here because jobs sign a request for each of millions of objects, for
which a client of boto3 takes fifteen times as long.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from gateway.clock import now


def presign_get(url: str, region: str, credentials: Mapping[str, str], seconds: int) -> str:
    """Return a URL that gets the object at an encoded URL without a query for some seconds."""
    moment = now().strftime("%Y%m%dT%H%M%SZ")
    key_id, token = credentials["access_key_id"], credentials.get("session_token")
    scope, begin, security = _parameters(key_id, token, region, moment, seconds)
    headers = "&X-Amz-SignedHeaders=host"
    _, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    # Parameters are signed in the order of their names.
    request = f"GET\n/{path}\n{begin}{security}{headers}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    signed = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    key = _signing_key(credentials["secret_access_key"], moment[:8], region)
    signature = hmac.digest(key, signed.encode(), hashlib.sha256).hex()
    return f"{url}?{begin}{headers}{security}&X-Amz-Signature={signature}"


@lru_cache(maxsize=100)
def _parameters(
    key_id: str, token: str | None, region: str, moment: str, seconds: int
) -> tuple[str, str, str]:
    """Return the scope of signatures of a moment, and their parameters before and after headers."""
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    credential = quote(f"{key_id}/{scope}", safe="")
    begin = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={moment}"
    begin += f"&X-Amz-Expires={seconds}"
    return scope, begin, f"&X-Amz-Security-Token={quote(token, safe='')}" if token else ""


@lru_cache(maxsize=100)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    """Return the key that signs requests to a region on a day."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key
