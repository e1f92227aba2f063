"""Random actions on a world, done to the site and to the model alike."""

from dataclasses import dataclass
from random import Random

from tests.access.model import Folder, Item, World
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

FOLDERS, ITEMS = 12, 8
NAMES = 7
"""Names of folders, some of which several have."""
ADMIN = "the site admin"
"""Stands for a group of the user who acts: whoever makes a root is its ADMIN."""
VISIBILITIES = ["PUBLIC", "PUBLIC", "PRIVATE", None]


@dataclass
class Actor:
    """Someone with every right who changes a world at random."""

    site: Site
    world: World
    rng: Random
    groups: dict[str, str]
    """UUIDs of groups by name."""

    async def build(self) -> None:
        """Create folders and items."""
        for number in range(FOLDERS):
            known = list(self.world.folders)
            parent = self.rng.choice([None, *known[-6:]]) if known else None
            name = f"folder {number % NAMES}"
            uuid = await self.site.folder(name, parent)
            grants = {} if parent else {ADMIN: "ADMIN"}
            self.world.folders[uuid] = Folder(uuid, name, parent, grants=grants)
        home = self.rng.choice(list(self.world.folders))
        files = [File(f"item {number}", "PLAIN_TEXT", b"%d" % number) for number in range(ITEMS)]
        for number, uuid in enumerate(await upload_items(self.site, home, files)):
            self.world.items[uuid] = Item(uuid, f"item {number}", home)

    async def act(self, times: int) -> None:
        """Do something, so many times."""
        often = [self.publish, self.grant, self.move_folder, self.move_item, self.share] * 2
        actions = [*often, self.revoke, self.unshare, self.mask, self.delete]
        for _ in range(times):
            await self.rng.choice(actions)()

    def folder(self) -> Folder:
        """Return any folder."""
        return self.rng.choice(list(self.world.folders.values()))

    def item(self) -> Item:
        """Return any item."""
        return self.rng.choice(list(self.world.items.values()))

    async def publish(self) -> None:
        """Set a visibility, or clear it."""
        folder, visibility = self.folder(), self.rng.choice(VISIBILITIES)
        recursive = self.rng.random() < 0.2
        given = {"folderUuid": folder.uuid, "visibility": visibility, "recursive": recursive}
        await self.site.done("setStorageFolderVisibility", given, "folder { uuid }")
        folder.visibility = visibility
        for uuid in self.world.below(folder.uuid) if recursive else ():
            self.world.folders[uuid].visibility = None

    async def grant(self) -> None:
        """Give a group a role on a folder."""
        folder, group = self.folder(), self.rng.choice(list(self.groups))
        role = self.rng.choice(["VIEWER", "USER", "ADMIN"])
        await self.site.grant(folder.uuid, self.groups[group], role)
        folder.grants[group] = role

    async def revoke(self) -> None:
        """Take a role away."""
        held = [
            (folder, group) for folder in self.world.folders.values() for group in folder.grants if group in self.groups
        ]
        if not held:
            return
        folder, group = self.rng.choice(held)
        given = {"folderUuid": folder.uuid, "groupUuids": [self.groups[group]]}
        await self.site.done("removeStorageFolderGroups", given, "folder { uuid }")
        del folder.grants[group]

    async def move_folder(self) -> None:
        """Move a folder below another, or to the top."""
        folder = self.folder()
        others = set(self.world.folders) - {folder.uuid, *self.world.below(folder.uuid)}
        parent = self.rng.choice([None, *sorted(others)])
        given = {"folderUuids": [folder.uuid], "newParentUuid": parent, "allowPublic": True}
        await self.site.done("moveStorageFolders", given, "")
        was_public = self.world.is_public(folder.uuid)
        is_kept_masked = parent is None and any(up.is_masked for up in self.world.up(folder.uuid))
        folder.is_masked = folder.is_masked or is_kept_masked
        folder.parent = parent
        if was_public and parent is None and folder.visibility is None:
            folder.visibility = await self._own_visibility(folder)

    async def _own_visibility(self, folder: Folder) -> str | None:
        shown = await self.site.see("storageFolder", folder.uuid, "ownVisibility")
        own: str | None = shown["ownVisibility"]
        assert own in (None, "PRIVATE")
        return own

    async def move_item(self) -> None:
        """Move an item's home."""
        item, target = self.item(), self.folder()
        given = {"itemUuids": [item.uuid], "newParentUuid": target.uuid, "allowPublic": True}
        await self.site.done("moveStorageItems", given, "")
        item.home = target.uuid
        item.shares = [place for place in item.shares if place != target.uuid]

    async def share(self) -> None:
        """Share an item into a folder."""
        item, target = self.item(), self.folder()
        given = {"itemUuids": [item.uuid], "folderUuid": target.uuid, "allowPublic": True}
        await self.site.done("shareStorageItems", given, "")
        if target.uuid not in item.places:
            item.shares.append(target.uuid)

    async def unshare(self) -> None:
        """Take an item out of a folder that it is shared into."""
        item = self.item()
        if item.shares:
            place = self.rng.choice(item.shares)
            given = {"itemUuids": [item.uuid], "folderUuid": place}
            await self.site.done("unshareStorageItems", given, "")
            item.shares.remove(place)

    async def mask(self) -> None:
        """Mask a folder; it stays so."""
        folder = self.folder()
        given = {"folderUuid": folder.uuid, "phiPolicy": "MASKED"}
        await self.site.done("updateStorageFolder", given, "folder { uuid }")
        folder.is_masked = True

    async def delete(self) -> None:
        """Delete a folder with few others, and do not wait for its rows to be removed."""
        folder = self.folder()
        gone = {folder.uuid, *self.world.below(folder.uuid)}
        kept = [item for item in self.world.items.values() if not gone.issuperset(item.places)]
        if len(gone) > 2 or len(self.world.folders) < FOLDERS // 2 or len(kept) < ITEMS // 2:
            return
        given = {"folderUuid": folder.uuid, "recursive": True}
        await self.site.done("deleteStorageFolder", given, "job { uuid }")
        self.world.delete(folder.uuid)
