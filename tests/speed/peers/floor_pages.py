"""Hand-written routes for pages about one object: a folder, an item, jobs, a dataset, and grants.

They know that nothing on a generated site is public, shared, moved or being deleted.
"""

from datetime import timedelta
from typing import Any

import orjson

from gateway.auth.viewer import Viewer
from gateway.catalog.rules.paths import write_path
from gateway.execution.pagination import fingerprint_of
from tests.speed.operations import TYPES
from tests.speed.peers.floor_roles import ON_DATASET, ON_FOLDER, RANK, ROLES, UP, Node, Variables, signed, way_of
from tests.speed.peers.site import HELD, IN_SEEN, SEES, THERE, Row, Site

HOUR, QUARTER = timedelta(hours=1), timedelta(seconds=900)
SUBFOLDERS = f"""SELECT f.uuid, f.name, c.files, c.total_size, (SELECT max({RANK.format(grant="g")})
    FROM folder_grants g WHERE g.folder_uuid = f.uuid AND {HELD.format(grant="g")})
    FROM folders f JOIN folder_counters c ON c.folder_uuid = f.uuid
    WHERE f.parent_uuid = :uuid ORDER BY f.name_key, f.uuid LIMIT 50"""
BROWSED = f"""SELECT i.uuid, i.name, i.item_type, i.file_size, u.name FROM items i
    LEFT JOIN users u ON u.uuid = i.owner_uuid WHERE i.folder_uuid = :uuid AND {THERE}
    ORDER BY i.name_key, i.uuid LIMIT 101"""
DETAIL = f"""SELECT i.uuid, i.name, i.description, i.item_type, i.mime_type, i.file_size, i.sha256, i.client_metadata,
    i.is_placeholder, i.created_at, i.object_key, u.name, u.email, h.uuid, h.name, {ON_FOLDER.format(folder="h")},
    i.duration, i.fps, i.width, i.height, i.frame_count, i.audio_codec, i.audio_sample_rate, i.audio_num_channels,
    i.page_count, (SELECT count(*) FROM group_members m WHERE m.group_uuid = i.uuid)
    FROM items i JOIN folders h ON h.uuid = i.folder_uuid LEFT JOIN users u ON u.uuid = i.owner_uuid
    WHERE i.uuid = :uuid"""
MEMBERS = f"""SELECT m.position, i.uuid, i.name, i.object_key, i.mime_type FROM group_members m
    JOIN items i ON i.uuid = m.item_uuid WHERE m.group_uuid = :uuid AND {IN_SEEN}
    ORDER BY m.position, i.uuid LIMIT 100"""
JOBS = f"""SELECT j.uuid, j.status, j.sequence, j.units_pending_count, j.units_done_count, j.units_error_count, s.email,
    u.status, i.name FROM folders f LEFT JOIN jobs j ON j.folder_uuid = f.uuid AND j.kind = 'UPLOAD'
    LEFT JOIN users s ON s.uuid = j.user_uuid
    LEFT JOIN upload_units u ON u.job_uuid = j.uuid AND u.uuid IN
    (SELECT x.uuid FROM upload_units x WHERE x.job_uuid = j.uuid ORDER BY x.position LIMIT 5)
    LEFT JOIN items i ON i.uuid = u.item_uuid AND {IN_SEEN.replace("folders f", "folders k").replace("f.", "k.")}
    WHERE f.uuid = :uuid AND {SEES} ORDER BY j.created_at DESC, j.uuid DESC, u.position"""
DATASET = f"""SELECT d.title, d.description, {ON_DATASET}, f.uuid, f.name,
    (SELECT count(*) FROM data_rows r WHERE r.dataset_uuid = d.uuid)
    FROM datasets d LEFT JOIN folders f ON f.uuid = d.backing_folder_uuid AND {SEES} WHERE d.uuid = :uuid"""
DATA_ROWS = f"""SELECT r.uuid, r.created_at, i.uuid, i.item_type, i.name, i.file_size, i.object_key, i.mime_type, h.name
    FROM (SELECT * FROM data_rows WHERE dataset_uuid = :uuid ORDER BY created_at, uuid LIMIT 51) r
    LEFT JOIN items i ON i.uuid = r.item_uuid AND {IN_SEEN} LEFT JOIN folders h ON h.uuid = i.folder_uuid
    ORDER BY r.created_at, r.uuid"""
