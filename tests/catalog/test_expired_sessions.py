"""Sessions that have expired: a sweep removes them after a while."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from gateway.clock import now
from gateway.models.people import api_keys
from tests.fixtures.sites import Site
from tests.fixtures.uploading import run_sweep


async def test_sessions_are_removed_a_week_after_they_expired(site: Site) -> None:
    """Keys stay, however long ago they expired."""
    key = await site.done("createApiKey", {"name": "k"}, "token apiKey { uuid }")
    site.keys["parent"] = key["token"]
    uuids = [(await site.done("createSession", {}, "session { uuid }", "parent"))["session"]["uuid"] for _ in range(2)]
    ages = {uuids[0]: 6, uuids[1]: 8, key["apiKey"]["uuid"]: 8}
    async with site.services.database.writing() as transaction:
        for uuid, days in ages.items():
            expired = now() - timedelta(days=days)
            same = sa.update(api_keys).where(api_keys.c.uuid == UUID(uuid))
            await transaction.execute(same.values(expires_at=expired))
    await run_sweep(site)
    chosen = sa.select(api_keys.c.uuid).where(api_keys.c.uuid.in_(map(UUID, ages)))
    left = {str(row.uuid) for row in await site.services.database.rows(chosen, sa.Row)}
    assert left == {*ages} - {uuids[1]}
