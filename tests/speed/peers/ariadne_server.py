"""Ariadne over the same database: its own resolvers with dataloaders, every statement written by
hand.

Documents are parsed and validated once, responses encoded with orjson. `python -m
tests.speed.peers.ariadne_server PORT`.
"""

import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

import ariadne  # type: ignore[import-not-found]  # installed when it is measured
import orjson
from aiodataloader import DataLoader
from ariadne.asgi import GraphQL  # type: ignore[import-not-found]  # installed when it is measured
from ariadne.asgi.handlers import GraphQLHTTPHandler  # type: ignore[import-not-found]  # installed when it is measured
from graphql import DocumentNode, GraphQLSchema, parse, validate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.auth.viewer import Viewer
from tests.speed.operations import TYPES
from tests.speed.peers.site import IN_SEEN, IS_ROOT, SEES, THERE, Row, Site, serve

FIELDS = (
    "uuid: UUID! name: String! description: String! itemType: String! createdAt: DateTime! lastEditedAt: DateTime! "
    "isTombstone: Boolean! isPlaceholder: Boolean! storageLocation: String! fileSize: BigInt mimeType: String "
    "sha256: String duration: Float width: BigInt height: BigInt fps: Float frameCount: BigInt url: String "
    "folderUuid: UUID! clientMetadata: JSON! audioCodec: String audioSampleRate: BigInt dicomStudyUid: String "
    "dicomSeriesUid: String dicomInstanceUid: String pageCount: BigInt signedUrl: SignedUrl folder: Folder! "
    "summary: ItemSummary!"
)
SDL = f"""
scalar UUID scalar DateTime scalar BigInt scalar JSON
enum StorageItemType {{ {" ".join(TYPES)} }}
input StorageItemFilter {{ search: String itemTypes: [StorageItemType!] }}
type SignedUrl {{ url: String! expiresAt: DateTime! }}
type ItemSummary {{ frameInGroups: Int! usedInDatasets: Int! }}
type FolderSummary {{ files: BigInt! totalSize: BigInt! }}
type PageInfo {{ hasNextPage: Boolean! }}
type Folders {{ nodes: [Folder!]! }}
type Items {{ nodes: [StorageItem!]! pageInfo: PageInfo! }}
type Folder {{
  uuid: UUID! name: String! description: String! createdAt: DateTime! folderType: String! summary: FolderSummary!
  subfolders(first: Int = 100): Folders! items(first: Int = 100): Items!
}}
interface StorageItem {{ {FIELDS} }}
{" ".join(f"type {name} implements StorageItem {{ {FIELDS} }}" for name in TYPES.values())}
type Query {{
  storageFolder(uuid: UUID!): Folder
  storageFolders(first: Int = 100): Folders!
  searchStorageItems(filter: StorageItemFilter!, first: Int = 100): Items!
}}
"""
NAMES = [field.partition(":")[0] for field in FIELDS.replace(": ", ":").split()]
COLUMNS = NAMES[: NAMES.index("signedUrl")]
SQL_NAMES = ["".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name) for name in COLUMNS]
ITEM = ", ".join(f"x.{name}" for name in [*SQL_NAMES, "object_key"])
FOLDER = "x.uuid, x.name, x.description, x.created_at, x.folder_type, x.parent_uuid"
FOLDER_NAMES = ["uuid", "name", "description", "createdAt", "folderType"]
LIFETIME = timedelta(hours=1)

Node = dict[str, Any]
Load = Callable[[list[str]], Coroutine[Any, Any, list[Any]]]


