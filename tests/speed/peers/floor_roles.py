"""What the hand-written routes share: roles, the way to the root, signed URLs and global ids."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from gateway.auth.viewer import Viewer
from tests.speed.peers.site import HELD, Row, Site

Variables = dict[str, Any]
Answer = Callable[[Site, Viewer, Variables], Awaitable[Any]]
Node = dict[str, Any]

ROLES = ("VIEWER", "USER", "ADMIN")
"""Roles by their strength, from 1."""
RANK = "CASE {grant}.role WHEN 'ADMIN' THEN 3 WHEN 'USER' THEN 2 WHEN 'VIEWER' THEN 1 END"
ON_FOLDER = f"""(SELECT max({RANK.format(grant="g")}) FROM folder_grants g JOIN folders t ON t.uuid = g.folder_uuid
    WHERE {HELD.format(grant="g")} AND {{folder}}.path >= t.path AND {{folder}}.path < t.path || 'g')"""
"""The strength of the viewer's role on a folder; null if they do not see it."""
ON_DATASET = f"""(SELECT max({RANK.format(grant="g")}) FROM dataset_grants g
    WHERE g.dataset_uuid = d.uuid AND {HELD.format(grant="g")})"""
UP = f"""WITH RECURSIVE up(uuid, name, parent_uuid, depth) AS (
    SELECT f.uuid, f.name, f.parent_uuid, 0 FROM folders f WHERE f.uuid = :uuid
    UNION ALL SELECT p.uuid, p.name, p.parent_uuid, up.depth + 1 FROM up JOIN folders p ON p.uuid = up.parent_uuid)
    SELECT u.uuid, u.name, u.depth, {RANK.format(grant="g")} FROM up u
    LEFT JOIN folder_grants g ON g.folder_uuid = u.uuid AND {HELD.format(grant="g")} ORDER BY u.depth"""
"""A folder and those above it, nearest first, once for each grant that the viewer has on it."""


class Way(NamedTuple):
    """The folders from one up to the topmost that the viewer sees, and their role."""

    folders: list[Node]
    role: int
    role_folder: Node


def way_of(site: Site, rows: Iterable[Row]) -> Way:
    """Return the way that the rows of `UP` describe; of equal roles the nearest counts."""
    above: dict[str, Node] = {}
    role, role_folder, seen = 0, {}, 0
    for key, name, _, rank in rows:
        if key not in above:
            above[key] = {"uuid": site.uuid(key), "name": name}
        if rank is not None:
            seen = len(above)
            if rank > role:
                role, role_folder = rank, above[key]
    return Way(list(above.values())[:seen], role, role_folder)


async def signed(site: Site, key: str | None, name: str, mime: str | None, lifetime: timedelta) -> Node | None:
    """Return the signed URL of an object, if there is one."""
    if not key:
        return None
    request = await site.store.sign_get(key, name, mime or "application/octet-stream", lifetime)
    expires = request.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"url": request.url, "expiresAt": expires, "headers": request.headers}
