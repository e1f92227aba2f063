"""Azure's blobs: signatures for one blob or one container (service SAS), made here from the account's key."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

from gateway.clouds.base import CloudAccount, CloudObject, ObjectLocation, ObjectPage
from gateway.clouds.urls import azure_endpoint
from gateway.clouds.xml import each, parsed, text
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.stores.headers import attachment_header, safe_media_type

_VERSION = "2021-12-02"
_SKEW = timedelta(minutes=5)
"""How much later than ours the cloud's clock may be."""


class AzureSigner:
    """Signs for one account; its key is in base64, as Azure gives it."""

    def __init__(self, account: CloudAccount) -> None:
        self._account = account.account or ""
        self._endpoint = (account.endpoint or azure_endpoint(self._account)).rstrip("/")
        try:
            self._key = base64.b64decode(
                (account.credentials or {}).get("account_key", ""), validate=True
            )
        except ValueError:
            raise FetchError(ErrorCode.CONFLICT, "The account's key is not in base64.") from None

    def head(self, place: ObjectLocation, lifetime: timedelta) -> str:
        return self.get(place, lifetime)

    def get(
        self,
        place: ObjectLocation,
        lifetime: timedelta,
        *,
        file_name: str = "",
        content_type: str = "",
    ) -> str:
        named = (
            {"rscd": attachment_header(file_name), "rsct": safe_media_type(content_type)}
            if file_name
            else {}
        )
        return self._sign("b", "r", place, lifetime, named)

    def page(self, place: ObjectLocation, after: str | None, size: int, lifetime: timedelta) -> str:
        query = {
            "restype": "container",
            "comp": "list",
            "prefix": place.key,
            "maxresults": str(size),
        }
        signed = self._sign("c", "l", ObjectLocation(place.bucket, ""), lifetime, {})
        return f"{signed}&{urlencode({**query, **({'marker': after} if after else {})})}"

    def read_page(self, data: bytes) -> ObjectPage:
        root = parsed(data.removeprefix(b"\xef\xbb\xbf"))
        objects = []
        for one in each(root, "Blobs/Blob"):
            modified = one.findtext("Properties/Last-Modified")
            objects.append(
                CloudObject(
                    key=text(one, "Name"),
                    size=int(text(one, "Properties/Content-Length")),
                    etag=one.findtext("Properties/Etag"),
                    last_modified=parsedate_to_datetime(modified).astimezone(UTC)
                    if modified
                    else None,
                )
            )
        return ObjectPage(objects, root.findtext("NextMarker") or None)

    def _sign(
        self,
        resource: str,
        permissions: str,
        place: ObjectLocation,
        lifetime: timedelta,
        answer: dict[str, str],
    ) -> str:
        path = "/".join(filter(None, (place.bucket, place.key)))
        moment = datetime.now(UTC)
        claims = {
            "sp": permissions,
            "st": _written(moment - _SKEW),
            "se": _written(moment + lifetime),
            "sv": _VERSION,
            "sr": resource,
            **answer,
        }
        claims["sig"] = self._signature(f"/blob/{self._account}/{path}", claims)
        return f"{self._endpoint}/{quote(path, safe='/~')}?{urlencode(claims)}"

    def _signature(self, resource: str, claims: dict[str, str]) -> str:
        """Over a line for each of the claims that there could be, in Azure's order."""
        lines = [
            *(claims[name] for name in ("sp", "st", "se")),
            resource,
            "",
            "",
            "",
            claims["sv"],
            claims["sr"],
        ]
        lines += ["", "", "", claims.get("rscd", ""), "", "", claims.get("rsct", "")]
        return base64.b64encode(
            hmac.digest(self._key, "\n".join(lines).encode(), hashlib.sha256)
        ).decode()


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
