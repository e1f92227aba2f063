"""The secrets of projects, from which the pseudonyms of anonymized DICOM objects come."""

import base64
import secrets

import sqlalchemy as sa

from gateway.clouds.vault import UnsealFailed, Vault
from gateway.database.dialects import upsert
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode
from gateway.ids import uuid7
from gateway.models.base import new_row
from gateway.models.dicom import DicomProjectRecord, dicom_projects

SECRET_BYTES = 32


async def project_secret(transaction: Transaction, vault: Vault, key: str) -> bytes:
    """Return the secret of a project, which is created with its first use.

    Raises:
        DomainError: it cannot be decrypted, as the site's secret key has changed.
    """
    uuid, secret = uuid7(), base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    row = new_row(DicomProjectRecord, uuid=uuid, key=key, secret=vault.seal(uuid, secret))
    insert = upsert(transaction.connection, dicom_projects)
    await transaction.execute(insert.on_conflict_do_nothing(), [row])
    project = await transaction.single(
        sa.select(dicom_projects).where(dicom_projects.c.key == key), DicomProjectRecord
    )
    try:
        return base64.b64decode(vault.open(project.uuid, project.secret))
    except UnsealFailed:
        message = (
            "The project's secret cannot be decrypted because the site's secret key has changed. "
            "Choose another project key."
        )
        raise DomainError(ErrorCode.CONFLICT, message, ("projectKey",)) from None