class Source:
    """The reads of one request; `key` in its nodes is the UUID as the database stores it."""

    def __init__(self, site: Site, viewer: Viewer) -> None:
        self.site = site
        self.viewer = viewer
        self._loaders: dict[Any, DataLoader[str, Any]] = {}

    def load(self, name: Any, key: str, load: Load) -> Any:
        """Load one value in a batch with others of the same name."""
        if name not in self._loaders:
            self._loaders[name] = DataLoader(load, max_batch_size=100_000)
        return self._loaders[name].load(key)

    async def folders(self, where: str, size: int | None = None, **values: Any) -> list[Node]:
        """Return folders by name."""
        limit = f"ORDER BY x.name_key, x.uuid LIMIT {size}" if size else ""
        text = f"SELECT {FOLDER} FROM folders x WHERE {where.replace('f.', 'x.')} {limit}"
        return [self.folder(row) for row in await self.site.rows(text, self.viewer, **values)]

    async def find_items(self, where: str, size: int, **values: Any) -> Node:
        """Return a page of items from all folders."""
        there = f"{where} AND {THERE} AND {IN_SEEN}".replace("i.", "x.")
        text = f"SELECT {ITEM} FROM items x WHERE {there} ORDER BY x.name_key, x.uuid LIMIT {size + 1}"
        return self.page([self.item(row) for row in await self.site.rows(text, self.viewer, **values)], size)

    async def subfolders(self, size: int, keys: list[str]) -> list[Node]:
        """Return the first subfolders of each folder."""
        rows = await self._first(keys, size, FOLDER, "folders", "parent_uuid", "true")
        below: dict[str, list[Node]] = {key: [] for key in keys}
        for row in rows:
            below[row[5]].append(self.folder(row))
        return [{"nodes": below[key]} for key in keys]

    async def items(self, size: int, keys: list[str]) -> list[Node]:
        """Return the first items of each folder."""
        rows = await self._first(keys, size + 1, ITEM, "items", "folder_uuid", THERE.replace("i.", "x."))
        inside: dict[str, list[Node]] = {key: [] for key in keys}
        position = COLUMNS.index("folderUuid")
        for row in rows:
            inside[row[position]].append(self.item(row))
        return [self.page(inside[key], size) for key in keys]

    async def folders_by_key(self, keys: list[str]) -> list[Node]:
        """Return the folders of items."""
        text = f"SELECT {FOLDER} FROM folders x WHERE x.uuid {self.site.among}"
        matches = {row[0]: self.folder(row) for row in await self.site.rows(text, keys=self.site.keys(keys))}
        return [matches[key] for key in keys]

    async def summaries(self, keys: list[str]) -> list[Node]:
        """Return summaries of folders."""
        text = f"SELECT folder_uuid, files, total_size FROM folder_counters WHERE folder_uuid {self.site.among}"
        rows = await self.site.rows(text, keys=self.site.keys(keys))
        matches = {row[0]: {"files": row[1], "totalSize": row[2]} for row in rows}
        return [matches[key] for key in keys]

    async def counts(self, table: str, column: str, keys: list[str]) -> list[int]:
        """Return how many rows of a table each item has."""
        counted = f"SELECT item_uuid, count(DISTINCT {column}) FROM {table}"
        text = f"{counted} WHERE item_uuid {self.site.among} GROUP BY item_uuid"
        matches: dict[str, int] = dict(await self.site.rows(text, keys=self.site.keys(keys)))
        return [matches.get(key, 0) for key in keys]

    async def _first(self, keys: list[str], size: int, columns: str, table: str, parent: str, there: str) -> list[Row]:
        text = self.site.first_of_each(columns, table, parent, there)
        rows = await self.site.rows(text, keys=self.site.keys(keys), size=size)
        return rows if self.site.embedded else [row[1:] for row in rows]

    def folder(self, row: Row) -> Node:
        """Return a folder in the form that resolvers read."""
        node = dict(zip(FOLDER_NAMES, row, strict=False))
        return node | {"key": row[0], "uuid": self.site.uuid(row[0]), "createdAt": self.site.moment(row[3])}

    def item(self, row: Row) -> Node:
        """Return an item in the form that resolvers read."""
        node = dict(zip(COLUMNS, row, strict=False))
        node["key"], node["folderKey"], node["objectKey"] = (node["uuid"], node["folderUuid"], row[len(COLUMNS)])
        node["uuid"], node["folderUuid"] = (self.site.uuid(node["uuid"]), self.site.uuid(node["folderUuid"]))
        node["createdAt"], node["lastEditedAt"] = map(self.site.moment, (node["createdAt"], node["lastEditedAt"]))
        return node

    @staticmethod
    def page(nodes: list[Node], size: int) -> Node:
        """Return a page of rows, of which one too many may have been read."""
        return {"nodes": nodes[:size], "pageInfo": {"hasNextPage": len(nodes) > size}}


async def _storage_folder(_: Any, info: Any, uuid: str) -> Node | None:
    source: Source = info.context["source"]
    matches = await source.folders(f"f.uuid = :uuid AND {SEES}", uuid=source.site.key(uuid))
    return matches[0] if matches else None


async def _storage_folders(_: Any, info: Any, first: int) -> Node:
    return {"nodes": await info.context["source"].folders(IS_ROOT, first)}