ON_DATASET_OF = """SELECT g.role, x.name FROM dataset_grants g JOIN groups x ON x.uuid = g.group_uuid
    WHERE g.dataset_uuid = :uuid ORDER BY x.name_key, x.uuid"""
ON_FOLDER_OF = """SELECT g.role, x.uuid, x.name FROM folder_grants g JOIN groups x ON x.uuid = g.group_uuid
    WHERE g.folder_uuid = :uuid ORDER BY x.name_key, x.uuid"""
ADMINISTERS = f"""EXISTS (SELECT 1 FROM folder_grants a JOIN folders t ON t.uuid = a.folder_uuid
    JOIN folder_grants b ON b.group_uuid = m.group_uuid JOIN folders p ON p.uuid = b.folder_uuid
    WHERE a.role = 'ADMIN' AND {HELD.format(grant="a")}
    AND (p.path >= t.path AND p.path < t.path || 'g' OR t.path >= p.path AND t.path < p.path || 'g'))"""
MEMBERSHIPS = f"""SELECT x.uuid, x.name, u.email, count(u.uuid) OVER (PARTITION BY x.uuid)
    FROM (SELECT * FROM groups ORDER BY name_key, uuid LIMIT 50) x
    LEFT JOIN (memberships m JOIN users u ON u.uuid = m.user_uuid) ON m.group_uuid = x.uuid AND (m.group_uuid IN
    (SELECT o.group_uuid FROM memberships o WHERE o.user_uuid = :me) OR {ADMINISTERS})
    ORDER BY x.name_key, x.uuid, u.email_key, u.uuid"""
_ROWS = fingerprint_of("dataRows", None, {}, "CREATED_AT.ASC", None)


async def browser(site: Site, viewer: Viewer, variables: Variables) -> Any:
    key = site.key(variables["folder"])
    way = way_of(site, await site.rows(UP, viewer, uuid=key))
    below = await site.rows(SUBFOLDERS, viewer, uuid=key)
    rows = await site.rows(BROWSED, uuid=key)
    names = [folder["name"] for folder in reversed(way.folders)]
    above = write_path(names)
    return {
        "storageFolder": {
            **way.folders[0],
            "viewerRole": ROLES[way.role - 1],
            "pathToRoot": way.folders,
            "subfolders": {
                "nodes": [
                    {
                        "uuid": site.uuid(uuid),
                        "name": name,
                        "viewerRole": ROLES[max(way.role, rank or 0) - 1],
                        "summary": {"files": files, "totalSize": size},
                    }
                    for uuid, name, files, size, rank in below
                ]
            },
            "items": {
                "nodes": [
                    {
                        "uuid": site.uuid(uuid),
                        "name": name,
                        "itemType": type_,
                        "fileSize": size,
                        "path": above + write_path([name]),
                        "owner": owner and {"name": owner},
                    }
                    for uuid, name, type_, size, owner in rows[:100]
                ],
                "pageInfo": {"hasNextPage": len(rows) > 100},
            },
        }
    }


async def item_detail(site: Site, viewer: Viewer, variables: Variables) -> Any:
    key = site.key(variables["item"])
    [row] = await site.rows(DETAIL, viewer, uuid=key)
    uuid, name, about, type_, mime, size, sha256, metadata, coming, created, file = row[:11]
    owner, email, folder, folder_name, rank = row[11:16]
    node = {
        "__typename": TYPES[type_], "uuid": site.uuid(uuid), "name": name, "description": about, "itemType": type_,
        "mimeType": mime, "fileSize": size, "sha256": sha256, "clientMetadata": orjson.loads(metadata),
        "isPlaceholder": bool(coming), "createdAt": site.moment(created), "owner": {"name": owner, "email": email},
        "folder": {"uuid": site.uuid(folder), "name": folder_name, "viewerRole": ROLES[rank - 1]},
        "signedUrl": await signed(site, file, name, mime, QUARTER),
        "signedUrlUnavailableReason": None if file else "NOT_A_SINGLE_OBJECT",
    }  # fmt: skip
    return {"storageItem": node | await facts_of_kind(site, viewer, type_, key, row[16:])}


