"""Opens the clouds of integrations and caches them while the integration stays unchanged."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from uuid import UUID

import orjson

from gateway.clouds.base import CloudAccount
from gateway.clouds.cloud import Cloud
from gateway.clouds.providers import PROVIDERS
from gateway.clouds.urls import make_account
from gateway.clouds.vault import UnsealFailed, Vault
from gateway.errors import ErrorCode
from gateway.fetching.errors import AccessFault
from gateway.fetching.fetcher import Fetcher
from gateway.models.integrations import CloudIntegrationRecord
from gateway.telemetry.calls import measure_calls

_CACHE_SIZE = 100


class Clouds:
    """Opens clouds; `shares_credentials` says whether integrations may use the server's own."""

    def __init__(self, vault: Vault, fetcher: Fetcher, *, shares_credentials: bool) -> None:
        self._vault = vault
        self._fetcher = fetcher
        self.shares_credentials = shares_credentials
        self._cache: OrderedDict[Hashable, Cloud] = OrderedDict()

    def seal(self, uuid: UUID, credentials: dict[str, str]) -> str:
        """Encrypt the credentials of an integration for its row."""
        return self._vault.seal(uuid, orjson.dumps(credentials).decode())

    def account_for(self, row: CloudIntegrationRecord) -> CloudAccount:
        """Return the account of an integration.

        Raises a `FetchError` if its credentials cannot be decrypted or may not be used.
        """
        account = make_account(
            row.kind,
            row.endpoint,
            row.region,
            row.account,
            row.locations,
            row.public_endpoint,
            row.addressing_style,
        )
        return replace(account, credentials=self._credentials_of(row))

    async def for_integration(self, row: CloudIntegrationRecord) -> Cloud:
        """Return the cloud of an integration; raises a `FetchError` as `account_for` does."""
        key = (
            row.uuid,
            row.endpoint,
            row.region,
            row.account,
            row.public_endpoint,
            row.addressing_style,
            row.secret,
            tuple(row.locations),
        )
        if key not in self._cache:
            self._cache[key] = await self.open(self.account_for(row))
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]

    async def open(self, account: CloudAccount) -> Cloud:
        """Return the cloud of an account, which need not belong to an integration yet."""
        signer = await asyncio.to_thread(PROVIDERS[account.kind].signer, account)
        cloud = Cloud(account, signer, self._fetcher)
        return measure_calls(cloud, account.kind.lower(), ("head", "read", "list_objects"))

    def _credentials_of(self, row: CloudIntegrationRecord) -> dict[str, str] | None:
        """Return the decrypted credentials; None where the server's own are used instead."""
        if row.uses_server_credentials:
            if not self.shares_credentials:
                message = (
                    "The integration uses the server's credentials, which this site does not "
                    "allow: give it credentials of its own."
                )
                raise AccessFault(ErrorCode.FORBIDDEN, message)
            return None
        try:
            credentials: dict[str, str] = orjson.loads(self._vault.open(row.uuid, row.secret or ""))
            return credentials
        except UnsealFailed:
            message = (
                "The integration's credentials cannot be decrypted because the site's secret key "
                "has changed: set the credentials again."
            )
            raise AccessFault(ErrorCode.CONFLICT, message) from None
