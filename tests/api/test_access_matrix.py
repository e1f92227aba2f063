"""Access to every mutation: by a stranger, by a member without the required role, and by one with it."""

import pytest

from tests.fixtures.access_world import HOLDERS, STRANGER, World
from tests.fixtures.deletions import wait_until_removed
from tests.fixtures.dumps import assert_unchanged, dump
from tests.fixtures.items import create_dataset, upload_items
from tests.fixtures.mutation_inputs import ALLOWED_BUT, MATRIX
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, announce

pytestmark = pytest.mark.asyncio(loop_scope="module")
JOURNALED = {"folders", "items"}
"""Tables whose changes are all in the journal."""
HIDDEN = {"answerJoinRequest", "cancelVideoReencode", "revokeApiKey", "rotateApiKey"}
"""Mutations of what is hidden from all who lack the role, such as API keys of others and requests to join."""


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module."""
    return shared_site


async def test_every_mutation_is_in_the_matrix_and_states_its_role(site: Site) -> None:
    """The matrix covers every mutation of the schema, so that new ones cannot be forgotten."""
    data = await site.ask("{ __schema { mutationType { fields { name description } } } }")
    fields = {field["name"]: field["description"] for field in data["__schema"]["mutationType"]["fields"]}
    assert set(fields) == set(MATRIX)
    assert [name for name, description in fields.items() if "\n\nRequires: " not in description] == []


async def test_every_mutation_is_refused_without_the_role(site: Site) -> None:
    """Strangers get NOT_FOUND, members without the role FORBIDDEN, and nothing changes.

    Inventory: MID-ERR-16, MID-ERR-17, SUB-134.
    """
    world = await World(site).fill()
    for mutation, (needed, build) in MATRIX.items():
        if needed == "OWN":
            continue
        await wait_until_removed(site)  # A deletion would take what is built next, too.
        input = await build(world)
        await wait_until_removed(site)
        lesser = [email for role, email in HOLDERS.items() if needed == "SITE" or ranks(role) < ranks(needed)]
        async with assert_unchanged(site):
            for who in (STRANGER, *lesser):
                hidden = mutation in HIDDEN or (who == STRANGER and needed != "SITE")
                refused = await site.refused(mutation, input, who)
                assert {code for code, _ in refused} == {"NOT_FOUND" if hidden else "FORBIDDEN"}, (
                    mutation,
                    who,
                    refused,
                )
                assert all(path.startswith("input") for _, path in refused), (mutation, refused)
        allowed = "admin" if needed == "SITE" else HOLDERS[needed]
        before = set(await dump(site))
        assert await site.refused(mutation, input, allowed) == ALLOWED_BUT.get(mutation, []), mutation
        changed = {table for table, *_ in before.symmetric_difference(await dump(site))}
        assert "changes" in changed or not changed & JOURNALED, f"{mutation} changes {changed} without the journal"


def ranks(role: str) -> int:
    """Return how strong a role is."""
    return ["VIEWER", "USER", "ADMIN"].index(role)


async def test_both_ends_of_a_move_and_of_a_link_are_guarded(site: Site) -> None:
    """A role at one end is not enough.

    Inventory: ENC-FOLDEROP-08, ENC-FOLDEROP-09, ENC-DOP-05, SUB-134.
    """
    who, group = "ends@example.org", await site.group("ends")
    await site.user(who, groups=[group])
    mine, theirs = await site.folder("mine", who=who), await site.folder("theirs")
    inner = await site.folder("inner", mine, who)
    item = (await upload_items(site, mine, [File("n", "PLAIN_TEXT", b"n")], who))[0]
    hidden = (await upload_items(site, theirs, [File("h", "PLAIN_TEXT", b"h")]))[0]
    own = await create_dataset(site, "own", who=who)
    there = [
        ("moveStorageFolders", {"folderUuids": [inner], "newParentUuid": theirs}),
        ("moveStorageItems", {"itemUuids": [item], "newParentUuid": theirs}),
    ]
    shared = {"itemUuids": [item], "folderUuid": theirs}
    for role, code in ((None, "NOT_FOUND"), ("VIEWER", "FORBIDDEN")):
        if role:
            await site.grant(theirs, group, role)
        async with assert_unchanged(site):
            for mutation, input in there:
                assert await site.refused(mutation, input, who) == [(code, "input.newParentUuid")]
            assert await site.refused("shareStorageItems", shared, who) == [(code, "input.folderUuid")]
    await site.done("removeStorageFolderGroups", {"folderUuid": theirs, "groupUuids": [group]}, "folder { uuid }")
    async with assert_unchanged(site):
        away = {"itemUuids": [item, hidden], "newParentUuid": inner}
        assert await site.refused("moveStorageItems", away, who) == [("NOT_FOUND", "input.itemUuids.1")]
        shared_away = {"itemUuids": [item, hidden], "folderUuid": inner}
        assert await site.refused("shareStorageItems", shared_away, who) == [("NOT_FOUND", "input.itemUuids.1")]
        link = {"datasetUuid": own, "itemUuids": [item, hidden]}
        assert await site.refused("linkItemsToDataset", link, who) == [("NOT_FOUND", "input.itemUuids.1")]
    await site.grant(theirs, group, "USER")
    for mutation, input in there:
        assert await site.refused(mutation, input, who) == []


async def test_bytes_of_others_cannot_be_reused(site: Site) -> None:
    """A digest, an object URL or a placeholder of others gives no access to their bytes.

    Inventory: SUB-121, SUB-058.
    """
    who = "thief@example.org"
    await site.user(who)
    mine, theirs = await site.folder("thief's", who=who), await site.folder("victim's")
    secret = File("secret", "PLAIN_TEXT", b"only mine")
    item = (await upload_items(site, theirs, [secret]))[0]
    data = await site.ask("query($u: UUID!) { storageItem(uuid: $u) { url sha256 } }", {"u": item})
    digest, url = data["storageItem"]["sha256"], data["storageItem"]["url"]
    assert (await announce(site, mine, [secret], sha256=digest))[0]["alreadyStored"] is True
    assert (await announce(site, mine, [secret], who, sha256=digest))[0]["alreadyStored"] is False
    waiting = (await announce(site, theirs, [secret]))[0]["itemUuid"]
    async with assert_unchanged(site):
        for source in ({"objectUrl": url}, {"placeholderUuid": waiting}, {"placeholderUuid": item}):
            wanted = {"folderUuid": mine, "items": {"text": [source]}}
            refused = await site.refused("startUploadJob", wanted, who)
            assert [code for code, _ in refused] == ["NOT_FOUND"], source
