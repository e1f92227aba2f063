"""Rotation of the secret key: former keys still count, and stored credentials are encrypted again."""

import secrets
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.auth.secret import site_secrets
from gateway.catalog.dicom_projects import ensure_project, project_secret
from gateway.catalog.secret_rotation import rotate_secrets
from gateway.clouds.vault import Vault
from gateway.database.engine import Transaction
from gateway.errors import DomainError
from gateway.ids import uuid7
from gateway.kinds.enums import StorageLocationName
from gateway.models.folders import FolderRecord, folders
from gateway.models.integrations import CloudIntegrationRecord, cloud_integrations
from gateway.settings import Settings
from gateway.stores.disk import DiskStore
from gateway.stores.signing import BadSignature
from gateway.wiring import open_services
from tests.commands.test_command_line import run

COUNT = 230
"""Integrations: more than are committed at once."""


async def add_integrations(settings: Settings, sealed_with: bytes, count: int) -> None:
    """Insert integrations whose credentials are encrypted with a secret."""
    vault = Vault(sealed_with)
    async with open_services(settings) as services, services.database.writing() as transaction:
        rows = []
        for number in range(count):
            row = CloudIntegrationRecord(
                title=f"{number}", title_key=f"{number}", kind=StorageLocationName.S3, locations=["s3://bucket"]
            )
            rows.append({**row.model_dump(), "secret": vault.seal(row.uuid, '{"key": "k"}')})
        await transaction.execute(sa.insert(cloud_integrations), rows)


def settings_with(directory: Path, url: str, **more: Any) -> Settings:
    """Return the settings of an embedded site."""
    return Settings(data_dir=directory, database_url=url, **more)


async def test_credentials_are_encrypted_again(tmp_path: Path, embedded_url: str) -> None:
    """Those that were before are left alone, and those that nobody can decrypt are counted."""
    old, new, lost = (secrets.token_hex(32) for _ in range(3))
    before = settings_with(tmp_path, embedded_url, secret_key=old)
    await add_integrations(before, old.encode(), COUNT)
    await add_integrations(before, lost.encode(), 1)
    after = settings_with(tmp_path, embedded_url, secret_key=new, former_secret_keys=[old])
    async with open_services(after) as services:
        first, *_ = await rotate_secrets(services.database, services.vault)
        again, *_ = await rotate_secrets(services.database, services.vault)
    assert (first.renewed, first.current, first.unreadable) == (COUNT, 0, 1)
    assert (again.renewed, again.current, again.unreadable) == (0, COUNT, 1)
    rows = await _secrets(settings_with(tmp_path, embedded_url, secret_key=new))
    opened = [Vault(new.encode()).open(row.uuid, row.secret) for row in rows[:COUNT]]
    assert opened == ['{"key": "k"}'] * COUNT


async def secrets_of_projects(settings: Settings, keys: list[str]) -> list[bytes]:
    """Return the secrets of projects, which are created if they are missing."""
    async with open_services(settings) as services, services.database.writing() as transaction:
        [folder, *_] = await transaction.rows(sa.select(folders), FolderRecord) or [await _add_folder(transaction)]
        projects = [await ensure_project(transaction, services.vault, folder.uuid, key) for key in keys]
        return [await project_secret(transaction, services.vault, project) for project in projects]


async def _add_folder(transaction: Transaction) -> FolderRecord:
    new = uuid7()
    folder = FolderRecord(uuid=new, path=new.hex, name="trials", name_key="trials")
    await transaction.execute(sa.insert(folders).values(folder.model_dump()))
    return folder


async def test_secrets_of_projects_survive_rotation(tmp_path: Path, embedded_url: str) -> None:
    """Pseudonyms would change otherwise. Without the former key, they are lost for good, and that is said."""
    old, new, lost = (secrets.token_hex(32) for _ in range(3))
    projects = [f"trial {number}" for number in range(COUNT)]
    before = await secrets_of_projects(settings_with(tmp_path, embedded_url, secret_key=old), projects)
    assert len(set(before)) == COUNT
    assert {len(secret) for secret in before} == {32}
    async with open_services(
        settings_with(tmp_path, embedded_url, secret_key=new, former_secret_keys=[old])
    ) as services:
        _, rotation, *_ = await rotate_secrets(services.database, services.vault)
    assert (rotation.renewed, rotation.current, rotation.unreadable) == (COUNT, 0, 0)
    now = settings_with(tmp_path, embedded_url, secret_key=new)
    assert await secrets_of_projects(now, projects) == before
    with pytest.raises(DomainError) as caught:
        await secrets_of_projects(settings_with(tmp_path, embedded_url, secret_key=lost), projects)
    assert caught.value.path == ("projectKey",)


async def _secrets(settings: Settings) -> list[Any]:
    async with open_services(settings) as services:
        chosen = sa.select(cloud_integrations.c.uuid, cloud_integrations.c.secret)
        return await services.database.rows(chosen.order_by(cloud_integrations.c.uuid), sa.Row)


async def test_urls_that_a_former_key_signed_stay_valid(tmp_path: Path, embedded_url: str) -> None:
    old, new, key = secrets.token_hex(32), secrets.token_hex(32), uuid.uuid4().hex
    async with open_services(settings_with(tmp_path, embedded_url, secret_key=old)) as services:
        url = (await services.store.sign_get(key, "a", "text/plain", timedelta(hours=1))).url
    query = url.partition("?")[2]
    both = settings_with(tmp_path, embedded_url, secret_key=new, former_secret_keys=[old])
    async with open_services(both) as services:
        assert isinstance(services.store, DiskStore)
        assert services.store.claims("GET", key, query)["name"] == "a"
        fresh = (await services.store.sign_get(key, "a", "text/plain", timedelta(hours=1))).url
    async with open_services(settings_with(tmp_path, embedded_url, secret_key=new)) as services:
        assert isinstance(services.store, DiskStore)
        assert services.store.claims("GET", key, fresh.partition("?")[2])
        with pytest.raises(BadSignature):
            services.store.claims("GET", key, query)


async def test_a_generated_secret_is_rotated_by_commands(tmp_path: Path, embedded_url: str) -> None:
    """The former one stays in the file until it is forgotten; nobody else can read the file."""
    settings = settings_with(tmp_path, embedded_url)
    old = site_secrets(settings).current
    await add_integrations(settings, old, 1)
    variables = {"STOREGRAPH_DATABASE_URL": embedded_url}
    code, out, _ = await run(tmp_path, "rotate-secrets", "--generate", **variables)
    assert (code, "Restart the site" in out) == (0, True)
    between = site_secrets(settings)
    assert (between.former, between.current != old) == ((old,), True)
    code, out, _ = await run(tmp_path, "rotate-secrets", "--forget", **variables)
    assert (code, "1 encrypted again, 0 left as they were, 0 unreadable" in out) == (0, True)
    assert site_secrets(settings).former == ()
    [row] = await _secrets(settings)
    assert Vault(between.current).open(row.uuid, row.secret)
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    given = {**variables, "STOREGRAPH_SECRET_KEY": "x" * 40}
    code, _, problem = await run(tmp_path, "rotate-secrets", "--generate", **given)
    assert (code, "STOREGRAPH_SECRET_KEY is set" in problem) == (1, True)
