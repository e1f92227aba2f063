"""How the demo's files reach a folder: announced, sent, and made items of by a job; those that are there are let be."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

from gateway.demo.client import DemoClient, DemoError
from gateway.demo.contents import DemoFile, DemoFileGroup, DemoFolder
from gateway.json_values import camel_case
from gateway.kinds.item_kinds import ITEM_KINDS

PATIENCE = 60.0
"""Seconds without progress after which a job is given up."""
SECTIONS = {each: camel_case(kind.section) for each, kind in ITEM_KINDS.items() if kind.section}
MEMBER_FIELDS = {
    each: camel_case(kind.member_field) for each, kind in ITEM_KINDS.items() if kind.member_field
}
TARGETS = "targets { itemUuid url method uploadHeaders }"
IN_FOLDER = """
query ($uuid: UUID!) {
  storageFolder(uuid: $uuid) {
    uploadJobs(first: 10) { nodes { uuid } }
    items(first: 1000) { nodes { uuid name isPlaceholder } }
  }
}
"""
JOB = """
query ($uuid: UUID!) {
  uploadJob(uuid: $uuid) { status sequence errors unitErrors { error } }
}
"""


async def upload_missing(
    client: DemoClient, folder_uuid: str, folder: DemoFolder
) -> dict[str, str]:
    """Upload what is missing in a folder; the uuids of all items in it by their names.

    Raises `DemoError` if a file is refused, or nobody works on the job.
    """
    found = await _settled(client, folder_uuid)
    left = [item["uuid"] for item in found if item["isPlaceholder"]]
    if left:  # announced by a demo that was ended before it started the job
        await client.do("abortUploads", "removedItemsCount", itemUuids=left)
    there = {item["name"] for item in found if not item["isPlaceholder"]}
    files = [file for file in folder.files if file.name not in there]
    bundles = [bundle for bundle in folder.bundles if bundle.name not in there]
    if files or bundles:
        await _upload(client, folder_uuid, files, bundles)
        found = await _settled(client, folder_uuid)
    return {item["name"]: item["uuid"] for item in found}


async def _settled(client: DemoClient, folder_uuid: str) -> list[dict[str, Any]]:
    """What is in a folder once its jobs have ended."""
    jobs = (await client.ask(IN_FOLDER, uuid=folder_uuid))["storageFolder"]["uploadJobs"]["nodes"]
    for job in jobs:
        await _ended(client, job["uuid"])
    found: list[dict[str, Any]] = (await client.ask(IN_FOLDER, uuid=folder_uuid))["storageFolder"][
        "items"
    ]["nodes"]
    return found


async def _upload(
    client: DemoClient,
    folder_uuid: str,
    files: Sequence[DemoFile],
    bundles: Sequence[DemoFileGroup],
) -> None:
    placeholders = await _send(
        client, folder_uuid, [*files, *(file for bundle in bundles for file in bundle.files)]
    )
    items: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        entry = {"placeholderUuid": placeholders[file.name]}
        items.setdefault(SECTIONS[file.item_type], []).append(entry)
    for bundle in bundles:
        members = [{"placeholderUuid": placeholders[file.name]} for file in bundle.files]
        group = {"title": bundle.name, MEMBER_FIELDS[bundle.item_type]: members}
        items.setdefault(SECTIONS[bundle.item_type], []).append(group)
    started = await client.do(
        "startUploadJob", "uploadJob { uuid }", folderUuid=folder_uuid, items=items
    )
    job = await _ended(client, started["uploadJob"]["uuid"])
    if job["status"] != "DONE":
        reasons = [*job["errors"], *(unit["error"] for unit in job["unitErrors"]), job["status"]]
        raise DemoError(f"The upload job ended without success: {reasons[0]}")


async def _send(client: DemoClient, folder_uuid: str, files: Sequence[DemoFile]) -> dict[str, str]:
    """Announce and send files; the uuids of their placeholders by name."""
    contents = [await asyncio.to_thread(file.make) for file in files]
    wanted = list(map(_announcement, files, contents))
    asked = await client.do("requestUploadUrls", TARGETS, folderUuid=folder_uuid, files=wanted)
    targets = asked["targets"]
    await _all(
        client.send(target, content) for target, content in zip(targets, contents, strict=True)
    )
    return {file.name: target["itemUuid"] for file, target in zip(files, targets, strict=True)}


def _announcement(file: DemoFile, content: bytes) -> dict[str, Any]:
    return {
        "name": file.name,
        "itemType": file.item_type,
        "fileSize": len(content),
        "mimeType": file.mime_type,
    }


async def _all(sendings: Iterable[Any]) -> None:
    async with asyncio.TaskGroup() as group:
        for sending in sendings:
            group.create_task(sending)


async def _ended(client: DemoClient, job_uuid: str) -> dict[str, Any]:
    """A job that is no longer pending; raises `DemoError` if it does not move."""
    sequence, since = -1, time.monotonic()
    while True:
        job: dict[str, Any] = (await client.ask(JOB, uuid=job_uuid))["uploadJob"]
        if job["status"] != "PENDING":
            return job
        if job["sequence"] != sequence:
            sequence, since = job["sequence"], time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            raise DemoError("Nobody works on the upload job. Does a worker run? (storegraph work)")
        await asyncio.sleep(0.2)
