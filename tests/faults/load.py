"""A client process that uses a site until it is asked to stop: python -m tests.faults.load SPEC.

SPEC is a JSON object of a `LoadSpec`.
"""

import asyncio
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypedDict

import boto3
import orjson
from botocore.config import Config

from gateway.media import samples
from tests.faults.persistent_client import PersistentClient

FILES = {
    "text": (".txt", "PLAIN_TEXT", "text"),
    "image": (".png", "IMAGE", "images"),
    "broken": (".png", "IMAGE", "images"),
    "video": (".webm", "VIDEO", "videos"),
}
"""Extension, item type and section of each kind of file that is uploaded."""


class LoadSpec(TypedDict):
    """What a client process does.

    `bucket` holds the options of an S3 client, with the name of the bucket and the UUID of the folder that mirrors
    it; only one process may have it.
    """

    url: str
    key: str
    root: str
    seed: int
    log: str
    bucket: dict[str, str] | None


class Load:
    """Operations on the folders below a root, chosen at random."""

    def __init__(self, spec: LoadSpec, client: PersistentClient, chance: random.Random) -> None:
        self._spec = spec
        self._client = client
        self._chance = chance
        self._folders = [spec["root"]]
        self._datasets: list[str] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Do one thing after the other until `stop` is set."""
        operations: dict[Callable[[], Awaitable[None]], int] = {
            self.upload: 8,
            self.create_folder: 2,
            self.move_items: 4,
            self.move_folder: 1,
            self.delete_items: 3,
            self.delete_folder: 1,
            self.link: 2,
            self.unlink: 1,
            self.delete_dataset: 1,
            self.reencode: 1,
        }
        if self._spec["bucket"]:
            operations = {self.sync: 1}
        while not stop.is_set():
            [operation] = self._chance.choices(list(operations), list(operations.values()))
            await operation()
            self._client.note("done", operation=operation.__name__)
            await asyncio.sleep(self._chance.uniform(0, 0.3))

    async def upload(self) -> None:
        """Upload a few files, of which some are broken, and check how their units end."""
        folder = self._chance.choice(self._folders)
        kinds = [
            self._chance.choice(["text", "text", "image", "image", "broken"]) for _ in range(self._chance.randint(1, 8))
        ]
        await self._ingest(folder, kinds)

    async def _ingest(self, folder: str, kinds: list[str]) -> list[str]:
        """Upload files of these kinds, and return the UUIDs of the items."""
        contents = [self._content(kind) for kind in kinds]
        files = [
            {"name": f"{n}{FILES[kind][0]}", "itemType": FILES[kind][1], "fileSize": len(data)}
            for n, (kind, data) in enumerate(zip(kinds, contents, strict=True))
        ]
        selection = "targets { itemUuid url method uploadHeaders }"
        answer = await self._client.mutate("requestUploadUrls", {"folderUuid": folder, "files": files}, selection)
        if not answer or not answer["targets"]:
            return self._forget(folder)
        targets = answer["targets"]
        sent = await asyncio.gather(*map(self._client.send, targets, contents))
        if not all(sent):
            return []
        items: dict[str, list[dict[str, str]]] = {}
        for kind, target in zip(kinds, targets, strict=True):
            items.setdefault(FILES[kind][2], []).append({"placeholderUuid": target["itemUuid"]})
        given = {"folderUuid": folder, "items": items, "ignoreErrors": True}
        started = await self._client.mutate("startUploadJob", given, "uploadJob { uuid }")
        if not started or not started["uploadJob"]:
            return self._forget(folder)
        self._client.note("acknowledged", action="CREATE", object_type="UploadJob", uuid=started["uploadJob"]["uuid"])
        selection = "unitsDoneCount unitsErrorCount unitErrors { error }"
        job = await self._client.wait_while_pending("uploadJob", started["uploadJob"]["uuid"], selection)
        if not job:
            return self._forget(folder)
        expected = (len(kinds) - kinds.count("broken"), kinds.count("broken"))
        if (job["unitsDoneCount"], job["unitsErrorCount"]) != expected:
            self._client.note("surprise", errors=f"expected {expected}", job=job, uuid=started["uploadJob"]["uuid"])
        return [target["itemUuid"] for target in targets]

    def _content(self, kind: str) -> bytes:
        seed = self._chance.randrange(1_000_000)
        match kind:
            case "text":
                return b"text %d" % (seed % 50_000)  # some have the same bytes
            case "image":
                return samples.png(seed=seed)
            case "video":
                return samples.webm()
            case _:
                return b"broken %d" % seed

    def _forget(self, folder: str) -> list[str]:
        """Use a folder no more, which has been deleted."""
        if folder in self._folders and folder != self._spec["root"]:
            self._folders.remove(folder)
        return []

    async def create_folder(self) -> None:
        parent = self._chance.choice(self._folders)
        given = {"name": f"f{self._chance.randrange(10**6)}", "parentUuid": parent}
        created = await self._client.mutate("createStorageFolder", given, "folder { uuid }")
        if not created or not created["folder"]:
            self._forget(parent)
            return
        self._folders.append(created["folder"]["uuid"])
        self._client.note("acknowledged", action="CREATE", object_type="StorageFolder", uuid=self._folders[-1])

    async def _some_items(self, most: int) -> list[str]:
        """Return some finished items of a folder, by UUID."""
        folder = self._chance.choice(self._folders)
        found = await self._client.see("storageFolder", folder, "items(first: 200) { nodes { uuid } }")
        if not found:
            self._forget(folder)
            return []
        uuids = [node["uuid"] for node in found["items"]["nodes"]]
        return self._chance.sample(uuids, min(len(uuids), self._chance.randint(1, most)))

    async def move_items(self) -> None:
        uuids, target = await self._some_items(10), self._chance.choice(self._folders)
        if not uuids:
            return

        async def is_done() -> bool:
            folders = [await self._client.see("storageItem", uuid, "folder { uuid }") for uuid in uuids]
            return all(each and each["folder"]["uuid"] == target for each in folders)

        given = {"itemUuids": uuids, "newParentUuid": target, "allowPartial": True}
        await self._client.mutate("moveStorageItems", given, "results { uuid }", is_done)

    async def move_folder(self) -> None:
        folder, target = self._chance.choice(self._folders), self._chance.choice(self._folders)
        if folder in (target, self._spec["root"]):
            return

        async def is_done() -> bool:
            found = await self._client.see("storageFolder", folder, "parent { uuid }")
            return not found or (found["parent"] or {}).get("uuid") == target

        given = {"folderUuids": [folder], "newParentUuid": target}
        await self._client.mutate("moveStorageFolders", given, "results { uuid }", is_done)

    async def delete_items(self) -> None:
        uuids = await self._some_items(10)

        async def is_done() -> bool:
            return not any([await self._client.see("storageItem", uuid, "uuid") for uuid in uuids])

        if uuids:
            given = {"itemUuids": uuids, "allowPartial": True, "allowDatasetChanges": True}
            await self._client.mutate("deleteStorageItems", given, "results { uuid }", is_done)

    async def delete_folder(self) -> None:
        folder = self._chance.choice(self._folders)
        if folder == self._spec["root"]:
            return

        async def is_done() -> bool:
            return not await self._client.see("storageFolder", folder, "uuid")

        given = {"folderUuid": folder, "recursive": True, "allowDatasetChanges": True}
        answer = await self._client.mutate("deleteStorageFolder", given, "folderUuid", is_done)
        self._forget(folder)
        if answer and answer["folderUuid"]:
            self._client.note("acknowledged", action="DELETE", object_type="StorageFolder", uuid=folder)

    async def link(self) -> None:
        if len(self._datasets) < 3:
            title = f"d{self._chance.randrange(10**9)}"

            async def is_done() -> bool:
                found = await self._client.ask(f'{{ datasets(filter: {{titleEq: "{title}"}}) {{ totalCount }} }}', {})
                return bool(found and found["datasets"]["totalCount"])

            created = await self._client.mutate("createDataset", {"title": title}, "dataset { uuid }", is_done)
            if created:
                self._datasets.append(created["dataset"]["uuid"])
        if self._datasets and (uuids := await self._some_items(20)):
            given = {"datasetUuid": self._chance.choice(self._datasets), "itemUuids": uuids}
            await self._client.mutate("linkItemsToDataset", given, "dataRows { uuid }")

    async def unlink(self) -> None:
        if self._datasets and (uuids := await self._some_items(20)):
            given = {"datasetUuid": self._chance.choice(self._datasets), "itemUuids": uuids}

            async def is_done() -> bool:
                return False  # it is harmless to unlink twice

            await self._client.mutate("unlinkItemsFromDataset", given, "removedDataRowsCount", is_done)

    async def delete_dataset(self) -> None:
        if not self._datasets:
            return
        dataset = self._datasets.pop()

        async def is_done() -> bool:
            return not await self._client.see("dataset", dataset, "uuid")

        await self._client.mutate("deleteDataset", {"datasetUuid": dataset}, "deletedId", is_done)

    async def reencode(self) -> None:
        """Upload a video, re-encode it, and check how that ends."""
        items = await self._ingest(self._chance.choice(self._folders), ["video"])
        if not items:
            return
        given = {"itemUuids": items, "title": "Again", "force": True}
        started = await self._client.mutate("startVideoReencode", given, "reencodeJob { uuid }")
        if not started or not started["reencodeJob"]:
            return
        uuid = started["reencodeJob"]["uuid"]
        selection = "units { nodes { status error } }"
        job = await self._client.wait_while_pending("reencodeJob", uuid, selection)
        states = [unit for unit in job["units"]["nodes"] if unit["status"] != "REENCODED"] if job else []
        if states and "deleted" not in str(states):
            self._client.note("surprise", errors=states, uuid=uuid)

    async def sync(self) -> None:
        """Change objects of a bucket, and mirror it."""
        bucket = self._spec["bucket"]
        assert bucket
        await asyncio.to_thread(self._change_bucket, bucket)
        started = await self._client.mutate(
            "startCloudFolderSync", {"folderUuid": bucket["folder"]}, "cloudSyncJob { uuid }"
        )
        if not started or not started["cloudSyncJob"]:
            return
        uuid = started["cloudSyncJob"]["uuid"]
        job = await self._client.wait_while_pending("cloudSyncJob", uuid, "error hasUnitErrors")
        if not job or job["status"] != "DONE" or job["hasUnitErrors"]:
            self._client.note("surprise", errors="the sync failed", job=job, uuid=uuid)

    def _change_bucket(self, bucket: dict[str, str]) -> None:
        client = open_bucket(bucket)
        for _ in range(self._chance.randint(1, 20)):
            key = f"part-{self._chance.randrange(4)}/{self._chance.randrange(60):03}.txt"
            if self._chance.random() < 0.3:
                client.delete_object(Bucket=bucket["name"], Key=key)
            else:
                client.put_object(Bucket=bucket["name"], Key=key, Body=b"%d" % self._chance.randrange(10**9))


def open_bucket(bucket: dict[str, str]) -> Any:
    """Return an S3 client for a customer's bucket."""
    return boto3.client(
        "s3",
        endpoint_url=bucket["endpoint"],
        region_name="us-east-1",
        aws_access_key_id=bucket["access_key"],
        aws_secret_access_key=bucket["secret_key"],
        config=Config(s3={"addressing_style": "path"}),
    )


async def main(spec: LoadSpec) -> None:
    """Use the site until SIGTERM; then finish what has begun."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    chance = random.Random(spec["seed"])
    client = PersistentClient(spec["url"], spec["key"], Path(spec["log"]), chance)
    try:
        await Load(spec, client, chance).run(stop)
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(orjson.loads(sys.argv[1])))
