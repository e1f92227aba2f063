"""A model of access, computed by hand from what was done to a tree: who sees what.

It knows nothing of the gateway: visibility is decided by walking up a dictionary.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

RANKS = {"VIEWER": 1, "USER": 2, "ADMIN": 3}


@dataclass
class Folder:
    """A folder; `grants` has roles by the name of a group, none of which shows identities."""

    uuid: str
    name: str
    parent: str | None
    visibility: str | None = None
    is_masked: bool = False
    grants: dict[str, str] = field(default_factory=dict)


@dataclass
class Item:
    """An item; `shares` are the other folders that it is in, the earliest first."""

    uuid: str
    name: str
    home: str
    shares: list[str] = field(default_factory=list)

    @property
    def places(self) -> list[str]:
        """Return all folders that it is in, its home first."""
        return [self.home, *self.shares]


@dataclass(frozen=True)
class Person:
    """Someone who looks, with a credential that is limited to the tree of a folder, if `tree` is set.

    `who` is the name under which the site knows their key; None without a credential.
    """

    who: str | None
    groups: frozenset[str] = frozenset()
    is_admin: bool = False
    tree: str | None = None


@dataclass
class World:
    """Folders and items by UUID."""

    folders: dict[str, Folder] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)

    def up(self, uuid: str) -> Iterator[Folder]:
        """Yield a folder and those above it."""
        folder: Folder | None = self.folders[uuid]
        while folder is not None:
            yield folder
            folder = self.folders[folder.parent] if folder.parent else None

    def below(self, uuid: str) -> set[str]:
        """Return all folders below a folder."""
        return {other for other in self.folders if other != uuid and any(up.uuid == uuid for up in self.up(other))}

    def is_public(self, uuid: str) -> bool:
        """Return whether the nearest own visibility is PUBLIC."""
        return next((up.visibility for up in self.up(uuid) if up.visibility), "PRIVATE") == "PUBLIC"

    def is_in_tree(self, person: Person, uuid: str) -> bool:
        """Return whether a folder is within what the credential is limited to."""
        return person.tree is None or any(up.uuid == person.tree for up in self.up(uuid))

    def role(self, person: Person, uuid: str) -> str | None:
        """Return the role on a folder; None for those who do not see it."""
        if not self.is_in_tree(person, uuid):
            return None
        if person.is_admin:
            return "ADMIN"
        given = [up.grants[group] for up in self.up(uuid) for group in person.groups if group in up.grants]
        if given:
            return max(given, key=RANKS.__getitem__)
        return "VIEWER" if self.is_public(uuid) else None

    def is_given(self, person: Person, uuid: str) -> bool:
        """Return whether the person sees a folder by more than its being public."""
        has_grant = any(group in up.grants for up in self.up(uuid) for group in person.groups)
        return self.is_in_tree(person, uuid) and (person.is_admin or has_grant)

    def sees(self, person: Person, uuid: str | None) -> bool:
        """Return whether the person sees a folder."""
        return uuid is not None and self.role(person, uuid) is not None

    def sees_item(self, person: Person, uuid: str) -> bool:
        """Return whether the person sees a folder that an item is in."""
        return any(self.sees(person, place) for place in self.items[uuid].places)

    def first_folder(self, person: Person, uuid: str) -> str:
        """Return the first folder of a visible item that the person sees."""
        return next(folder for folder in self.items[uuid].places if self.sees(person, folder))

    def roots(self, person: Person) -> set[str]:
        """Return the topmost folders that the person was given a role on, and what their credential is limited to."""
        granted = {each.uuid for each in self.folders.values() if set(each.grants) & person.groups}
        tops = {
            uuid
            for uuid in granted
            if not any(up.uuid in granted for up in self.up(uuid) if up.uuid != uuid) and self.is_in_tree(person, uuid)
        }
        if person.tree in self.folders and self.sees(person, person.tree):
            tops.add(person.tree)
        return tops

    def public_roots(self, person: Person) -> set[str]:
        """Return the public folders that are in no other public folder which the person sees."""
        public = {uuid for uuid in self.folders if self.is_public(uuid) and self.is_in_tree(person, uuid)}
        return {uuid for uuid in public if self.folders[uuid].parent not in public}

    def way(self, person: Person, uuid: str) -> list[Folder]:
        """Return a folder that the person sees and those above it, up to the first that they do not see."""
        return list(takewhile(lambda up: self.sees(person, up.uuid), self.up(uuid)))

    def leads_back(self, person: Person, uuid: str) -> bool | None:
        """Return whether the path of a visible folder leads back to it; None if it has no path.

        Below a root, the earliest of those with a name is found. Of roots, the closest is, or by its owner, who is the
        site admin of all, the earliest; to the site admin, and with their keys, these are the same.
        """
        *below, top = self.way(person, uuid)
        rivals = [each for each in self.folders.values() if each.name == top.name]
        rivals = [each for each in rivals if self.way(person, each.uuid)[-1:] == [each]]
        closest = min(rivals, key=lambda each: (not self.is_given(person, each.uuid), each.uuid))
        earliest = min(rivals, key=lambda each: each.uuid)
        finds_owner = person.who is not None and (person.tree is None or person.is_admin)
        if top is not closest and not (finds_owner and top is earliest):
            return None
        return all(self._is_first(person, each) for each in below)

    def _is_first(self, person: Person, folder: Folder) -> bool:
        siblings = [each for each in self.folders.values() if (each.parent, each.name) == (folder.parent, folder.name)]
        return folder is min((each for each in siblings if self.sees(person, each.uuid)), key=lambda each: each.uuid)

    def reads_bytes(self, person: Person, uuid: str) -> bool:
        """Return whether the person gets the bytes of an item that they see: its home is not masked to them."""
        return person.is_admin or not any(up.is_masked for up in self.up(self.items[uuid].home))

    def delete(self, uuid: str) -> None:
        """Delete a folder and all below it; items that are also elsewhere stay, at the place they had first."""
        gone = {uuid, *self.below(uuid)}
        for item in list(self.items.values()):
            places = [place for place in item.places if place not in gone]
            if places:
                item.home, *item.shares = places
            else:
                del self.items[item.uuid]
        for each in gone:
            del self.folders[each]

    def seen_items_in(self, person: Person, folders: set[str]) -> set[str]:
        """Return the items that are in any of the folders which the person sees."""
        seen = {uuid for uuid in folders if self.sees(person, uuid)}
        return {item.uuid for item in self.items.values() if seen & set(item.places)}
