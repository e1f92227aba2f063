"""The rows that reading the files of units needs, read once for all units of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.integrations import OpenedIntegration, open_integrations
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.fetching.errors import FetchError
from gateway.models.items import ItemRecord, items
from gateway.models.uploads import UploadRecord, UploadUnitRecord, uploads


@dataclass(frozen=True, slots=True)
class UnitRows:
    """The rows of some units.

    Attributes:
        uploads: their uploads, by item.
        members: the existing members of image sequences, by item.
        integrations: those that the uploads name by UUID, or why one cannot be used.
    """

    uploads: Mapping[UUID, UploadRecord]
    members: Mapping[UUID, ItemRecord]
    integrations: Mapping[UUID, OpenedIntegration | FetchError]

    @classmethod
    async def of(cls, services: Services, units: Sequence[UploadUnitRecord]) -> "UnitRows":
        """Read the rows."""
        expected = await uploads_by_item(services, units)
        named = {each.integration_uuid for each in expected.values() if each.integration_uuid}
        sequences = [unit for unit in units if unit.spec.get("video")]
        uuids = {UUID(hex=uuid) for unit in sequences for uuid in unit.spec.get("members", ())}
        members: dict[UUID, ItemRecord] = {}
        if uuids:
            chosen = sa.select(items).where(in_keys(items.c.uuid, uuids))
            members = {row.uuid: row for row in await services.database.rows(chosen, ItemRecord)}
        return cls(expected, members, await open_integrations(services, named))

    def integration_of(self, upload: UploadRecord) -> OpenedIntegration | None:
        """Return the integration that an upload names, if it names one.

        Raises:
            FetchError: the integration was deleted, or its cloud cannot be reached.
        """
        if upload.integration_uuid is None:
            return None
        opened = self.integrations[upload.integration_uuid]
        if isinstance(opened, FetchError):
            raise opened
        return opened


async def uploads_by_item(
    services: Services, units: Sequence[UploadUnitRecord]
) -> dict[UUID, UploadRecord]:
    """Return the uploads of units, by item."""
    chosen = sa.select(uploads).where(in_keys(uploads.c.unit_uuid, [unit.uuid for unit in units]))
    return {row.item_uuid: row for row in await services.database.rows(chosen, UploadRecord)}
