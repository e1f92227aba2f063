"""Sharing: who may put items into further folders, what is kept with it, and what others see of it."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.api.test_identity import mask, without_phi
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


def text(name: str) -> File:
    """Return a text file with a name."""
    return File(name, "PLAIN_TEXT", name.encode())


async def share(site: Site, folder: str, *items: str, who: str = "admin") -> None:
    """Share items into a folder."""
    given = {"itemUuids": list(items), "folderUuid": folder}
    await site.done("shareStorageItems", given, "folder { uuid } results { item { uuid } }", who)


async def unshare(site: Site, folder: str | None, *items: str, who: str = "admin") -> None:
    """Take items out of a folder."""
    given = {"itemUuids": list(items), "folderUuid": folder}
    await site.done("unshareStorageItems", given, "folder { uuid } results { uuid }", who)


@dataclass
class House:
    """An item in a folder of its owner, and a folder of theirs that a guest sees."""

    site: Site
    home: str
    place: str
    item: str
    guest: str

    async def name_for_guest(self) -> str | None:
        """Return the name of the item as the guest sees it."""
        seen = await self.site.see("storageItem", self.item, "name", self.guest)
        return seen and str(seen["name"])


async def build(site: Site, role: str = "VIEWER") -> House:
    """Create the house; the item is not shared yet."""
    home, place, group = await site.folder("home"), await site.folder("place"), await site.group("guests")
    await site.grant(place, group, role)
    [item] = await upload_items(site, home, [text("b.txt")])
    return House(site, home, place, item, await site.newcomer(group))


async def shared_count(site: Site, folder: str) -> int:
    """Return how many items are shared into a folder, by its summary."""
    return int((await site.see("storageFolder", folder, "summary { sharedItems }"))["summary"]["sharedItems"])


async def test_items_are_shared_and_taken_out_again(site: Site) -> None:
    """Sharing again, or into the own folder, changes nothing.

    Inventory: MID-CORE-26, SUB-129.
    """
    house = await build(site)
    assert await house.name_for_guest() is None
    await share(site, house.place, house.item)
    assert (await house.name_for_guest(), await shared_count(site, house.place)) == ("b.txt", 1)
    async with assert_unchanged(site):
        await share(site, house.place, house.item)
        await share(site, house.home, house.item)
    await unshare(site, house.place, house.item)
    assert (await house.name_for_guest(), await shared_count(site, house.place)) == (None, 0)
    async with assert_unchanged(site):
        await unshare(site, house.place, house.item)
    other = await site.folder("other")
    for folder in (house.place, other):
        await share(site, folder, house.item)
    await unshare(site, None, house.item)
    assert [await shared_count(site, folder) for folder in (house.place, other)] == [0, 0]


async def test_a_place_gives_no_more_than_reading(site: Site) -> None:
    """FORBIDDEN, not NOT_FOUND: those who see the item may know that it exists."""
    house = await build(site, "ADMIN")
    await share(site, house.place, house.item)
    own = await site.folder("own", who=house.guest)
    items = {"itemUuids": [house.item]}
    refused = [("FORBIDDEN", "input.itemUuids.0")]
    async with assert_unchanged(site):
        for mutation, input in (
            ("moveStorageItems", {**items, "newParentUuid": own}),
            ("deleteStorageItems", items),
            ("shareStorageItems", {**items, "folderUuid": own}),
            ("unshareStorageItems", items),
        ):
            assert await site.refused(mutation, input, house.guest) == refused, mutation
        update = {"itemUuid": house.item, "name": "new"}
        assert await site.refused("updateStorageItem", update, house.guest) == [("FORBIDDEN", "input.itemUuid")]
    assert (await site.see("storageItem", house.item, "signedUrl { url }", house.guest))["signedUrl"]


async def test_an_admin_of_either_folder_takes_items_out(site: Site) -> None:
    """A lesser role on the place does not suffice."""
    house = await build(site, "USER")
    await share(site, house.place, house.item)
    out = {"itemUuids": [house.item], "folderUuid": house.place}
    assert await site.refused("unshareStorageItems", out, house.guest) == [("FORBIDDEN", "input.itemUuids.0")]
    group = await site.group("stewards")
    await site.grant(house.place, group, "ADMIN")
    steward = await site.newcomer(group)
    await unshare(site, house.place, house.item, who=steward)
    assert await house.name_for_guest() is None


async def test_shares_follow_their_item(site: Site) -> None:
    """Deleting the item takes it out of all folders; moving it to where it was shared makes it at home there."""
    house = await build(site)
    [other] = await upload_items(site, house.home, [text("c.txt")])
    await share(site, house.place, house.item, other)
    await site.done("deleteStorageItems", {"itemUuids": [other]}, "results { uuid }")
    assert await shared_count(site, house.place) == 1
    moved = {"itemUuids": [house.item], "newParentUuid": house.place}
    await site.done("moveStorageItems", moved, "results { uuid }")
    summary = await site.see("storageFolder", house.place, "summary { sharedItems plainTexts }")
    assert summary["summary"] == {"sharedItems": 0, "plainTexts": 1}
    assert await house.name_for_guest() == "b.txt"


async def test_an_item_is_in_at_most_a_hundred_other_folders(site: Site) -> None:
    house = await build(site)
    folders = [await site.folder(f"{number}") for number in range(101)]
    for folder in folders[:100]:
        await share(site, folder, house.item)
    given = {"itemUuids": [house.item], "folderUuid": folders[100]}
    assert await site.refused("shareStorageItems", given) == [("LIMIT_EXCEEDED", "input.itemUuids.0")]
    await share(site, folders[99], house.item)
    await unshare(site, None, house.item)


async def test_nothing_is_shared_out_of_a_masked_tree(site: Site) -> None:
    """Only those who see identities there may, as with moves."""
    house = await build(site)
    await mask(site, house.home)
    group = await site.group("curators")
    for folder in (house.home, house.place):
        await site.grant(folder, group, "ADMIN")
    curator = await site.newcomer(group)
    given = {"itemUuids": [house.item], "folderUuid": house.place}
    for who in (curator, await without_phi(site, "admin")):
        assert await site.refused("shareStorageItems", given, who) == [("FORBIDDEN", "input.itemUuids.0")]
    await share(site, house.place, house.item)
    seen = await site.see("storageItem", house.item, "url signedUrlUnavailableReason", house.guest)
    assert seen["signedUrlUnavailableReason"] == "PHI_RESTRICTED"


async def test_nothing_is_published_by_accident(site: Site) -> None:
    """An item that is in a public folder already is not."""
    house = await build(site)
    public = {"visibility": "PUBLIC"}
    for folder in (house.place, other := await site.folder("other")):
        await site.done("setStorageFolderVisibility", {"folderUuid": folder, **public}, "folder { uuid }")
    given = {"itemUuids": [house.item], "folderUuid": house.place}
    stranger = await site.newcomer()
    async with assert_unchanged(site):
        assert await site.refused("shareStorageItems", given) == [("CONFLICT", "input.itemUuids.0")]
    await site.done("shareStorageItems", {**given, "allowPublic": True}, "folder { uuid }")
    assert (await site.see("storageItem", house.item, "name", stranger)) == {"name": "b.txt"}
    await share(site, other, house.item)


async def test_journals_of_all_its_folders_tell_of_an_item(site: Site) -> None:
    """Also of its deletion; the guest does not learn which folder it is at home in."""
    house = await build(site)
    await share(site, house.place, house.item)
    await site.done("updateStorageItem", {"itemUuid": house.item, "name": "n"}, "item { uuid }")
    await site.done("deleteStorageItems", {"itemUuids": [house.item]}, "results { uuid }")
    entries = "journal { nodes { action folder { uuid } fromFolder { uuid } } }"
    seen = (await site.see("storageFolder", house.place, entries, house.guest))["journal"]["nodes"]
    actions = [(each["action"], bool(each["folder"]), each["fromFolder"]) for each in seen]
    assert actions[:3] == [("DELETE", False, None), ("UPDATE", False, None), ("SHARE", True, None)]
    home = (await site.see("storageFolder", house.home, entries))["journal"]["nodes"]
    assert [each["action"] for each in home][:3] == ["DELETE", "UPDATE", "SHARE"]


async def test_many_share_at_once(site: Site) -> None:
    """Whoever comes first shares it, and all succeed."""
    house = await build(site)
    folders = [house.place, await site.folder("below", house.place)]
    await asyncio.gather(*(share(site, folders[number % 2], house.item) for number in range(8)))
    assert [await shared_count(site, folder) for folder in folders] == [1, 1]