async def _search(_: Any, info: Any, filter: Node, first: int) -> Node:
    source: Source = info.context["source"]
    if types := filter.get("itemTypes"):
        names = ", ".join(f"'{name}'" for name in types)
        return await source.find_items(f"i.item_type IN ({names})", first)
    text = filter["search"].casefold()
    if not source.site.embedded:
        return await source.find_items("i.name_key LIKE '%' || :text || '%'", first, text=text)
    named = (
        "SELECT n.uuid FROM items_names n JOIN items_names_index y ON y.rowid = n.rowid WHERE y.name_key MATCH :text"
    )
    return await source.find_items(f"i.uuid IN ({named})", first, text=f'"{text}"')


def _subfolders(node: Node, info: Any, first: int) -> Any:
    source: Source = info.context["source"]
    return source.load(("subfolders", first), node["key"], partial(source.subfolders, first))


def _items(node: Node, info: Any, first: int) -> Any:
    source: Source = info.context["source"]
    return source.load(("items", first), node["key"], partial(source.items, first))


def _folder_summary(node: Node, info: Any) -> Any:
    source: Source = info.context["source"]
    return source.load("folder summary", node["key"], source.summaries)


def _folder_of(node: Node, info: Any) -> Any:
    source: Source = info.context["source"]
    return source.load("folder", node["folderKey"], source.folders_by_key)


def _item_summary(node: Node, _info: Any) -> Node:
    return node


async def _signed_url(node: Node, info: Any) -> Node | None:
    if not node["objectKey"]:
        return None
    store = info.context["source"].site.store
    mime = node["mimeType"] or "application/octet-stream"
    request = await store.sign_get(node["objectKey"], node["name"], mime, LIFETIME)
    return {"url": request.url, "expiresAt": request.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _groups(node: Node, info: Any) -> Any:
    source: Source = info.context["source"]
    return source.load("groups", node["key"], partial(source.counts, "group_members", "group_uuid"))


def _datasets(node: Node, info: Any) -> Any:
    source: Source = info.context["source"]
    return source.load("datasets", node["key"], partial(source.counts, "data_rows", "dataset_uuid"))


def _type_of(node: Node, *_: Any) -> str:
    return TYPES[node["itemType"]]


RESOLVERS: dict[str, dict[str, Any]] = {
    "Query": {"storageFolder": _storage_folder, "storageFolders": _storage_folders, "searchStorageItems": _search},
    "Folder": {"subfolders": _subfolders, "items": _items, "summary": _folder_summary},
    "ItemSummary": {"frameInGroups": _groups, "usedInDatasets": _datasets},
}
OF_ITEMS = {"folder": _folder_of, "summary": _item_summary, "signedUrl": _signed_url}


def _schema() -> Any:
    bindables = []
    for name, resolvers in RESOLVERS.items():
        bindables.append(ariadne.ObjectType(name))
        for field, resolver in resolvers.items():
            bindables[-1].set_field(field, resolver)
    item = ariadne.InterfaceType("StorageItem", _type_of)
    for field, resolver in OF_ITEMS.items():
        item.set_field(field, resolver)
    return ariadne.make_executable_schema(SDL, *bindables, item, ariadne.ScalarType("JSON", serializer=orjson.loads))


async def _response(_request: Request, result: dict[str, Any], success: bool) -> Response:
    return Response(orjson.dumps(result), 200 if success else 400, media_type="application/json")


@lru_cache(maxsize=128)
def _parsed(text: str) -> DocumentNode:
    return parse(text)


@lru_cache(maxsize=128)
def _validated(schema: GraphQLSchema, document: DocumentNode) -> Any:
    return validate(schema, document)


def _app_of(site: Site) -> Starlette:
    async def context(request: Request, _data: Any = None) -> dict[str, Any]:
        viewer = (await site.authenticate(request.headers.get("authorization"))).viewer
        return {"request": request, "source": Source(site, viewer)}

    handler = GraphQLHTTPHandler()
    handler.create_json_response = _response
    graphql = GraphQL(
        _schema(),
        context_value=context,
        query_parser=lambda _context, data: _parsed(data["query"]),
        query_validator=lambda schema, document, *_args, **_more: _validated(schema, document),
        http_handler=handler,
    )
    return Starlette(routes=[Route("/graphql", graphql, methods=["POST"])])


if __name__ == "__main__":
    serve(int(sys.argv[1]), _app_of)
