"""What the Python peers share with our server, so that they do the same work: the database driver,
the credential check, the access conditions, and the store that signs URLs.
"""

import asyncio
import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import uvicorn
import uvloop
from starlette.types import ASGIApp

from gateway.auth.credentials import Authenticator
from gateway.auth.viewer import Viewer
from gateway.context import Services
from gateway.database.fair_slots import FairSlots
from gateway.database.lanes import Lanes
from gateway.database.readers import Readers
from gateway.gc_tuning import relax_gc
from gateway.settings import Settings
from gateway.wiring import open_services

Row = tuple[Any, ...]

HELD = """({grant}.user_uuid = :me OR {grant}.group_uuid IN
    (SELECT m.group_uuid FROM memberships m WHERE m.user_uuid = :me))"""
SEES = f"""EXISTS (SELECT 1 FROM folder_grants g JOIN folders t ON t.uuid = g.folder_uuid
    WHERE {HELD.format(grant="g")} AND f.path >= t.path AND f.path < t.path || 'g')"""
"""Condition: the viewer can see the folder f."""
IN_SEEN = f"EXISTS (SELECT 1 FROM folders f WHERE f.uuid = i.folder_uuid AND {SEES})"
"""Condition: the viewer can see the item i."""
IS_ROOT = f"""f.uuid IN (SELECT g.folder_uuid FROM folder_grants g WHERE {HELD.format(grant="g")})
    AND NOT EXISTS (SELECT 1 FROM folder_grants a JOIN folders t ON t.uuid = a.folder_uuid
    WHERE {HELD.format(grant="a")} AND f.path >= t.path AND f.path < t.path || 'g' AND t.uuid <> f.uuid)"""
"""Condition: the folder f is a root for the viewer."""
THERE = "NOT i.is_tombstone AND NOT i.is_placeholder"
"""Condition: the item i is listed."""
EMBEDDED_NAMED = """i.uuid IN (SELECT n.uuid FROM items_names n JOIN items_names_index x ON x.rowid = n.rowid
    WHERE x.name_key MATCH :text)"""
NAMED = "i.name_key LIKE '%' || :text || '%'"
"""Conditions, on SQLite and PostgreSQL: the name of the item i contains a text."""


class Site:
    """A database for reading, with statements that both kinds understand: `:name` for a parameter."""

    def __init__(self, services: Services) -> None:
        self._readers = Readers(services.database.url, Lanes(FairSlots(8, 8), FairSlots(8, 8)))
        self._texts: dict[str, str] = {}
        self.embedded = services.database.is_embedded
        self.store = services.store
        self.authenticate = Authenticator(services.database, services.settings)

    async def rows(self, text: str, viewer: Viewer | None = None, /, **values: Any) -> list[Row]:
        """Return all rows of a statement."""
        if viewer:
            values["me"] = self.key(str(viewer.user_uuid))
        if self.embedded:
            return await self._readers.fetch(text, values)
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = re.sub(r"(?<!:):(\w+)", r"%(\1)s", text.replace("%", "%%"))
        return await self._readers.fetch(known, values)

    def key(self, uuid: str) -> str:
        """Return a UUID as the database stores it."""
        return uuid.replace("-", "") if self.embedded else uuid

    def keys(self, uuids: list[str]) -> Any:
        """Return several UUIDs as one parameter, for `among` and `first_of_each`."""
        return orjson.dumps(uuids).decode() if self.embedded else uuids

    @property
    def among(self) -> str:
        """Return the condition that a column is one of the keys, without the column."""
        return "IN (SELECT value FROM json_each(:keys))" if self.embedded else "= ANY(:keys::uuid[])"

    def first_of_each(self, columns: str, table: str, parent: str, there: str = "true") -> str:
        """Return the statement of the first `:size` rows x of each parent, by name."""
        page = f"FROM {table} x WHERE x.{parent} = p.value AND {there} ORDER BY x.name_key, x.uuid LIMIT :size"
        if self.embedded:
            return f"""SELECT {columns} FROM json_each(:keys) p JOIN {table} x ON +x.{parent} = p.value
                AND x.uuid IN (SELECT x.uuid {page}) ORDER BY x.name_key, x.uuid"""
        marked = f"SELECT {columns}, x.name_key, x.uuid AS last {page}"
        return f"""SELECT * FROM unnest(:keys::uuid[]) p(value) CROSS JOIN LATERAL ({marked}) y
            ORDER BY y.name_key, y.last"""

    def uuid(self, text: str) -> str:
        """Return a UUID as responses have it."""
        if not self.embedded:
            return text
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def cursor(self, fingerprint: str, text: str, uuid: str) -> str:
        """Return the cursor of a row in a list that is ordered by time."""
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        parts = [fingerprint, moment.isoformat(), uuid]
        return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")

    def moment(self, text: str) -> str:
        """Return a time as responses have it."""
        if self.embedded:
            return f"{text[:10]}T{text[11:19] if text[19:] == '.000000' else text[11:]}Z"
        return f"{text[:10]}T{text[11:-3]:0<15}Z" if text[19] == "." else f"{text[:10]}T{text[11:19]}Z"


def serve(port: int, app_of: Callable[[Site], ASGIApp]) -> None:
    """Serve an application over the site in the settings until the process is stopped, like our own server."""

    async def run() -> None:
        async with open_services(Settings()) as services:
            app = app_of(Site(services))
            relax_gc()
            await uvicorn.Server(uvicorn.Config(app, port=port, access_log=False, log_config=None)).serve()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
