"""Create the demo data on a running site, or complete one that was interrupted."""

from dataclasses import dataclass
from typing import Any

from gateway.demo.client import DemoClient
from gateway.demo.contents import DATASETS, GROUPS, ROOTS, USERS, DemoFolder, DemoUser
from gateway.demo.uploading import upload_missing

USER = """
query ($email: String!) {
  users(search: $email) { nodes { uuid email apiKeys(first: 1) { nodes { uuid } } } }
}
"""
GROUP = "query ($name: String!) { groups(search: $name) { nodes { uuid name } } }"
DATASET = "query ($title: String!) { datasets(search: $title) { nodes { uuid title } } }"
ROOT = """
query ($name: String!) {
  storageFolders(filter: {search: $name}) { nodes { uuid name clientMetadata } }
}
"""
SUBFOLDER = """
query ($parent: UUID!, $name: String!) {
  storageFolder(uuid: $parent) {
    subfolders(filter: {search: $name}) { nodes { uuid name clientMetadata } }
  }
}
"""


@dataclass(frozen=True)
class DemoResult:
    """API keys by email address, which can be shown this once; none if the demo existed."""

    keys: dict[str, str]


async def fill(url: str, admin_key: str, public_url: str = "") -> DemoResult:
    """Create what is missing of the demo; for the URLs see `run_demo`.

    Raises:
        SiteError: the site cannot be reached, or it refuses a request.
    """
    async with DemoClient(url, admin_key, public_url) as client:
        # Keys are created last, and users cannot be deleted: a user with a key belongs to a
        # complete demo.
        if await _has_key(client, USERS[-1]):
            return DemoResult({})
        groups: dict[str, str] = {}
        for name, description in GROUPS.items():
            group = _match((await client.query(GROUP, name=name))["groups"], name=name)
            if not group:
                attributes = {"name": name, "description": description}
                group = (await client.mutate("createGroup", "group { uuid }", **attributes))[
                    "group"
                ]
            groups[name] = group["uuid"]
        uuids: dict[str, str] = {}
        for root in ROOTS:
            await _create_folder(client, root, None, groups, uuids)
        await _create_datasets(client, groups, uuids)
        users: dict[str, str] = {}
        for user in USERS:
            row = _match((await client.query(USER, email=user.email))["users"], email=user.email)
            if not row:
                attributes = {"email": user.email, "name": user.name}
                row = (await client.mutate("createUser", "user { uuid }", **attributes))["user"]
            membership = {"groupUuid": groups[user.group], "userUuids": [row["uuid"]]}
            await client.mutate("addGroupUsers", "group { uuid }", **membership)
            users[user.email] = row["uuid"]
        keys = {}
        for user in USERS:
            if not await _has_key(client, user):
                owner = {"name": "Demo", "userUuid": users[user.email]}
                keys[user.email] = (await client.mutate("createApiKey", "token", **owner))["token"]
        return DemoResult(keys)


async def _has_key(client: DemoClient, user: DemoUser) -> bool:
    existing = _match((await client.query(USER, email=user.email))["users"], email=user.email)
    return existing is not None and bool(existing["apiKeys"]["nodes"])


async def _create_folder(
    client: DemoClient,
    folder: DemoFolder,
    parent: str | None,
    groups: dict[str, str],
    uuids: dict[str, str],
) -> None:
    """Create a folder with everything in it and below it, as far as it is missing.

    Adds the UUIDs of folders and items to `uuids`, by name. A folder of the same name that is not
    marked as part of the demo is left alone.
    """
    if parent:
        data = await client.query(SUBFOLDER, parent=parent, name=folder.name)
        matches = data["storageFolder"]["subfolders"]["nodes"]
    else:
        matches = (await client.query(ROOT, name=folder.name))["storageFolders"]["nodes"]
    marked = [node for node in matches if (node["clientMetadata"] or {}).get("demo")]
    row = _match({"nodes": marked}, name=folder.name)
    if not row:
        attributes = {
            "name": folder.name,
            "description": folder.description,
            "clientMetadata": {**folder.metadata, "demo": True},
            "parentUuid": parent,
        }
        payload = await client.mutate("createStorageFolder", "folder { uuid }", **attributes)
        row = payload["folder"]
    uuid = uuids[folder.name] = str(row["uuid"])
    for group, role in folder.roles.items():
        await client.mutate(
            "addStorageFolderGroups",
            "folder { uuid }",
            folderUuid=uuid,
            groupUuids=[groups[group]],
            role=role,
        )
    uuids |= await upload_missing(client, uuid, folder)
    for child in folder.folders:
        await _create_folder(client, child, uuid, groups, uuids)


async def _create_datasets(
    client: DemoClient, groups: dict[str, str], uuids: dict[str, str]
) -> None:
    """Create the datasets that are missing, and let all groups read them."""
    for dataset in DATASETS:
        title = dataset.title
        row = _match((await client.query(DATASET, title=title))["datasets"], title=title)
        if not row:
            attributes = {
                "title": title,
                "description": dataset.description,
                "backingFolderUuid": uuids[dataset.mirrors] if dataset.mirrors else None,
            }
            payload = await client.mutate("createDataset", "dataset { uuid }", **attributes)
            row = payload["dataset"]
        if dataset.items:
            await client.mutate(
                "linkItemsToDataset",
                "dataset { uuid }",
                datasetUuid=row["uuid"],
                itemUuids=[uuids[name] for name in dataset.items],
            )
        await client.mutate(
            "addDatasetGroups",
            "dataset { uuid }",
            datasetUuid=row["uuid"],
            groupUuids=list(groups.values()),
            role="VIEWER",
        )


def _match(connection: dict[str, Any], **attributes: str) -> dict[str, Any] | None:
    """Return the node with exactly these values: a search also matches parts of names."""
    nodes: list[dict[str, Any]] = connection["nodes"]
    return next((node for node in nodes if attributes.items() <= node.items()), None)
