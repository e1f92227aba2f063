"""Names of what lines of the log refer to by UUIDs."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.database.dialects import in_keys
from gateway.database.engine import Database
from gateway.database.tree import ancestors
from gateway.models.folders import FolderRecord, folders
from gateway.models.jobs import JobRecord, jobs
from gateway.models.people import UserRecord, api_keys, users


class Named(NamedTuple):
    """A UUID with the kind of its object, and a name by which people know it."""

    uuid: UUID
    kind: str
    name: str


class _Key(NamedTuple):
    uuid: UUID
    name: str
    email: str


async def names_of(database: Database, uuids: Collection[UUID]) -> list[Named]:
    """Return what is known by these UUIDs, in their order; `unknown` if nothing is.

    The name of a folder has those of the folders above it.
    """
    named: list[Named] = []
    people = sa.select(users).where(in_keys(users.c.uuid, uuids))
    for user in await database.rows(people, UserRecord):
        name = f"{user.email} ({user.name})" if user.name else user.email
        named.append(Named(user.uuid, "user", name))
    owned = (
        sa.select(api_keys.c.uuid, api_keys.c.name, users.c.email)
        .join(users, users.c.uuid == api_keys.c.user_uuid)
        .where(in_keys(api_keys.c.uuid, uuids))
    )
    for key in await database.rows(owned, _Key):
        named.append(Named(key.uuid, "key", f"{key.name}, of {key.email}"))
    started = sa.select(jobs).where(in_keys(jobs.c.uuid, uuids))
    for job in await database.rows(started, JobRecord):
        named.append(Named(job.uuid, "job", f"{job.kind}, {job.outcome or job.status}"))
    chosen = sa.select(folders).where(in_keys(folders.c.uuid, uuids))
    paths = {row.uuid: ancestors(row.path) for row in await database.rows(chosen, FolderRecord)}
    on_paths = {uuid for path in paths.values() for uuid in path}
    above = sa.select(folders.c.uuid, folders.c.name).where(in_keys(folders.c.uuid, on_paths))
    names = {row.uuid: row.name for row in await database.rows(above, FolderRecord)}
    for uuid, path in paths.items():
        name = "/".join(names[each] for each in reversed(path) if each in names)
        named.append(Named(uuid, "folder", name))
    known = {each.uuid: each for each in named}
    return [known.get(uuid) or Named(uuid, "unknown", "-") for uuid in uuids]
