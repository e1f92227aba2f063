"""Encrypts stored secrets again with the secret in use."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.clouds.vault import UnsealFailed, Vault
from gateway.database.engine import Database
from gateway.models.dicom import dicom_projects
from gateway.models.integrations import cloud_integrations
from gateway.models.second_factors import second_factors

_BATCH = 100
_FIRST = UUID(int=0)


@dataclass(slots=True)
class Rotation:
    """Numbers of rows: encrypted again, left as they were, and those nobody can decrypt."""

    renewed: int = 0
    current: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        return (
            f"{self.renewed:,} encrypted again, {self.current:,} left as they were, "
            f"{self.unreadable:,} unreadable"
        )


class Rotations(NamedTuple):
    """The credentials of integrations, the secrets of DICOM projects, and second factors."""

    integrations: Rotation
    projects: Rotation
    factors: Rotation


class _SealedRow(NamedTuple):
    uuid: UUID
    secret: str


async def rotate_secrets(database: Database, vault: Vault) -> Rotations:
    """Encrypt all that is encrypted with the secret in use.

    Rows are committed in batches. If it is interrupted, call it again: those that are encrypted
    with that secret already are left alone.
    """
    return Rotations(
        await _rotate(database, vault, cloud_integrations),
        await _rotate(database, vault, dicom_projects),
        await _rotate(database, vault, second_factors),
    )


async def _rotate(database: Database, vault: Vault, table: sa.Table) -> Rotation:
    rotation, last = Rotation(), _FIRST
    while True:
        batch = (
            sa.select(table.c.uuid, table.c.secret)
            .where(table.c.uuid > last, table.c.secret.is_not(None))
            .order_by(table.c.uuid)
            .limit(_BATCH)
            .with_for_update()
        )
        async with database.writing() as transaction:
            rows = await transaction.rows(batch, _SealedRow)
            for row in rows:
                try:
                    renewed = vault.reseal(row.uuid, row.secret)
                except UnsealFailed:
                    rotation.unreadable += 1
                    continue
                if renewed is None:
                    rotation.current += 1
                    continue
                await transaction.execute(
                    sa.update(table).where(table.c.uuid == row.uuid).values(secret=renewed)
                )
                rotation.renewed += 1
        if len(rows) < _BATCH:
            return rotation
        last = rows[-1].uuid
