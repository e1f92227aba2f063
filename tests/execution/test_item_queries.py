"""Queries in Lucene's syntax find what Python finds, and any text is answered or refused.

Inventory: MID-MOD-03.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import strategies as st

from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, new_row
from gateway.models.items import ItemRecord, items
from tests.execution.test_metadata_filters import declare, wait_until_ready
from tests.fixtures.properties import check_property
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
Row = dict[str, Any]
Meets = Callable[[Row], bool]
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = ["liver.png", "Liver scan", "scan-01.dcm", "scan-02.dcm", "50% off_1", 'say "hi" (now)', "a*b?c", "Größe"]
DESCRIPTIONS = ["", "liver of a mouse", "a scan: liver/spleen", "50% off_1"]
MIME_TYPES = ["image/png", "image/tiff", "video/mp4", None]
KINDS = [StorageItemType.IMAGE, StorageItemType.VIDEO, StorageItemType.FILE]
DIGESTS = ["a" * 64, "b" * 64, None]
SIZES = [0, 5, 1000, 2**40, None]
METADATA: dict[str, tuple[str, list[Any]]] = {
    "take": ("NUMBER", [1, 2.5, -3]),
    "at": ("DATETIME", ["2026-01-01T00:00:00Z", "2026-06-01T12:30:00.5Z"]),
    "site": ("VARCHAR", ["Iowa", "iowa city", "a*b"]),
    "ok": ("BOOLEAN", [True, False]),
}
SEARCH = """query($q: String!) { searchStorageItemsAdvanced(query: $q, first: 1000) {
  nodes { uuid } totalCount } }"""


class Found:
    """Items with random facts in two folders."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.rows: list[Row] = []
        self.folders: dict[str, UUID] = {}
        self.owner = UUID(int=0)

    async def fill(self, count: int) -> None:
        site, chance = self.site, random.Random(5)
        self.owner = UUID(await site.user("Ann@example.org"))
        top = await site.folder("queries")
        self.folders = {"/queries": UUID(top), "/queries/be low": UUID(await site.folder("be low", top))}
        for key, (kind, _) in METADATA.items():
            await declare(site, key, kind)
        await wait_until_ready(site)
        for _ in range(count):
            name, moment = chance.choice(NAMES), START + timedelta(hours=chance.randrange(2000))
            row = new_row(
                ItemRecord,
                folder_uuid=chance.choice(list(self.folders.values())),
                item_type=chance.choice(KINDS),
                name=name,
                name_key=fold(name),
                description=chance.choice(DESCRIPTIONS),
                mime_type=chance.choice(MIME_TYPES),
                sha256=chance.choice(DIGESTS),
                file_size=chance.choice(SIZES),
                owner_uuid=chance.choice([self.owner, None]),
                created_at=moment,
                last_edited_at=moment + timedelta(days=1),
            )
            self.rows.append(row)
        async with site.services.database.writing() as transaction:
            await transaction.execute(sa.insert(items), self.rows)
        described = []
        for row in self.rows:
            values = {key: chance.choice(some) for key, (_, some) in METADATA.items() if chance.random() < 0.6}
            row["client_metadata"] = values | {f"free {key}": value for key, value in values.items()}
            described.append({"itemUuid": str(row["uuid"]), "clientMetadata": row["client_metadata"]})
        await site.done("updateStorageItems", {"items": described}, "results { uuid }")
        read = sa.select(items.c.uuid, items.c.last_edited_at)
        async with site.services.database.reading() as connection:
            edited = {row.uuid: row.last_edited_at for row in await connection.execute(read)}
        for row in self.rows:
            row["last_edited_at"] = edited[row["uuid"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(shared_site: Site) -> Found:
    made = Found(shared_site)
    await made.fill(80)
    return made


def contains(column: str, text: str) -> Meets:
    return lambda row: text in fold(row[column])


def either(*conditions: Meets) -> Meets:
    return lambda row: any(condition(row) for condition in conditions)


def value(column: str, test: Callable[[Any], bool]) -> Meets:
    return lambda row: row[column] is not None and test(row[column])


def described(key: str, test: Callable[[Any], bool]) -> Meets:
    return lambda row: key in row["client_metadata"] and test(row["client_metadata"][key])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def leaves(found: Found) -> list[tuple[str, Meets]]:
    """Return terms, each with the condition that it stands for."""
    return [*texts(), *values(found), *metadata()]


def texts() -> list[tuple[str, Meets]]:
    """Return terms of texts."""

    def anywhere(text: str) -> Meets:
        return either(contains("name", fold(text)), contains("description", fold(text)))

    named = {text: anywhere(text) for text in ("liver", "SCAN", "50%", "größe")}
    return [
        *named.items(),
        ('"of a mouse"', anywhere("of a mouse")),
        ("name:sc", lambda row: fold(row["name"]).startswith("sc")),
        ("name:scan*", lambda row: fold(row["name"]).startswith("scan")),
        ("name:*.dcm", lambda row: row["name"].endswith(".dcm")),
        ("name:scan-0?.d*", lambda row: fold(row["name"]).startswith("scan-0")),
        (r"name:a\*b\?c", lambda row: row["name"] == "a*b?c"),
        (r"name:off_*", lambda row: False),
        ("name:*off_?", lambda row: row["name"] == "50% off_1"),
        ('name:"say \\"hi\\" (now)"', lambda row: row["name"].startswith("say")),
        ("name:(liver scan)", either(contains("name", "liver"), contains("name", "scan"))),
        ("name:(+liver -png)", lambda row: row["name"] == "Liver scan"),
        (r"description:scan\:*", lambda row: False),
        (r"description:*scan\:*", contains("description", "scan:")),
        ("_exists_:description", lambda row: row["description"] != ""),
    ]


def values(found: Found) -> list[tuple[str, Meets]]:
    """Return terms of other values."""
    february, march = moment("2026-02-01"), moment("2026-03-01")
    below = found.folders["/queries/be low"]
    return [
        ("type:image", lambda row: row["item_type"] == "IMAGE"),
        ("mime:image", value("mime_type", lambda mime: mime.startswith("image/"))),
        ("mime:image/*", value("mime_type", lambda mime: mime.startswith("image/"))),
        ("mime:video/mp4", value("mime_type", lambda mime: mime == "video/mp4")),
        ("_exists_:mime", value("mime_type", lambda mime: True)),
        ("size:5", value("file_size", lambda size: size == 5)),
        ("size:>=5", value("file_size", lambda size: size >= 5)),
        ("size:>5", value("file_size", lambda size: size > 5)),
        ("size:<1000", value("file_size", lambda size: size < 1000)),
        ("size:[5 TO 1000]", value("file_size", lambda size: 5 <= size <= 1000)),
        ("size:{5 TO 1000]", value("file_size", lambda size: 5 < size <= 1000)),
        ("size:[-1 TO 1000}", value("file_size", lambda size: size < 1000)),
        ("size:{* TO 5}", value("file_size", lambda size: size < 5)),
        ("size:[* TO *]", value("file_size", lambda size: True)),
        ("created:2026-02", lambda row: february <= row["created_at"] < march),
        ("created:2026", lambda row: True),
        ("created:[2026-02 TO 2026-02-03]", lambda row: february <= row["created_at"] < moment("2026-02-04")),
        ("created:{2026-02 TO 9999]", lambda row: row["created_at"] >= march),
        ("created:<=2026-02", lambda row: row["created_at"] < march),
        ("created:>2026-02-01T00:00:00+02:00", lambda row: row["created_at"] >= february - timedelta(seconds=7199)),
        ("modified:<2026-02", lambda row: row["last_edited_at"] < february),
        ("owner:ann@EXAMPLE.org", value("owner_uuid", lambda uuid: uuid == found.owner)),
        ("owner:*@example*", value("owner_uuid", lambda uuid: uuid == found.owner)),
        (f"owner:{found.owner}", value("owner_uuid", lambda uuid: uuid == found.owner)),
        ("folder:/queries", lambda row: row["folder_uuid"] == found.folders["/queries"]),
        ("folder:/queries/*", lambda row: True),
        (r"folder:/queries/be\ low", lambda row: row["folder_uuid"] == below),
        (f"folder:{below}", lambda row: row["folder_uuid"] == below),
        ('folder:"/queries/nothing"', lambda row: False),
        ("sha256:" + "A" * 64, value("sha256", lambda digest: digest == "a" * 64)),
    ]


def metadata() -> list[tuple[str, Meets]]:
    """Return terms of metadata."""
    return [
        ("meta.take:2.5", described("take", lambda take: take == 2.5)),
        ("meta.take:>-3", described("take", lambda take: take > -3)),
        ("meta.take:[-3 TO 2.5}", described("take", lambda take: -3 <= take < 2.5)),
        ("meta.at:2026-01", described("at", lambda at: at.startswith("2026-01"))),
        ("meta.at:>2026-06-01T12:30:00Z", described("at", lambda at: False)),
        ("meta.at:>=2026-06-01T12:30:00.5Z", described("at", lambda at: at.startswith("2026-06"))),
        ("meta.site:Iowa", described("site", lambda site: site == "Iowa")),
        ("meta.site:iowa*", described("site", lambda site: fold(site).startswith("iowa"))),
        (r'meta.site:"a*b"', described("site", lambda site: site == "a*b")),
        ("meta.ok:true", described("ok", lambda ok: ok is True)),
        ("_exists_:meta.take", described("take", lambda take: True)),
    ]  # fmt: skip


Query = tuple[str, Meets]


def grouped(query: Query) -> str:
    return f"({query[0]})" if " " in query[0] or query[0][0] in "+-!" else query[0]


def joined(word: str, combine: Callable[[list[bool]], bool]) -> Callable[[list[tuple[str, Query]]], Query]:
    """Return a function that joins clauses, of which some are negated."""

    def join(clauses: list[tuple[str, Query]]) -> Query:
        text = f" {word} ".join(f"{sign}{grouped(query)}" for sign, query in clauses)

        def meets(row: Row) -> bool:
            return combine([query[1](row) != (sign not in ("", "+")) for sign, query in clauses])

        return text, meets

    return join


def spaced(clauses: list[tuple[str, Query]]) -> Query:
    """Join clauses that are optional, required or prohibited."""
    text = " ".join(f"{sign}{grouped(query)}" for sign, query in clauses)

    def meets(row: Row) -> bool:
        signs = {sign for sign, _ in clauses}
        required = all(query[1](row) for sign, query in clauses if sign == "+")
        prohibited = any(query[1](row) for sign, query in clauses if sign not in ("", "+"))
        optional = any(query[1](row) for sign, query in clauses if sign == "")
        return required and not prohibited and (optional or "" not in signs or "+" in signs)

    return text, meets


def queries(found: Found) -> st.SearchStrategy[Query]:
    def extend(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
        clauses = st.lists(st.tuples(st.sampled_from(["", "", "+", "-", "NOT ", "!"]), inner), min_size=1, max_size=3)
        several = clauses.filter(lambda some: len(some) > 1)
        return st.one_of(several.map(joined("AND", all)), several.map(joined("OR", any)), clauses.map(spaced))

    return st.recursive(st.sampled_from(leaves(found)), extend, max_leaves=8)


async def test_each_term_finds_what_python_finds(found: Found) -> None:
    for text, meets in leaves(found):
        await check(found, (text, meets))


async def check(found: Found, query: Query) -> None:
    text, meets = query
    page = (await found.site.ask(SEARCH, {"q": text}))["searchStorageItemsAdvanced"]
    expected = {str(row["uuid"]) for row in found.rows if meets(row)}
    assert {node["uuid"] for node in page["nodes"]} == expected, text
    assert page["totalCount"] == len(expected), text


async def test_random_queries_find_what_python_finds(found: Found) -> None:
    await check_property(lambda query: check(found, query), queries(found), 150)


async def test_operators_bind_as_they_do_in_mathematics(found: Found) -> None:
    """NOT before AND before OR before a space, without parentheses."""
    of = dict(leaves(found))
    image, small, mine = of["type:image"], of["size:<1000"], of[f"owner:{found.owner}"]
    owner = f"owner:{found.owner}"
    for text, meets in (
        (f"type:image OR size:<1000 AND {owner}", lambda row: image(row) or (small(row) and mine(row))),
        (f"type:image AND size:<1000 OR {owner}", lambda row: (image(row) and small(row)) or mine(row)),
        (f"type:image && NOT size:<1000 || {owner}", lambda row: (image(row) and not small(row)) or mine(row)),
        (f"type:image OR size:<1000 -{owner}", lambda row: (image(row) or small(row)) and not mine(row)),
        (f"type:image OR -{owner}", lambda row: image(row) or not mine(row)),
        (f"+type:image size:<1000 OR {owner}", image),
        (f"type:image size:<1000 AND {owner}", lambda row: image(row) or (small(row) and mine(row))),
        ("-type:image", lambda row: not image(row)),
    ):
        await check(found, (text, meets))


async def test_any_text_is_answered_or_refused(found: Found) -> None:
    """Nothing but an answer or BAD_USER_INPUT with a column comes back."""
    pieces = [*'()[]{}:+-!*?"\\~^/<>=& |', "AND", "OR", "NOT", "TO", "_exists_", "name", "size", "created", "meta.take"]
    pieces += ["meta.none", "folder:/", "abc", "5", "2026", "type:", "ß", "\U0001f600", "&&", "9" * 30, ".", "\t"]
    texts = st.one_of(st.lists(st.sampled_from(pieces), max_size=12).map("".join), st.text(max_size=30))

    async def answered(text: str) -> None:
        body = await found.site.body(SEARCH, {"q": text})
        if "errors" not in body:
            assert body["data"]["searchStorageItemsAdvanced"]["totalCount"] >= 0
            return
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", (text, error)
        path = error["extensions"]["inputPath"]
        assert (path == ["query"] and error["message"].startswith("Column ")) or path == ["q"], (text, error)

    await check_property(answered, texts, 400)
