"""Items of former versions that were created without files are directories after the migration."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.migrate import migrate
from gateway.models.items import items
from tests.fixtures.former_databases import Former, engine_of, migrate_to_former

DIRECTORIES = {
    "empty": True,
    "leaf of one file": True,
    "leaf of two files": True,
    "placeholder": False,
    "file": False,
    "file with a second one": False,
    "file with revisions": False,
    "copy of a leaf": False,
    "copy of an empty item": True,
    "image": False,
}
"""Items by what they are, and whether they are directories."""


def fill(former: Former) -> dict[str, UUID]:
    """Insert an item of each kind, and return their UUIDs by name."""
    folder = former.put("folders", path="0" * 32, folder_type="GENERIC")
    uuids: dict[str, UUID] = {}

    def put(name: str, revision: int, file_count: int | None, kind: str = "FILE", **values: Any) -> None:
        common = {"folder_uuid": folder, "item_type": kind, "client_metadata": {}, "name": name}
        numbers = {"revision_number": revision, "file_count": file_count}
        uuids[name] = former.put("items", **common, **numbers, **values)

    put("empty", 0, 0)
    put("leaf of one file", 1, 1)
    put("leaf of two files", 2, 2)
    put("placeholder", 0, None, is_placeholder=True)
    put("file", 1, None)
    put("file with a second one", 2, 2)
    put("file with revisions", 2, 1)
    put("copy of a leaf", 1, 1, copy_of_uuid=uuids["leaf of one file"])
    put("copy of an empty item", 0, 0, copy_of_uuid=uuids["empty"])
    put("image", 2, 1, "IMAGE")
    for name in ("leaf of one file", "leaf of two files", "copy of a leaf", "image"):
        former.put("item_revisions", item_uuid=uuids[name], number=1)
    for name in ("file with a second one", "file with revisions"):
        # The first revision of an item that began with a file has its UUID.
        former.put("item_revisions", item_uuid=uuids[name], number=1, uuid=uuids[name])
        former.put("item_revisions", item_uuid=uuids[name], number=2)
    return uuids


def test_items_that_began_without_files_are_directories(empty_url: str) -> None:
    """Copies of one file do not tell how their originals began."""
    engine = engine_of(empty_url)
    with engine.begin() as connection:
        migrate_to_former(connection, "item_directories")
        uuids = fill(Former(connection))
    migrate(empty_url)
    with engine.begin() as connection:
        rows = connection.execute(sa.select(items.c.uuid, items.c.is_directory)).all()
    engine.dispose()
    are_directories = {row.uuid: row.is_directory for row in rows}
    assert {name: are_directories[uuid] for name, uuid in uuids.items()} == DIRECTORIES
