"""Clouds as integrations describe them: opened when they are needed, and kept while the integration stays as it is."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from gateway.clouds.azure import AzureSigner
from gateway.clouds.base import CloudAccount, Signer
from gateway.clouds.cloud import Cloud
from gateway.clouds.s3 import S3Signer
from gateway.clouds.urls import make_account
from gateway.clouds.vault import UnsealFailed, Vault
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import Fetcher
from gateway.kinds.enums import StorageLocationName

_KEPT = 100


class Clouds:
    """Opens clouds; `shares_credentials` says whether integrations may go out with the server's own credentials."""

    def __init__(self, vault: Vault, fetcher: Fetcher, *, shares_credentials: bool) -> None:
        self._vault = vault
        self._fetcher = fetcher
        self.shares_credentials = shares_credentials
        self._kept: OrderedDict[tuple[Any, ...], Cloud] = OrderedDict()

    def seal(self, uuid: UUID, credentials: dict[str, str]) -> str:
        """The credentials of an integration as its row holds them."""
        return self._vault.seal(uuid, orjson.dumps(credentials).decode())

    def account_for(self, row: Any) -> CloudAccount:
        """How the store of an integration's row is reached; raises a `FetchError` where it is not."""
        account = make_account(row.kind, row.endpoint, row.region, row.account, row.locations)
        return replace(account, credentials=self._credentials(row))

    async def for_integration(self, row: Any) -> Cloud:
        """The cloud of an integration's row; raises a `FetchError` where it cannot be reached."""
        key = (row.uuid, row.endpoint, row.region, row.account, row.secret, tuple(row.locations))
        if key not in self._kept:
            self._kept[key] = await self.open(self.account_for(row))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    async def open(self, account: CloudAccount) -> Cloud:
        """The cloud of an account, whether or not there is an integration for it."""
        kind: Callable[[CloudAccount], Signer] = (
            AzureSigner if account.kind is StorageLocationName.AZURE else S3Signer
        )
        return Cloud(
            account, await asyncio.to_thread(kind, account), self._fetcher
        )  # boto3 reads many files first

    def _credentials(self, row: Any) -> dict[str, str] | None:
        if row.uses_server_credentials:
            if not self.shares_credentials:
                said = "The integration goes out with the server's own credentials, which the site does not allow."
                raise FetchError(ErrorCode.FORBIDDEN, said)
            return None
        try:
            opened: dict[str, str] = orjson.loads(self._vault.open(row.uuid, row.secret or ""))
            return opened
        except UnsealFailed:
            said = "The integration's credentials cannot be read, for the site's secret is another: give them again."
            raise FetchError(ErrorCode.CONFLICT, said) from None
