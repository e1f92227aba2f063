"""Folders that are created with a visibility of their own."""

import pytest

from tests.api.test_public_journals import told
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_folders_are_private_or_public_from_the_first_moment(shared_site: Site) -> None:
    """Whoever makes it differ from the parent must be `ADMIN` there."""
    site, team, stranger = shared_site, await shared_site.group("writers"), await shared_site.newcomer()
    writer = await site.newcomer(team)
    made = {}
    for visibility in ("PUBLIC", "PRIVATE"):
        given = {"name": f"root {visibility}", "visibility": visibility}
        made[visibility] = (await site.done("createStorageFolder", given, "folder { uuid }"))["folder"]["uuid"]
        await site.grant(made[visibility], team, "USER")
        assert (await site.see("storageFolder", made[visibility], "name", stranger) is not None) == (
            visibility == "PUBLIC"
        )
    for parent, other in (("PUBLIC", "PRIVATE"), ("PRIVATE", "PUBLIC")):
        below = {"name": f"own {other}", "parentUuid": made[parent], "visibility": other}
        assert await site.refused("createStorageFolder", below, writer) == [("FORBIDDEN", "input.visibility")]
        same = below | {"name": "as above", "visibility": parent}
        await site.done("createStorageFolder", same, "folder { uuid }", writer)
        child = (await site.done("createStorageFolder", below, "folder { uuid visibility }"))["folder"]
        assert child["visibility"] == other
        assert (await site.see("storageFolder", child["uuid"], "name", stranger) is not None) == (other == "PUBLIC")
    seen = await told(site, made["PUBLIC"], stranger)
    assert "own PRIVATE" not in seen and "as above" in seen
