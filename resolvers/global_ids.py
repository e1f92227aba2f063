"""Opaque global IDs of objects, by which caches of clients tell them apart.

An object that a payload or event names by its UUID is named by its global ID too.
"""

from gateway.execution.declarations import Computed
from gateway.execution.parent_keys import Key, attribute_of
from gateway.ids import global_id

MAX_DELETED_IDS = 10_000
"""IDs of deleted objects that a payload lists."""


def id_from(type_name: str, *keys: Key) -> Computed:
    """Declare the global ID of an object of a type whose UUID the row has.

    An object without a UUID of its own, such as an entry of a collection, is identified by those
    of several objects. The ID is null where the first UUID is.
    """
    names = [attribute_of(key) for key in keys]

    def read(row: object) -> str | None:
        uuids = [getattr(row, name) for name in names]
        return None if uuids[0] is None else global_id(type_name, *uuids)

    return Computed(keys, read)


def ids_from(type_name: str, key: Key) -> Computed:
    """Declare the global IDs of objects of a type whose UUIDs the row lists."""
    name = attribute_of(key)

    def read(row: object) -> list[str] | None:
        uuids = getattr(row, name)
        return None if uuids is None else [global_id(type_name, uuid) for uuid in uuids]

    return Computed((key,), read)
