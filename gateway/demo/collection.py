"""Fills a running site with the demo collection, or completes one that was left half made; a whole one is let be."""

from dataclasses import dataclass
from typing import Any

import httpx

from gateway.demo.client import DemoClient
from gateway.demo.contents import DATASETS, GROUPS, ROOTS, USERS, DemoDataset, DemoFolder, DemoUser
from gateway.demo.uploading import upload_missing

USER = "query ($email: String!) { users(search: $email) { nodes { uuid email apiKeys(first: 1) { nodes { uuid } } } } }"
GROUP = "query ($name: String!) { groups(search: $name) { nodes { uuid name } } }"
DATASET = "query ($title: String!) { datasets(search: $title) { nodes { uuid title } } }"
ROOT = """
query ($name: String!) {
  storageFolders(filter: {search: $name}) { nodes { uuid name clientMetadata } }
}
"""
SUBFOLDER = """
query ($parent: UUID!, $name: String!) {
  storageFolder(uuid: $parent) { subfolders(filter: {search: $name}) { nodes { uuid name clientMetadata } } }
}
"""


@dataclass(frozen=True)
class DemoResult:
    """The demo on a site: the new API keys by email address, which are shown this once; none if it was there."""

    keys: dict[str, str]


async def fill(url: str, admin_key: str) -> DemoResult:
    """Make what is missing of the demo; raises `DemoFailed` if the site cannot be reached or refuses something."""
    async with httpx.AsyncClient(timeout=60) as http:
        client = DemoClient(http, url, admin_key)
        # Keys are made last, and users stay for ever: who has a key belongs to a demo that was finished.
        if await _has_key(client, USERS[-1]):
            return DemoResult({})
        groups = {name: await _group(client, name, about) for name, about in GROUPS.items()}
        uuids: dict[str, str] = {}
        for root in ROOTS:
            await _folder(client, root, None, groups, uuids)
        for dataset in DATASETS:
            await _dataset(client, dataset, groups, uuids)
        users = {
            person.email: await _user(client, person, groups[person.group]) for person in USERS
        }
        keyless = [person for person in USERS if not await _has_key(client, person)]
        return DemoResult(
            {person.email: await _key(client, users[person.email]) for person in keyless}
        )


async def _has_key(client: DemoClient, person: DemoUser) -> bool:
    user = _one((await client.ask(USER, email=person.email))["users"]["nodes"], email=person.email)
    return user is not None and bool(user["apiKeys"]["nodes"])


async def _group(client: DemoClient, name: str, about: str) -> str:
    found = _one((await client.ask(GROUP, name=name))["groups"]["nodes"], name=name)
    if not found:
        found = (await client.do("createGroup", "group { uuid }", name=name, description=about))[
            "group"
        ]
    return str(found["uuid"])


async def _user(client: DemoClient, person: DemoUser, group: str) -> str:
    found = _one((await client.ask(USER, email=person.email))["users"]["nodes"], email=person.email)
    if not found:
        found = (
            await client.do("createUser", "user { uuid }", email=person.email, name=person.name)
        )["user"]
    await client.do("addGroupUsers", "group { uuid }", groupUuid=group, userUuids=[found["uuid"]])
    return str(found["uuid"])


async def _key(client: DemoClient, user: str) -> str:
    return str((await client.do("createApiKey", "token", name="Demo", userUuid=user))["token"])


async def _folder(
    client: DemoClient,
    folder: DemoFolder,
    parent: str | None,
    groups: dict[str, str],
    uuids: dict[str, str],
) -> None:
    """A folder with all in it and below; the uuids of folders and items go into `uuids` by their names."""
    uuid = uuids[folder.name] = await _place(client, folder, parent)
    for group, role in folder.roles.items():
        await client.do(
            "addStorageFolderGroups",
            "folder { uuid }",
            folderUuid=uuid,
            groupUuids=[groups[group]],
            role=role,
        )
    uuids |= await upload_missing(client, uuid, folder)
    for child in folder.folders:
        await _folder(client, child, uuid, groups, uuids)


async def _place(client: DemoClient, folder: DemoFolder, parent: str | None) -> str:
    """The folder's uuid; one of the same name that somebody else made is not taken for it."""
    if parent:
        nodes = (await client.ask(SUBFOLDER, parent=parent, name=folder.name))["storageFolder"][
            "subfolders"
        ]["nodes"]
    else:
        nodes = (await client.ask(ROOT, name=folder.name))["storageFolders"]["nodes"]
    metadata = {**folder.metadata, "demo": True}
    found = _one(
        [node for node in nodes if (node["clientMetadata"] or {}).get("demo")], name=folder.name
    )
    if not found:
        attributes = {
            "name": folder.name,
            "description": folder.description,
            "clientMetadata": metadata,
        }
        found = (
            await client.do(
                "createStorageFolder", "folder { uuid }", parentUuid=parent, **attributes
            )
        )["folder"]
    return str(found["uuid"])


async def _dataset(
    client: DemoClient, dataset: DemoDataset, groups: dict[str, str], uuids: dict[str, str]
) -> None:
    found = _one(
        (await client.ask(DATASET, title=dataset.title))["datasets"]["nodes"], title=dataset.title
    )
    if not found:
        attributes = {"title": dataset.title, "description": dataset.description}
        mirrored = uuids[dataset.mirrors] if dataset.mirrors else None
        made = await client.do(
            "createDataset", "dataset { uuid }", backingFolderUuid=mirrored, **attributes
        )
        found = made["dataset"]
    uuid = str(found["uuid"])
    if dataset.items:
        chosen = [uuids[name] for name in dataset.items]
        await client.do(
            "linkItemsToDataset", "dataset { uuid }", datasetUuid=uuid, itemUuids=chosen
        )
    readers = list(groups.values())
    await client.do(
        "addDatasetGroups", "dataset { uuid }", datasetUuid=uuid, groupUuids=readers, role="VIEWER"
    )


def _one(nodes: list[dict[str, Any]], **attributes: str) -> dict[str, Any] | None:
    """The first node with these values: searches find parts of names too."""
    return next((node for node in nodes if attributes.items() <= node.items()), None)
