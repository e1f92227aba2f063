"""What a site that is read openly has: things of all kinds, public and private, and people."""

from typing import Any
from uuid import UUID, uuid4

from gateway.media import samples
from tests.fixtures.communities import create_community, set_role
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.studies import study_uid, upload_dicom
from tests.fixtures.uploading import File


async def publish(site: Site, folder: str, visibility: str | None = "PUBLIC") -> None:
    """Set the visibility of a folder."""
    given = {"folderUuid": folder, "visibility": visibility}
    await site.done("setStorageFolderVisibility", given, "folder { uuid }")


class World:
    """A public folder with things of all kinds, a private one in it, and people with roles on both."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.known: dict[str, Any] = {}
        self.secrets: set[str] = set()

    async def fill(self) -> "World":
        """Create everything."""
        site = self.site
        top = await site.folder("open space")
        inner, closed = await site.folder("inner", top), await site.folder("closed secret", top)
        await publish(site, top)
        await publish(site, closed, "PRIVATE")
        group = await site.group("secret society")
        for folder in (top, closed):
            await site.grant(folder, group, "ADMIN")
        person = await site.newcomer(group)
        files = [File("note", "PLAIN_TEXT", b"note"), File("picture", "IMAGE", samples.png())]
        shown = await upload_items(site, top, files, person)
        hidden = await upload_items(site, closed, [File("hidden secret", "PLAIN_TEXT", b"hidden")], person)
        [scan] = await upload_dicom(site, inner, [samples.dicom_file(1)])
        given: dict[str, Any] = {"topLevelFolderUuid": top, "name": "collected"}
        collection = (await site.done("createCollection", given, "collection { uuid }", person))["collection"]["uuid"]
        given = {"collectionUuid": collection, "itemUuids": shown}
        await site.done("addCollectionItems", given, "collection { uuid }", person)
        submission = await self._measure(person)
        self.secrets = {*await self._people(), "secret", closed, *hidden, UUID(closed).hex}
        folder_id = (await site.see("storageFolder", top, "id"))["id"]
        self.known = {
            "storageFolder": {"uuid": top},
            "storageItemExists": {"folderUuid": top, "name": "note"},
            "storageItem": {"uuid": shown[0]},
            "collection": {"uuid": collection},
            "node": {"id": folder_id},
            "nodes": {"ids": [folder_id]},
            "storageItems": {"uuids": [*shown, scan, *hidden]},
            "dicomStudy": {"folderUuid": top, "studyUid": study_uid(1)},
            "dicomStudies": {"folderUuid": top},
            "dicomInstances": {"filter": {"itemUuids": [scan]}},
            "tag": {"name": "Modality"},
            "searchStorageItems": {"filter": {"search": "note"}},
            "searchStorageItemsAdvanced": {"query": "name:note"},
            "search": {"text": "note"},
            "resourceByPath": {"path": "/open space"},
            "bitstream": {"uuid": shown[0]},
            "community": {"by": {"name": "open lab"}},
            "metricSubmission": {"uuid": submission},
            "facets": {"by": [{"attribute": "OWNER"}]},
            "revision": {"number": 1},
        }
        return self

    async def _people(self) -> set[str]:
        """Return the UUIDs and addresses of all users and groups."""
        people = await self.site.ask(
            "{ users(first: 50) { nodes { uuid email } } groups(first: 50) { nodes { uuid } } }"
        )
        nodes = [*people["users"]["nodes"], *people["groups"]["nodes"]]
        uuids = {value for node in nodes for value in (node["uuid"], UUID(node["uuid"]).hex)}
        return uuids | {node["email"] for node in people["users"]["nodes"]}

    async def _measure(self, person: str) -> str:
        """Add metrics to a public community, official ones and others, and return their submission."""
        site = self.site
        lab = await create_community(site, name="open lab", visibility="PUBLIC")
        await set_role(site, lab["uuid"], person, "ADMIN")
        files = [File("plot", "PLAIN_TEXT", b"plot"), File("secret plot", "PLAIN_TEXT", b"secret")]
        plot, hidden = await upload_items(site, lab["folderUuid"], files, person)
        private = await site.folder("secret plots", lab["folderUuid"])
        await publish(site, private, "PRIVATE")
        await site.done("moveStorageItems", {"itemUuids": [hidden], "newParentUuid": private}, "")
        values = [
            {"metricName": "dice", "value": 0.9, "reproductionCommand": "make dice"},
            {"metricName": "dice", "value": 0.1, "reproductionCommand": "make secret", "isOfficial": False},
        ]
        urls = [{"label": "log", "url": "https://ci.example/1"}]
        given = {
            "communityUuid": lab["uuid"],
            "producer": {"displayName": "nightly"},
            "submission": {"uuid": str(uuid4())},
        }
        given["scalars"] = [{**value, "links": urls} for value in values]
        added = await site.done("addMetricScalars", given, "submission { uuid } scalarUuids", person)
        for item in (plot, hidden):
            link = {"scalarUuid": added["scalarUuids"][0], "itemUuid": item, "label": "plot"}
            await site.done("linkItemToMetric", link, "link { label }", person)
        return str(added["submission"]["uuid"])
