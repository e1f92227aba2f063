"""Hand-written routes for lists across folders: searches, journals, and objects by their ids.

They know that nothing on a generated site is public, shared, moved or being deleted.
"""

from typing import Any

import orjson

from gateway.auth.viewer import Viewer
from gateway.ids import parse_global_id
from tests.speed.operations import TYPES
from tests.speed.peers.floor_roles import ON_DATASET, RANK, ROLES, Node, Variables, way_of
from tests.speed.peers.site import EMBEDDED_NAMED, HELD, IN_SEEN, NAMED, SEES, THERE, Row, Site

MOVE = f"""WITH RECURSIVE hits AS (SELECT f.uuid, f.name, f.name_key, f.parent_uuid FROM folders f
    WHERE {{named}} AND {SEES} ORDER BY f.name_key, f.uuid LIMIT 20),
    up(hit, uuid, name, parent_uuid, depth) AS (SELECT h.uuid, h.uuid, h.name, h.parent_uuid, 0 FROM hits h
    UNION ALL SELECT u.hit, p.uuid, p.name, p.parent_uuid, u.depth + 1 FROM up u
    JOIN folders p ON p.uuid = u.parent_uuid)
    SELECT h.uuid, c.folders, d.uuid, u.uuid, u.name, u.depth, {RANK.format(grant="g")}
    FROM hits h JOIN folder_counters c ON c.folder_uuid = h.uuid JOIN up u ON u.hit = h.uuid
    LEFT JOIN datasets d ON d.backing_folder_uuid = h.uuid AND {ON_DATASET} IS NOT NULL
    LEFT JOIN folder_grants g ON g.folder_uuid = u.uuid AND {HELD.format(grant="g")}
    ORDER BY h.name_key, h.uuid, u.depth"""
FACETS = f"""WITH found AS MATERIALIZED (SELECT i.uuid, i.name, i.name_key, i.item_type, i.owner_uuid, i.folder_uuid
    FROM items i WHERE {{named}} AND {THERE} AND {IN_SEEN})
    SELECT 0, CAST(p.uuid AS text), p.name, p.item_type, h.name, p.name_key, NULL
    FROM (SELECT * FROM found ORDER BY name_key, uuid LIMIT 51) p JOIN folders h ON h.uuid = p.folder_uuid
    UNION ALL SELECT 1, item_type, NULL, NULL, NULL, NULL, count(*) FROM found GROUP BY item_type
    UNION ALL SELECT 2, CAST(owner_uuid AS text), NULL, NULL, NULL, NULL, count(*) FROM found GROUP BY owner_uuid"""
CHANGES = f"""SELECT c.action, c.object_type, c.before, c.after, c.created_at, u.email,
    (SELECT f.name FROM folders f WHERE f.uuid = c.from_folder_uuid AND {SEES}),
    (SELECT i.name FROM items i WHERE i.uuid = c.object_uuid AND c.object_type = 'StorageItem' AND {IN_SEEN}),
    (SELECT f.name FROM folders f WHERE f.uuid = c.object_uuid AND c.object_type = 'StorageFolder' AND {SEES})
    FROM folders f JOIN change_places p ON p.folder_uuid = f.uuid JOIN changes c ON c.uuid = p.change_uuid
    LEFT JOIN users u ON u.uuid = c.user_uuid WHERE f.uuid = :uuid AND {SEES}
    ORDER BY p.sequence DESC LIMIT 20"""
BELOW = """WITH found AS MATERIALIZED (SELECT DISTINCT p.sequence, p.change_uuid
    FROM folders t JOIN folders h ON h.path >= t.path AND h.path < t.path || 'g'
    JOIN change_places p ON p.folder_uuid = h.uuid WHERE t.uuid = :uuid)
    SELECT (SELECT count(*) FROM found), c.uuid, c.action
    FROM (SELECT * FROM found ORDER BY sequence DESC LIMIT 20) p JOIN changes c ON c.uuid = p.change_uuid
    ORDER BY p.sequence DESC"""
ITEMS = f"""WITH named AS MATERIALIZED (SELECT i.uuid, i.name, i.item_type, i.file_size, i.folder_uuid
    FROM items i WHERE i.uuid {{among}}),
    seen AS MATERIALIZED (SELECT f.uuid FROM folders f
    WHERE f.uuid IN (SELECT n.folder_uuid FROM named n) AND {SEES})
    SELECT n.uuid, n.name, n.item_type, n.file_size FROM named n JOIN seen s ON s.uuid = n.folder_uuid"""
"""The rights to each folder are checked once."""
KINDS = {"StorageItem": "STORAGE_ITEM", "StorageFolder": "STORAGE_FOLDER"}
FOLDERS = f"SELECT f.uuid, f.name FROM folders f WHERE f.uuid {{among}} AND {SEES}"


