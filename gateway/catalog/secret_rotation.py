"""Encrypts stored credentials again with the secret in use."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from gateway.clouds.open import Clouds
from gateway.clouds.vault import UnsealFailed
from gateway.database.engine import Database
from gateway.models.integrations import CloudIntegrationRecord, cloud_integrations

_BATCH = 100
_FIRST = UUID(int=0)


@dataclass(slots=True)
class Rotation:
    """Numbers of integrations: encrypted again, left as they were, and those nobody can decrypt."""

    renewed: int = 0
    current: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        return (
            f"{self.renewed:,} encrypted again, {self.current:,} left as they were, "
            f"{self.unreadable:,} unreadable"
        )


async def rotate_secrets(database: Database, clouds: Clouds) -> Rotation:
    """Encrypt the credentials of all integrations with the secret in use.

    They are committed in batches. If it is interrupted, call it again: those that are encrypted
    with that secret already are left alone.
    """
    rotation, last = Rotation(), _FIRST
    while True:
        batch = (
            sa.select(cloud_integrations.c.uuid, cloud_integrations.c.secret)
            .where(cloud_integrations.c.uuid > last, cloud_integrations.c.secret.is_not(None))
            .order_by(cloud_integrations.c.uuid)
            .limit(_BATCH)
            .with_for_update()
        )
        async with database.writing() as transaction:
            rows = await transaction.rows(batch, CloudIntegrationRecord)
            for row in rows:
                try:
                    renewed = clouds.reseal(row.uuid, row.secret or "")
                except UnsealFailed:
                    rotation.unreadable += 1
                    continue
                if renewed is None:
                    rotation.current += 1
                    continue
                own = cloud_integrations.c.uuid == row.uuid
                await transaction.execute(
                    sa.update(cloud_integrations).where(own).values(secret=renewed)
                )
                rotation.renewed += 1
        if len(rows) < _BATCH:
            return rotation
        last = rows[-1].uuid
