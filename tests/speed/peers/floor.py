"""The floor: hand-written code for these operations alone. `python -m tests.speed.peers.floor
PORT`.

SQL, dicts and orjson behind a bare route, with the same driver, credential check and access
conditions.
"""

import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.auth.viewer import Viewer
from tests.speed.operations import TYPES
from tests.speed.peers import floor_lists, floor_pages
from tests.speed.peers.floor_roles import Answer, Variables
from tests.speed.peers.site import EMBEDDED_NAMED, IN_SEEN, IS_ROOT, NAMED, SEES, THERE, Row, Site, serve

FIFTEEN = """i.uuid, i.name, i.description, i.item_type, i.created_at, i.last_edited_at, i.is_tombstone,
    i.is_placeholder, i.storage_location, i.file_size, i.mime_type, i.sha256, i.duration, i.width, i.height"""
TWENTY = f"{FIFTEEN}, i.fps, i.frame_count, i.url, i.folder_uuid, i.client_metadata"
MIXED = """i.uuid, i.name, i.item_type, i.width, i.height, i.duration, i.fps, i.frame_count, i.audio_codec,
    i.audio_sample_rate, i.dicom_study_uid, i.dicom_series_uid, i.dicom_instance_uid, i.page_count, i.file_size"""
IN_FOLDER = f"FROM items i WHERE i.folder_uuid = :uuid AND {THERE} ORDER BY i.name_key, i.uuid LIMIT :size"
FOLDER = f"SELECT f.uuid, f.name FROM folders f WHERE f.uuid = :uuid AND {SEES}"
FOUND = f"""FROM items i JOIN folders h ON h.uuid = i.folder_uuid JOIN folder_counters c ON c.folder_uuid = h.uuid
    WHERE {{named}} AND {THERE} AND {IN_SEEN} ORDER BY i.name_key, i.uuid LIMIT 101"""
LIFETIME = timedelta(hours=1)


async def q1(site: Site, viewer: Viewer, variables: Variables) -> Any:
    columns = "f.uuid, f.name, f.description, f.created_at, f.folder_type"
    text = f"SELECT {columns} FROM folders f WHERE f.uuid = :uuid AND {SEES}"
    [(uuid, name, description, created, type_)] = await site.rows(text, viewer, uuid=site.key(variables["uuid"]))
    return {
        "storageFolder": {
            "uuid": site.uuid(uuid),
            "name": name,
            "description": description,
            "createdAt": site.moment(created),
            "folderType": type_,
        }
    }


async def q2(site: Site, viewer: Viewer, variables: Variables) -> Any:
    return await _in_folder(site, viewer, variables, 100, FIFTEEN, partial(_fifteen, site))


async def q3(site: Site, viewer: Viewer, _variables: Variables) -> Any:
    text = f"SELECT f.uuid, f.name FROM folders f WHERE {IS_ROOT} ORDER BY f.name_key, f.uuid LIMIT 20"
    roots: list[Any] = []
    below: dict[str, list[Any]] = {}
    for key, name in await site.rows(text, viewer):
        below[key] = []
        roots.append({"uuid": site.uuid(key), "name": name, "subfolders": {"nodes": below[key]}})
    text = site.first_of_each("x.uuid, x.name, x.parent_uuid", "folders", "parent_uuid")
    inside: dict[str, tuple[list[Any], dict[str, str]]] = {}
    for key, name, parent in _last(await site.rows(text, keys=site.keys(list(below)), size=10), 3, site):
        inside[key] = [], {"name": name}
        below[parent].append({"uuid": site.uuid(key), "name": name, "items": {"nodes": inside[key][0]}})
    there = THERE.replace("i.", "x.")
    text = site.first_of_each("x.uuid, x.name, x.file_size, x.folder_uuid", "items", "folder_uuid", there)
    rows = _last(await site.rows(text, keys=site.keys(list(inside)), size=10), 4, site)
    keys = site.keys([row[0] for row in rows])
    groups = await _counts(site, "group_members", "group_uuid", keys)
    datasets = await _counts(site, "data_rows", "dataset_uuid", keys)
    for key, name, size, parent in rows:
        nodes, folder = inside[parent]
        summary = {"frameInGroups": groups.get(key, 0), "usedInDatasets": datasets.get(key, 0)}
        nodes.append({"uuid": site.uuid(key), "name": name, "fileSize": size, "folder": folder, "summary": summary})
    return {"storageFolders": {"nodes": roots}}


async def q4(site: Site, viewer: Viewer, variables: Variables) -> Any:
    return await _in_folder(site, viewer, variables, 1000, TWENTY, partial(_twenty, site))