async def move_dialog(site: Site, viewer: Viewer, variables: Variables) -> Any:
    text = variables["text"].casefold()
    named = NAMED.replace("i.", "f.")
    if site.embedded:
        named = EMBEDDED_NAMED.replace("items_", "folders_").replace("i.", "f.")
        text = f'"{text}"'
    hits: dict[str, list[Row]] = {}
    for row in await site.rows(MOVE.format(named=named), viewer, text=text):
        hits.setdefault(row[0], []).append(row)
    nodes = []
    for rows in hits.values():
        way = way_of(site, [row[3:] for row in rows])
        _, folders, mirror, *_ = rows[0]
        nodes.append(
            {
                **way.folders[0],
                "viewerRole": ROLES[way.role - 1],
                "mirrorDatasetUuid": mirror and site.uuid(mirror),
                "pathToRoot": way.folders,
                "subfolders": {"totalCount": folders},
            }
        )
    return {"searchStorageFolders": {"nodes": nodes}}


async def facets(site: Site, viewer: Viewer, variables: Variables) -> Any:
    named, text = NAMED, variables["text"].casefold()
    if site.embedded:
        named, text = EMBEDDED_NAMED, f'"{text}"'
    parts: tuple[list[Row], list[Row], list[Row]] = [], [], []
    for row in await site.rows(FACETS.format(named=named), viewer, text=text):
        parts[row[0]].append(row)
    page, types, owners = parts
    page.sort(key=lambda row: (row[5], row[1]))
    nodes = [
        {"uuid": site.uuid(key), "name": name, "itemType": type_, "folder": {"name": folder}}
        for _, key, name, type_, folder, *_ in page[:50]
    ]
    counted = {"ITEM_TYPE": types, "OWNER": [(2, site.uuid(row[1]), *row[2:]) for row in owners]}
    return {
        "searchStorageItems": {
            "totalCount": sum(row[-1] for row in types),
            "facets": [
                {
                    "attribute": attribute,
                    "values": [
                        {"value": row[1], "count": row[-1]}
                        for row in sorted(rows, key=lambda row: (-row[-1], row[1]))[:100]
                    ],
                    "otherCount": 0,
                }
                for attribute, rows in counted.items()
            ],
            "nodes": nodes,
            "pageInfo": {"hasNextPage": len(page) > 50},
        }
    }


async def journal(site: Site, viewer: Viewer, variables: Variables) -> Any:
    key = site.key(variables["folder"])
    nodes = []
    for row in await site.rows(CHANGES, viewer, uuid=key):
        action, type_, before, after, created, email, source, item, folder = row
        nodes.append(
            {
                "action": action, "objectType": KINDS[type_], "before": before and orjson.loads(before),
                "after": after and orjson.loads(after), "createdAt": site.moment(created),
                "user": _named(email, "email"),
                "fromFolder": _named(source), "storageItem": _named(item), "storageFolder": _named(folder),
            }
        )  # fmt: skip
    below = await site.rows(BELOW, uuid=key)
    total = below[0][0] if below else 0
    listed = [{"uuid": site.uuid(uuid), "action": action} for _, uuid, action in below]
    subtree = {"totalCount": total, "nodes": listed}
    return {"storageFolder": {"journal": {"nodes": nodes}, "descendantJournal": subtree}}


def _named(value: str | None, member: str = "name") -> Node | None:
    return None if value is None else {member: value}


async def items(site: Site, viewer: Viewer, variables: Variables) -> Any:
    keys = [site.key(uuid) for uuid in variables["items"]]
    rows = await site.rows(ITEMS.format(among=site.among), viewer, keys=site.keys(keys))
    found = {
        key: {"__typename": TYPES[type_], "uuid": site.uuid(key), "name": name, "itemType": type_, "fileSize": size}
        for key, name, type_, size in rows
    }
    return {"storageItems": [found[key] for key in keys]}


async def nodes(site: Site, viewer: Viewer, variables: Variables) -> Any:
    parsed = [parse_global_id(each) for each in variables["ids"]]
    wanted = [(type_, site.key(str(uuid))) for type_, uuid in filter(None, parsed)]
    found: dict[tuple[str, str], Node] = {}
    of_items = site.keys([key for type_, key in wanted if type_ == "StorageItem"])
    for key, name, type_, size in await site.rows(ITEMS.format(among=site.among), viewer, keys=of_items):
        node = {"__typename": TYPES[type_], "uuid": site.uuid(key), "name": name, "fileSize": size}
        found["StorageItem", key] = node
    of_folders = site.keys([key for type_, key in wanted if type_ == "StorageFolder"])
    for key, name in await site.rows(FOLDERS.format(among=site.among), viewer, keys=of_folders):
        found["StorageFolder", key] = {"__typename": "StorageFolder", "uuid": site.uuid(key), "name": name}
    return {"nodes": [found.get(each) for each in wanted]}


ANSWERS = {
    "MoveDialog": move_dialog,
    "Facets": facets,
    "Journal": journal,
    "Items": items,
    "Nodes": nodes,
}
