"""Upload the demo's files as any client would: request targets, send bytes, start a job."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from gateway.demo.client import DemoClient, DemoError
from gateway.demo.contents import DemoFile, DemoFileGroup, DemoFolder
from gateway.json_values import camel_case
from gateway.kinds.item_kinds import ITEM_KINDS

PATIENCE = 60.0
"""Seconds without progress after which an upload job is given up."""
SECTIONS = {each: camel_case(kind.section) for each, kind in ITEM_KINDS.items() if kind.section}
MEMBER_FIELDS = {
    each: camel_case(kind.member_field) for each, kind in ITEM_KINDS.items() if kind.member_field
}
TARGETS = "targets { itemUuid url method uploadHeaders }"
IN_FOLDER = """
query ($uuid: UUID!) {
  storageFolder(uuid: $uuid) {
    uploadJobs(first: 10) { nodes { uuid } }
    items(first: 1000, filter: {includePlaceholders: true}) { nodes { uuid name isPlaceholder } }
  }
}
"""
JOB = """
query ($uuid: UUID!) {
  uploadJob(uuid: $uuid) { status sequence unitErrors { error } }
}
"""


async def upload_missing(
    client: DemoClient, folder_uuid: str, folder: DemoFolder
) -> dict[str, str]:
    """Upload the files that a folder lacks; return the UUIDs of all its items by name.

    Raises:
        DemoError: a file is refused, or no worker runs the upload job.
    """
    items = await _settled_items(client, folder_uuid)
    # Left behind by a demo that was interrupted before it started the upload job.
    if placeholders := [item["uuid"] for item in items if item["isPlaceholder"]]:
        await client.mutate("abortUploads", "removedItemsCount", itemUuids=placeholders)
    present = {item["name"] for item in items if not item["isPlaceholder"]}
    files = [file for file in folder.files if file.name not in present]
    file_groups = [group for group in folder.file_groups if group.name not in present]
    if files or file_groups:
        await _upload(client, folder_uuid, files, file_groups)
        items = await _settled_items(client, folder_uuid)
    return {item["name"]: item["uuid"] for item in items}


async def _settled_items(client: DemoClient, folder_uuid: str) -> list[dict[str, Any]]:
    """Return the items of a folder once its upload jobs have ended."""
    folder = (await client.query(IN_FOLDER, uuid=folder_uuid))["storageFolder"]
    for job in folder["uploadJobs"]["nodes"]:
        await _wait_for_job(client, job["uuid"])
    folder = (await client.query(IN_FOLDER, uuid=folder_uuid))["storageFolder"]
    items: list[dict[str, Any]] = folder["items"]["nodes"]
    return items


async def _upload(
    client: DemoClient,
    folder_uuid: str,
    files: Sequence[DemoFile],
    file_groups: Sequence[DemoFileGroup],
) -> None:
    """Request targets, send the files and the members of groups there, and run an upload job."""
    sent = [*files, *(file for group in file_groups for file in group.files)]
    contents = [await asyncio.to_thread(file.make) for file in sent]
    announcements = [
        {
            "name": file.name,
            "itemType": file.item_type,
            "fileSize": len(content),
            "mimeType": file.mime_type,
        }
        for file, content in zip(sent, contents, strict=True)
    ]
    payload = await client.mutate(
        "requestUploadUrls", TARGETS, folderUuid=folder_uuid, files=announcements
    )
    targets = payload["targets"]
    async with asyncio.TaskGroup() as uploads:
        for target, content in zip(targets, contents, strict=True):
            uploads.create_task(client.upload(target, content))
    placeholders = {
        file.name: {"placeholderUuid": target["itemUuid"]}
        for file, target in zip(sent, targets, strict=True)
    }
    entries: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        entries.setdefault(SECTIONS[file.item_type], []).append(placeholders[file.name])
    for group in file_groups:
        members = [placeholders[file.name] for file in group.files]
        entry = {"title": group.name, MEMBER_FIELDS[group.item_type]: members}
        entries.setdefault(SECTIONS[group.item_type], []).append(entry)
    payload = await client.mutate(
        "startUploadJob", "uploadJob { uuid }", folderUuid=folder_uuid, items=entries
    )
    job = await _wait_for_job(client, payload["uploadJob"]["uuid"])
    if job["status"] != "DONE":
        reasons = [*(unit["error"] for unit in job["unitErrors"]), job["status"]]
        raise DemoError(f"The upload job failed: {reasons[0]}")


async def _wait_for_job(client: DemoClient, job_uuid: str) -> dict[str, Any]:
    """Return an upload job once it has ended; raises `DemoError` if it makes no progress."""
    sequence, since = -1, time.monotonic()
    while True:
        job: dict[str, Any] = (await client.query(JOB, uuid=job_uuid))["uploadJob"]
        if job["status"] != "PENDING":
            return job
        if job["sequence"] != sequence:
            sequence, since = job["sequence"], time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            raise DemoError(
                "The upload job makes no progress. Is a worker running? Start one with "
                "`storegraph work`."
            )
        await asyncio.sleep(0.2)
