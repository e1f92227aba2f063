"""The secrets of projects, from which the pseudonyms of anonymized DICOM objects come."""

import base64
import secrets
from uuid import UUID

import sqlalchemy as sa

from gateway.clouds.vault import UnsealFailed, Vault
from gateway.database.dialects import upsert
from gateway.database.engine import Transaction
from gateway.database.tree import ancestors
from gateway.errors import DomainError, ErrorCode
from gateway.ids import uuid7
from gateway.models.base import new_row
from gateway.models.dicom import DicomProjectRecord, dicom_projects
from gateway.models.folders import FolderRecord, folders

SECRET_BYTES = 32


async def ensure_project(
    transaction: Transaction, vault: Vault, folder_uuid: UUID, key: str
) -> UUID:
    """Return the project with a key in the root folder of a folder, created with its first use.

    Projects of other root folders have other secrets, so that nobody finds out by guesses who the
    patients of a project are in whose folders they cannot write.
    """
    home = sa.select(folders).where(folders.c.uuid == folder_uuid)
    root = ancestors((await transaction.single(home, FolderRecord)).path)[-1]
    uuid, secret = uuid7(), base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    row = new_row(
        DicomProjectRecord,
        uuid=uuid,
        root_folder_uuid=root,
        key=key,
        secret=vault.seal(uuid, secret),
    )
    insert = upsert(transaction.connection, dicom_projects)
    await transaction.execute(insert.on_conflict_do_nothing(), [row])
    mine = (dicom_projects.c.root_folder_uuid == root) & (dicom_projects.c.key == key)
    project = sa.select(dicom_projects).where(mine)
    return (await transaction.single(project, DicomProjectRecord)).uuid


async def project_secret(transaction: Transaction, vault: Vault, uuid: UUID) -> bytes:
    """Return the secret of a project.

    Raises:
        DomainError: it cannot be decrypted, as the site's secret key has changed.
    """
    mine = sa.select(dicom_projects).where(dicom_projects.c.uuid == uuid)
    project = await transaction.single(mine, DicomProjectRecord)
    try:
        return base64.b64decode(vault.open(project.uuid, project.secret))
    except UnsealFailed:
        message = (
            "The project's secret cannot be decrypted because the site's secret key has changed. "
            "Choose another project key."
        )
        raise DomainError(ErrorCode.CONFLICT, message, ("projectKey",)) from None
