"""Azure Blob Storage: service SAS for one blob or one container, made from the account's key.

The signature is written out here rather than taken from azure-storage-blob; see
docs/decisions/azure-signatures.md.
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from gateway.clock import now
from gateway.clouds.base import CloudAccount, CloudObject, ObjectLocation, ObjectPage, Signer
from gateway.clouds.provider import AccountField, CloudProvider, split_path
from gateway.clouds.xml import parse_xml, required_text
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import StorageLocationName
from gateway.stores.downloads import Download

_API_VERSION = "2021-12-02"
_PERMISSIONS = {"b": "r", "c": "l"}
_CLOCK_SKEW = timedelta(minutes=5)
"""How far the cloud's clock may be behind the server's."""
_UTF8_BOM = b"\xef\xbb\xbf"


class Azure(CloudProvider):
    """Azure Blob Storage. A bucket is called a container there."""

    kind = StorageLocationName.AZURE
    fields = (
        AccountField(
            "account",
            is_required=True,
            pattern=re.compile(r"[a-z0-9]{3,24}", re.ASCII),
            expected="3 to 24 lowercase letters and digits",
        ),
        AccountField("endpoint"),
    )
    required_credentials = frozenset({"account_key"})
    endpoint_has_path = True
    credential_error_codes = frozenset({"AuthenticationFailed"})

    def signer(self, account: CloudAccount) -> Signer:
        return AzureSigner(account)

    def split_https_url(self, account: CloudAccount, url: SplitResult) -> tuple[str, str] | None:
        base = urlsplit(_endpoint(account))
        if (url.scheme, url.netloc) != (base.scheme, base.netloc):
            return None
        if not f"{url.path}/".startswith(f"{base.path}/"):
            return None
        bucket, key = split_path(url.path.removeprefix(base.path).removeprefix("/"))
        return unquote(bucket), key

    def object_url(self, account: CloudAccount, location: ObjectLocation) -> str:
        key = re.sub(r"[%?#\s\\]", lambda match: quote(match[0]), location.key)
        return f"{_endpoint(account)}/{location.bucket}/{key}"

    def url_prefix(self, account: CloudAccount) -> str:
        return _endpoint(account)


class AzureSigner:
    """Signer of one account, whose key is the base64 text that Azure shows."""

    def __init__(self, account: CloudAccount) -> None:
        self._account = account.account or ""
        self._endpoint = _endpoint(account)
        key = (account.credentials or {}).get("account_key", "")
        try:
            self._key = base64.b64decode(key, validate=True)
        except ValueError:
            raise FetchError(ErrorCode.CONFLICT, "The account key is not valid base64.") from None

    def head(self, location: ObjectLocation, lifetime: timedelta) -> str:
        return self.get(location, lifetime)

    def get(self, location: ObjectLocation, lifetime: timedelta) -> str:
        start = now()
        return self._sign("b", f"{location.bucket}/{location.key}", start, start + lifetime, {})

    def download(self, location: ObjectLocation, download: Download) -> str:
        headers = {
            "rscc": download.cache_control,
            "rscd": download.content_disposition,
            "rsct": download.content_type,
        }
        path = f"{location.bucket}/{location.key}"
        return self._sign("b", path, download.signed_at, download.expires_at, headers)

    def page(
        self, location: ObjectLocation, after: str | None, size: int, lifetime: timedelta
    ) -> str:
        query = {
            "restype": "container",
            "comp": "list",
            "prefix": location.key,
            "maxresults": str(size),
        }
        if after:
            query["marker"] = after
        start = now()
        url = self._sign("c", location.bucket, start, start + lifetime, {})
        return f"{url}&{urlencode(query)}"

    def read_page(self, data: bytes) -> ObjectPage:
        root = parse_xml(data.removeprefix(_UTF8_BOM))
        if root.tag != "EnumerationResults":
            raise ValueError(f"expected EnumerationResults, got {root.tag}")
        objects = []
        for entry in root.iterfind("Blobs/Blob"):
            modified = entry.findtext("Properties/Last-Modified")
            objects.append(
                CloudObject(
                    key=required_text(entry, "Name"),
                    size=int(required_text(entry, "Properties/Content-Length")),
                    etag=entry.findtext("Properties/Etag"),
                    last_modified=parsedate_to_datetime(modified).astimezone(UTC)
                    if modified
                    else None,
                    is_archived=entry.findtext("Properties/AccessTier") == "Archive",
                )
            )
        return ObjectPage(objects, root.findtext("NextMarker") or None)

    def _sign(
        self,
        resource: str,
        path: str,
        signed_at: datetime,
        expires_at: datetime,
        headers: dict[str, str],
    ) -> str:
        """Return the signed URL that reads a blob (`b`) or lists a container (`c`)."""
        claims = {
            "sp": _PERMISSIONS[resource],
            "st": _format_time(signed_at - _CLOCK_SKEW),
            "se": _format_time(expires_at),
            "sv": _API_VERSION,
            "sr": resource,
            **headers,
        }
        claims["sig"] = self._signature(path, claims)
        return f"{self._endpoint}/{quote(path, safe='/~')}?{urlencode(claims)}"

    def _signature(self, path: str, claims: dict[str, str]) -> str:
        """Return the base64 HMAC-SHA256 over a line per field, in the order that Azure defines."""
        lines = [
            claims["sp"],
            claims["st"],
            claims["se"],
            f"/blob/{self._account}/{path}",
            "",  # stored access policy
            "",  # IP range
            "",  # protocol
            claims["sv"],
            claims["sr"],
            "",  # snapshot
            "",  # encryption scope
            claims.get("rscc", ""),  # Cache-Control
            claims.get("rscd", ""),  # Content-Disposition
            "",  # Content-Encoding
            "",  # Content-Language
            claims.get("rsct", ""),  # Content-Type
        ]
        digest = hmac.digest(self._key, "\n".join(lines).encode(), hashlib.sha256)
        return base64.b64encode(digest).decode()


def _endpoint(account: CloudAccount) -> str:
    return (account.endpoint or f"https://{account.account}.blob.core.windows.net").rstrip("/")


def _format_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