async def q5(site: Site, viewer: Viewer, variables: Variables) -> Any:
    columns = "i.uuid, i.name, i.item_type, i.object_key, i.mime_type, h.name, c.files, c.total_size"
    named, text = NAMED, variables["text"].casefold()
    if site.embedded:
        named, text = EMBEDDED_NAMED, f'"{text}"'
    rows = await site.rows(f"SELECT {columns} {FOUND.format(named=named)}", viewer, text=text)
    nodes = [await _search_hit(site, row) for row in rows[:100]]
    return {"searchStorageItems": {"nodes": nodes, "pageInfo": {"hasNextPage": len(rows) > 100}}}


async def q6(site: Site, viewer: Viewer, variables: Variables) -> Any:
    return await _in_folder(site, viewer, variables, 100, MIXED, partial(_mixed, site))


async def _in_folder(
    site: Site, viewer: Viewer, variables: Variables, size: int, columns: str, write: Callable[[Row], dict[str, Any]]
) -> Any:
    key = site.key(variables["uuid"])
    [(uuid, name)] = await site.rows(FOLDER, viewer, uuid=key)
    rows = await site.rows(f"SELECT {columns} {IN_FOLDER}", uuid=key, size=size)
    return {"storageFolder": {"uuid": site.uuid(uuid), "name": name, "items": {"nodes": [write(row) for row in rows]}}}


async def _counts(site: Site, table: str, column: str, keys: Any) -> dict[str, int]:
    text = f"SELECT item_uuid, count(DISTINCT {column}) FROM {table} WHERE item_uuid {site.among} GROUP BY item_uuid"
    return dict(await site.rows(text, keys=keys))


def _last(rows: list[Row], width: int, site: Site) -> list[Row]:
    """The columns of the statement: PostgreSQL puts the parent before them, and their order after them."""
    return rows if site.embedded else [row[1 : width + 1] for row in rows]


def _fifteen(site: Site, row: Row) -> dict[str, Any]:
    (uuid, name, about, type_, created, edited, gone, coming, location, size, mime, sha256, duration, width, height) = (
        row
    )
    return {
        "uuid": site.uuid(uuid), "name": name, "description": about, "itemType": type_,
        "createdAt": site.moment(created), "lastEditedAt": site.moment(edited), "isTombstone": bool(gone),
        "isPlaceholder": bool(coming), "storageLocation": location, "fileSize": size, "mimeType": mime,
        "sha256": sha256, "duration": duration, "width": width, "height": height,
    }  # fmt: skip


def _twenty(site: Site, row: Row) -> dict[str, Any]:
    node = _fifteen(site, row[:15])
    fps, frames, url, folder, metadata = row[15:]
    node["fps"], node["frameCount"], node["url"] = fps, frames, url
    node["folderUuid"], node["clientMetadata"] = site.uuid(folder), orjson.loads(metadata)
    return node


async def _search_hit(site: Site, row: Row) -> dict[str, Any]:
    uuid, name, type_, key, mime, folder, files, size = row
    signed = None
    if key:
        request = await site.store.sign_get(key, name, mime or "application/octet-stream", LIFETIME)
        signed = {"url": request.url, "expiresAt": request.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    home = {"name": folder, "summary": {"files": files, "totalSize": size}}
    return {"uuid": site.uuid(uuid), "name": name, "itemType": type_, "signedUrl": signed, "folder": home}


def _mixed(site: Site, row: Row) -> dict[str, Any]:
    (uuid, name, type_, width, height, duration, fps, frames, codec, rate, study, series, instance, pages, size) = row
    node = {"__typename": TYPES[type_], "uuid": site.uuid(uuid), "name": name}
    match type_:
        case "IMAGE":
            node |= {"width": width, "height": height}
        case "VIDEO":
            node |= {"duration": duration, "fps": fps, "frameCount": frames}
        case "AUDIO":
            node |= {"duration": duration, "audioCodec": codec, "audioSampleRate": rate}
        case "DICOM_FILE":
            node |= {"dicomStudyUid": study, "dicomSeriesUid": series, "dicomInstanceUid": instance}
        case "PDF":
            node |= {"pageCount": pages, "fileSize": size}
    return node


_TUNED: dict[str, Answer] = {"Q1": q1, "Q2": q2, "Q3": q3, "Q4": q4, "Q5": q5, "Q6": q6}
ANSWERS = {**_TUNED, **floor_pages.ANSWERS, **floor_lists.ANSWERS}


async def _answer(site: Site, request: Request) -> Response:
    viewer = (await site.authenticate(request.headers.get("authorization"))).viewer
    members = orjson.loads(await request.body())
    data = await ANSWERS[members["operationName"]](site, viewer, members.get("variables") or {})
    return Response(orjson.dumps({"data": data}), media_type="application/json")


def _app_of(site: Site) -> Starlette:
    async def answer(request: Request) -> Response:
        return await _answer(site, request)

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])])


if __name__ == "__main__":
    serve(int(sys.argv[1]), _app_of)