async def facts_of_kind(site: Site, viewer: Viewer, type_: str, key: str, row: Row) -> Node:
    duration, fps, width, height, frames, codec, rate, channels, pages, members = row
    match type_:
        case "VIDEO":
            return {"duration": duration, "fps": fps, "width": width, "height": height, "frameCount": frames}
        case "AUDIO":
            return {"duration": duration, "audioCodec": codec, "audioSampleRate": rate, "audioNumChannels": channels}
        case "PDF":
            return {"pageCount": pages}
    edges = []
    for position, uuid, name, file, mime in await site.rows(MEMBERS, viewer, uuid=key):
        url = await signed(site, file, name, mime, HOUR)
        shown = {"uuid": site.uuid(uuid), "name": name, "signedUrl": url and {"url": url["url"]}}
        edges.append({"frameNumber": position, "node": shown})
    return {"frameTotal": members, "children": {"edges": edges}}


async def job_page(site: Site, viewer: Viewer, variables: Variables) -> Any:
    nodes: dict[str, Node] = {}
    for row in await site.rows(JOBS, viewer, uuid=site.key(variables["folder"])):
        key, status, sequence, pending, done, _errors, email, unit, item = row
        if key is None:
            continue
        if key not in nodes:
            nodes[key] = {
                "uuid": site.uuid(key), "status": status, "sequence": sequence, "unitsPendingCount": pending,
                "unitsDoneCount": done, "unitErrors": [], "units": {"nodes": []}, "user": email and {"email": email},
            }  # fmt: skip
        if unit is not None:
            nodes[key]["units"]["nodes"].append({"status": unit, "item": item and {"name": item}})
    return {"storageFolder": {"uploadJobs": {"nodes": list(nodes.values())}}}


async def dataset_page(site: Site, viewer: Viewer, variables: Variables) -> Any:
    key = site.key(variables["dataset"])
    [(title, about, rank, folder, folder_name, count)] = await site.rows(DATASET, viewer, uuid=key)
    if rank is None:
        return {"dataset": None}
    rows = await site.rows(DATA_ROWS, viewer, uuid=key)
    grants = await site.rows(ON_DATASET_OF, uuid=key)
    nodes = [await data_row(site, row) for row in rows[:50]]
    last = nodes and site.cursor(_ROWS, rows[: len(nodes)][-1][1], nodes[-1]["uuid"])
    return {
        "dataset": {
            "title": title,
            "description": about,
            "viewerRole": ROLES[rank - 1],
            "backingFolder": folder and {"uuid": site.uuid(folder), "name": folder_name},
            "dataRowsCount": count,
            "dataRows": {"nodes": nodes, "pageInfo": {"hasNextPage": len(rows) > 50, "endCursor": last or None}},
            "groups": {"edges": [{"role": role, "node": {"name": name}} for role, name in grants]},
        }
    }


async def data_row(site: Site, row: Row) -> Node:
    key, created, uuid, type_, name, size, file, mime, folder = row
    item = None
    if uuid is not None:
        url = await signed(site, file, name, mime, HOUR)
        item = {
            "__typename": TYPES[type_], "uuid": site.uuid(uuid), "name": name, "fileSize": size,
            "signedUrl": url and {"url": url["url"]}, "folder": {"name": folder},
        }  # fmt: skip
    return {"uuid": site.uuid(key), "createdAt": site.moment(created), "item": item}


async def grants_page(site: Site, viewer: Viewer, variables: Variables) -> Any:
    key = site.key(variables["folder"])
    way = way_of(site, await site.rows(UP, viewer, uuid=key))
    grants = await site.rows(ON_FOLDER_OF, uuid=key)
    groups: dict[str, Node] = {}
    for uuid, name, email, count in await site.rows(MEMBERSHIPS, viewer):
        if uuid not in groups:
            groups[uuid] = {"uuid": site.uuid(uuid), "name": name, "users": {"totalCount": count, "nodes": []}}
        members = groups[uuid]["users"]["nodes"]
        if email is not None and len(members) < 5:
            members.append({"email": email})
    edges = [{"role": role, "node": {"uuid": site.uuid(uuid), "name": name}} for role, uuid, name in grants]
    folder = {
        "name": way.folders[0]["name"],
        "viewerRole": ROLES[way.role - 1],
        "viewerRoleFolder": way.role_folder,
        "groups": {"totalCount": len(edges), "edges": edges},
        "pathToRoot": way.folders,
    }
    return {"storageFolder": folder, "groups": {"nodes": list(groups.values())}}


ANSWERS = {
    "Browser": browser,
    "ItemDetail": item_detail,
    "JobPage": job_page,
    "DatasetPage": dataset_page,
    "GrantsPage": grants_page,
}
