"""Access to every mutation: by a stranger, by a member without the required role, and by one with it."""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.clouds import grant_integration as given_integration
from tests.fixtures.deletions import wait_until_removed
from tests.fixtures.dumps import assert_unchanged, dump
from tests.fixtures.items import create_dataset, upload_items
from tests.fixtures.people_inputs import PEOPLE_INPUTS
from tests.fixtures.reencoding import start_reencoding, wait_for_reencoding
from tests.fixtures.revisions import files_of, revise
from tests.fixtures.sites import Site
from tests.fixtures.studies import ABOUT_STUDIES, STUDY_INPUTS, scan_input, study_input
from tests.fixtures.syncing import insert_old_sync
from tests.fixtures.uploading import File, announce, wait_for_job

STRANGER = "stranger@example.org"
HOLDERS = {role: f"{role.lower()}@example.org" for role in ("VIEWER", "USER", "ADMIN")}
LARGE = 100 << 20
INTEGRATION = {
    "title": "nowhere",
    "kind": "S3_COMPATIBLE",
    "endpoint": "http://localhost",
    "locations": ["s3://bucket"],
    "credentials": {"accessKeyId": "key", "secretAccessKey": "secret"},
    "verifyAccess": False,
}
FILE = {"name": "n", "itemType": "PLAIN_TEXT", "fileSize": 1}
Build = Callable[["World"], Awaitable[dict[str, Any]]]
pytestmark = pytest.mark.asyncio(loop_scope="module")


class World:
    """Folder and dataset with a group for each role on them, and a member in each group."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.home = self.target = self.dataset = self.team = self.user = self.integration = ""

    async def fill(self) -> "World":
        """Create everything."""
        site = self.site
        self.home, self.target = await site.folder("home"), await site.folder("target")
        self.dataset = await create_dataset(site, "of the house")
        self.integration = await self.own_integration()
        await site.user(STRANGER)
        self.user, self.team = await site.user("somebody@example.org"), await site.group("team")
        for role, email in HOLDERS.items():
            group = await site.group(role)
            await site.user(email, groups=[group])
            for folder in (self.home, self.target):
                await site.grant(folder, group, role)
            given = {"datasetUuid": self.dataset, "groupUuids": [group], "role": role}
            await site.done("addDatasetGroups", given, "dataset { uuid }")
            await given_integration(site, self.integration, group, role)
        return self

    async def folder(self) -> str:
        """Create a folder in the home folder."""
        return await self.site.folder("inner", self.home)

    async def waiting(self, size: int = 1) -> str:
        """Create a placeholder in the home folder."""
        files = [File("waiting", "PLAIN_TEXT", b"x")]
        return str((await announce(self.site, self.home, files, fileSize=size))[0]["itemUuid"])

    async def item(self) -> str:
        """Create an item in the home folder."""
        return (await upload_items(self.site, self.home, [File("note", "PLAIN_TEXT", b"note")]))[0]

    async def shared(self) -> str:
        """Create an item in the home folder and share it into the target."""
        item = await self.item()
        shared = {"itemUuids": [item], "folderUuid": self.target}
        await self.site.done("shareStorageItems", shared, "folder { uuid }")
        return item

    async def video(self) -> str:
        """Create a video in the home folder."""
        return (await upload_items(self.site, self.home, [File("film", "VIDEO", samples.webm())]))[0]

    async def reencoded(self) -> str:
        """Create a re-encoding job and wait until it has ended.

        All jobs that were started before it have ended by then.
        """
        uuid = await start_reencoding(self.site, [await self.video()])
        await wait_for_reencoding(self.site, uuid)
        return uuid

    async def linked(self) -> str:
        """Create an item that the dataset uses."""
        item = await self.item()
        uses = {"datasetUuid": self.dataset, "itemUuids": [item]}
        await self.site.done("linkItemsToDataset", uses, "dataset { uuid }")
        return item

    async def job(self) -> str:
        """Create an upload job in the home folder and wait until it has ended."""
        items = {"text": [{"placeholderUuid": await self.waiting()}]}
        payload = await self.site.done(
            "startUploadJob", {"folderUuid": self.home, "items": items}, "uploadJob { uuid }"
        )
        return str((await wait_for_job(self.site, payload["uploadJob"]["uuid"]))["uuid"])

    async def metadata_key(self, deleted: bool = False) -> str:
        """Create a metadata key, and delete it if `deleted`."""
        key = secrets.token_hex(4)
        await self.site.done("setMetadataSchemaField", {"key": key, "type": "TEXT"}, "field { key }")
        if deleted:
            await self.site.done("deleteMetadataSchemaField", {"key": key}, "field { key }")
        return key

    async def tag(self) -> str:
        """Create a tag."""
        given = {"name": secrets.token_hex(4)}
        payload = await self.site.done("createOrganisationTag", given, "organisationTag { uuid }")
        return str(payload["organisationTag"]["uuid"])

    async def collection(self) -> str:
        """Create a collection of the home folder."""
        given = {"topLevelFolderUuid": self.home, "name": "c"}
        return str((await self.site.done("createCollection", given, "collection { uuid }"))["collection"]["uuid"])

    async def preset(self) -> str:
        """Create a filter preset of the home folder."""
        given = {"topLevelFolderUuid": self.home, "name": "p", "filter": {"search": "note"}}
        payload = await self.site.done("createFilterPreset", given, "filterPreset { uuid }")
        return str(payload["filterPreset"]["uuid"])

    async def key(self) -> str:
        """Create an API key of the admin."""
        return str((await self.site.done("createApiKey", {"name": "k"}, "apiKey { uuid }"))["apiKey"]["uuid"])

    async def own_integration(self) -> str:
        """Create an integration with an unreachable store."""
        payload = await self.site.done("createCloudIntegration", INTEGRATION, "integration { uuid }")
        return str(payload["integration"]["uuid"])

    async def own_dataset(self) -> str:
        """Create another dataset with the same roles on it."""
        created = await create_dataset(self.site, "inner")
        groups = (await self.site.ask("{ groups(first: 50) { nodes { uuid name } } }"))["groups"]["nodes"]
        for group in groups:
            if group["name"] in HOLDERS:
                given = {"datasetUuid": created, "groupUuids": [group["uuid"]], "role": group["name"]}
                await self.site.done("addDatasetGroups", given, "dataset { uuid }")
        return created

    async def granted(self, on: str) -> str:
        """Create a group with a role on the home folder, its dataset or its integration."""
        group = await self.site.group("granted")
        if on == "integration":
            await given_integration(self.site, self.integration, group, "VIEWER")
        elif on == "folder":
            await self.site.grant(self.home, group, "VIEWER")
        else:
            given = {"datasetUuid": self.dataset, "groupUuids": [group], "role": "VIEWER"}
            await self.site.done("addDatasetGroups", given, "dataset { uuid }")
        return group


async def plain(world: World, **values: Any) -> dict[str, Any]:
    """Return an input with its coroutines awaited."""
    return {name: await value if isinstance(value, Awaitable) else value for name, value in values.items()}


async def uuid_list(value: Awaitable[str]) -> list[str]:
    """Return a list of one UUID."""
    return [await value]


# The role that each mutation needs on the objects in its input; SITE is a site admin, OWN is about the viewer alone.
MATRIX: dict[str, tuple[str, Build]] = {
    "createStorageFolder": ("USER", lambda w: plain(w, name="new", parentUuid=w.home)),
    "updateStorageFolder": ("USER", lambda w: plain(w, folderUuid=w.folder(), name="new")),
    "updateStorageFolders": ("USER", lambda w: folder_updates(w)),
    "moveStorageFolders": ("ADMIN", lambda w: plain(w, folderUuids=uuid_list(w.folder()), newParentUuid=w.target)),
    "setStorageFolderVisibility": ("ADMIN", lambda w: plain(w, folderUuid=w.folder(), visibility="PUBLIC")),
    "deleteStorageFolder": ("ADMIN", lambda w: plain(w, folderUuid=w.folder())),
    "createStorageItem": ("USER", lambda w: plain(w, folderUuid=w.home, name="new")),
    "createLinkItem": ("USER", lambda w: plain(w, folderUuid=w.home, url="https://example.org/x")),
    "updateBitstream": ("USER", lambda w: of_revisions(w, "bitstreamUuid", name="new")),
    "setThumbnail": ("USER", lambda w: of_revisions(w, bitstreamUuid=None)),
    "deleteBitstreams": ("ADMIN", lambda w: of_revisions(w, "bitstreamUuids")),
    "restoreItemRevision": ("USER", lambda w: of_revisions(w, number=1)),
    "deleteItemRevisions": ("ADMIN", lambda w: of_revisions(w, numbers=[1])),
    "updateStorageItem": ("USER", lambda w: plain(w, itemUuid=w.waiting(), name="new")),
    "setStorageItemMetadata": (
        "USER",
        lambda w: plain(w, itemUuid=w.waiting(), entries=[{"element": "a", "value": "b"}]),
    ),
    "deleteStorageItemMetadata": (
        "USER",
        lambda w: plain(w, itemUuid=w.waiting(), entries=[{"element": "a"}]),
    ),
    "clearStorageItemMetadata": ("USER", lambda w: plain(w, itemUuid=w.waiting())),
    "updateStorageItems": ("USER", lambda w: item_updates(w)),
    "moveStorageItems": ("ADMIN", lambda w: plain(w, itemUuids=uuid_list(w.waiting()), newParentUuid=w.target)),
    "deleteStorageItems": ("ADMIN", lambda w: plain(w, itemUuids=uuid_list(w.waiting()))),
    "duplicateStorageItem": ("USER", lambda w: plain(w, itemUuid=w.item())),
    "copyStorageItems": ("USER", lambda w: plain(w, itemUuids=uuid_list(w.item()), folderUuid=w.target)),
    "shareStorageItems": ("ADMIN", lambda w: plain(w, itemUuids=uuid_list(w.waiting()), folderUuid=w.target)),
    "unshareStorageItems": ("ADMIN", lambda w: plain(w, itemUuids=uuid_list(w.shared()), folderUuid=w.target)),
    **STUDY_INPUTS,
    **{name: (role, partial(study_input, **more)) for name, (role, more) in ABOUT_STUDIES.items()},
    "extractDicomMetadata": ("USER", scan_input),
    "createDataGroups": ("USER", lambda w: data_groups(w)),
    "importTree": ("USER", lambda w: plain(w, folderUuid=w.home, entries=[{"path": "a", "fileSize": 1}])),
    "requestUploadUrls": ("USER", lambda w: plain(w, folderUuid=w.home, files=[FILE])),
    "renewUploadUrls": ("USER", lambda w: plain(w, itemUuids=uuid_list(w.waiting()))),
    "signUploadParts": ("USER", lambda w: plain(w, itemUuid=w.waiting(LARGE), partNumbers=[1])),
    "completeUploadParts": ("USER", lambda w: plain(w, itemUuid=w.waiting(LARGE))),
    "abortUploads": ("USER", lambda w: plain(w, itemUuids=uuid_list(w.waiting()))),
    "startUploadJob": ("USER", lambda w: job_start(w)),
    "cancelJob": ("USER", lambda w: plain(w, jobUuid=w.job())),
    "cancelUploadJob": ("USER", lambda w: plain(w, uploadJobUuid=w.job())),
    "startVideoReencode": ("USER", lambda w: plain(w, itemUuids=uuid_list(w.video()), title="new")),
    "cancelVideoReencode": ("SITE", lambda w: plain(w, reencodeJobUuid=w.reencoded())),
    "startCloudFolderSync": ("USER", lambda w: plain(w, folderUuid=w.home)),
    "setFolderMetadataIngestion": ("ADMIN", lambda w: plain(w, folderUuid=w.home, metadataIngestion={})),
    "setFolderAutoSync": ("ADMIN", lambda w: plain(w, folderUuid=w.home, autoSync=True)),
    "cancelCloudFolderSync": ("USER", lambda w: plain(w, cloudSyncJobUuid=insert_old_sync(w.site, w.home))),
    "createDataset": ("ADMIN", lambda w: plain(w, title="new", backingFolderUuid=w.folder())),
    "updateDataset": ("USER", lambda w: plain(w, datasetUuid=w.dataset, title="new")),
    "deleteDataset": ("ADMIN", lambda w: plain(w, datasetUuid=w.own_dataset())),
    "linkItemsToDataset": ("USER", lambda w: plain(w, datasetUuid=w.dataset, itemUuids=uuid_list(w.item()))),
    "unlinkItemsFromDataset": ("USER", lambda w: plain(w, datasetUuid=w.dataset, itemUuids=uuid_list(w.linked()))),
    "addStorageFolderGroups": ("ADMIN", lambda w: plain(w, folderUuid=w.home, groupUuids=[w.team], role="ADMIN")),
    "removeStorageFolderGroups": (
        "ADMIN",
        lambda w: plain(w, folderUuid=w.home, groupUuids=uuid_list(w.granted("folder"))),
    ),
    "addDatasetGroups": ("ADMIN", lambda w: plain(w, datasetUuid=w.dataset, groupUuids=[w.team], role="ADMIN")),
    "removeDatasetGroups": (
        "ADMIN",
        lambda w: plain(w, datasetUuid=w.dataset, groupUuids=uuid_list(w.granted("dataset"))),
    ),
    "migrateStorageItems": ("USER", lambda w: migration(w)),
    "createCloudIntegration": ("SITE", lambda w: plain(w, **INTEGRATION)),
    "updateCloudIntegration": ("SITE", lambda w: plain(w, integrationUuid=w.integration, title="new")),
    "verifyCloudIntegration": ("SITE", lambda w: plain(w, integrationUuid=w.integration)),
    "deleteCloudIntegration": ("SITE", lambda w: plain(w, integrationUuid=w.own_integration())),
    "addCloudIntegrationGroups": (
        "ADMIN",
        lambda w: plain(w, integrationUuid=w.integration, groupUuids=[w.team], role="ADMIN"),
    ),
    "removeCloudIntegrationGroups": (
        "ADMIN",
        lambda w: plain(w, integrationUuid=w.integration, groupUuids=uuid_list(w.granted("integration"))),
    ),
    "addDatasetUsers": ("ADMIN", lambda w: plain(w, datasetUuid=w.dataset, userUuids=[w.user], role="ADMIN")),
    "removeDatasetUsers": ("ADMIN", lambda w: plain(w, datasetUuid=w.dataset, userUuids=[w.user])),
    **{f"{verb}DicomIndexedTag": ("SITE", lambda w: plain(w, tag="StationName")) for verb in ("add", "remove")},
    "setMetadataSchemaField": ("SITE", lambda w: plain(w, key="new", type="TEXT")),
    "deleteMetadataSchemaField": ("SITE", lambda w: plain(w, key=w.metadata_key())),
    "restoreMetadataSchemaField": ("SITE", lambda w: plain(w, key=w.metadata_key(deleted=True))),
    "createOrganisationTag": ("SITE", lambda w: plain(w, name="new")),
    "deleteOrganisationTag": ("SITE", lambda w: plain(w, organisationTagUuid=w.tag())),
    "addStorageFolderTags": ("USER", lambda w: plain(w, folderUuid=w.home, organisationTagUuids=uuid_list(w.tag()))),
    "removeStorageFolderTags": ("USER", lambda w: plain(w, folderUuid=w.home, organisationTagUuids=uuid_list(w.tag()))),
    "createCollection": ("USER", lambda w: plain(w, topLevelFolderUuid=w.home, name="new")),
    "updateCollection": ("USER", lambda w: plain(w, collectionUuid=w.collection(), name="new")),
    "deleteCollection": ("USER", lambda w: plain(w, collectionUuid=w.collection())),
    "addCollectionItems": ("USER", lambda w: plain(w, collectionUuid=w.collection(), itemUuids=uuid_list(w.item()))),
    "removeCollectionItems": ("USER", lambda w: plain(w, collectionUuid=w.collection(), itemUuids=uuid_list(w.item()))),
    "addCollectionItemsByTitle": ("USER", lambda w: plain(w, collectionUuid=w.collection(), titles=["note"])),
    "addCollectionPresetItems": (
        "USER",
        lambda w: plain(w, collectionUuid=w.collection(), filterPresetUuid=w.preset()),
    ),
    "removeCollectionPresetItems": (
        "USER",
        lambda w: plain(w, collectionUuid=w.collection(), filterPresetUuid=w.preset()),
    ),
    "createFilterPreset": ("USER", lambda w: plain(w, topLevelFolderUuid=w.home, name="new", filter={"search": "n"})),
    "deleteFilterPreset": ("USER", lambda w: plain(w, filterPresetUuid=w.preset())),
    **PEOPLE_INPUTS,
    "createApiKey": ("SITE", lambda w: plain(w, name="new", userUuid=w.user)),
    "revokeApiKey": ("SITE", lambda w: plain(w, apiKeyUuid=w.key())),
    "rotateApiKey": ("SITE", lambda w: plain(w, apiKeyUuid=w.key())),
    "createSession": ("VIEWER", lambda w: plain(w, folderUuid=w.home)),
    "enrolOneTimePassword": ("OWN", lambda w: plain(w, issuer="site")),
    "confirmOneTimePassword": ("OWN", lambda w: plain(w, oneTimePassword="000000")),
    "resetOneTimePassword": ("SITE", lambda w: plain(w, userUuid=w.user)),
}
ALLOWED_BUT = {
    **{name: [("BAD_USER_INPUT", "input.folderUuid")] for name in ("setFolderMetadataIngestion", "setFolderAutoSync")},
    "startCloudFolderSync": [("BAD_USER_INPUT", "input.folderUuid")],
    "completeUploadParts": [("BAD_USER_INPUT", "input.itemUuid")],
    "migrateStorageItems": [("CONFLICT", "input.items.0")],
    "verifyCloudIntegration": [("FORBIDDEN", "input.integrationUuid")],
}
"""Errors for members with the role, as the world lacks uploaded parts, a reachable cloud, a cloud-synced folder."""
JOURNALED = {"folders", "items"}
"""Tables whose changes are all in the journal."""
HIDDEN = {"revokeApiKey", "rotateApiKey", "cancelVideoReencode"}
"""Mutations of API keys, whose existence is hidden from other users."""


async def folder_updates(world: World) -> dict[str, Any]:
    """Return updates of two folders."""
    return {"folders": [{"folderUuid": await world.folder(), "name": "new"} for _ in range(2)]}


async def of_revisions(w: World, field: str = "", /, **values: Any) -> dict[str, Any]:
    """Return the input for an item with two revisions, and perhaps its newest file."""
    [item] = await upload_items(w.site, w.home, [File("a", "FILE", b"a")])
    await revise(w.site, w.home, item, [File("a", "FILE", b"b")])
    [file] = await files_of(w.site, item)
    given = {field: file["uuid"] if field == "bitstreamUuid" else [file["uuid"]]} if field else {}
    return {"itemUuid": item, **given, **values}


async def item_updates(world: World) -> dict[str, Any]:
    """Return updates of two items."""
    return {"items": [{"itemUuid": await world.waiting(), "name": "new"} for _ in range(2)]}


async def migration(world: World) -> dict[str, Any]:
    """Return the migration of an item without an external object."""
    return {"items": [{"match": {"itemUuid": await world.item()}, "newUrl": "https://files.example/x"}]}


async def data_groups(world: World) -> dict[str, Any]:
    """Return a data group of one item."""
    return {"folderUuid": world.home, "groups": [{"grid": {"layoutContents": [await world.item()]}}]}


async def job_start(world: World) -> dict[str, Any]:
    """Return the start of a job with one placeholder."""
    return {"folderUuid": world.home, "items": {"text": [{"placeholderUuid": await world.waiting()}]}}


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module."""
    return shared_site


async def test_every_mutation_is_in_the_matrix_and_states_its_role(site: Site) -> None:
    """The matrix covers every mutation of the schema, so that new ones cannot be forgotten."""
    data = await site.ask("{ __schema { mutationType { fields { name description } } } }")
    fields = {field["name"]: field["description"] for field in data["__schema"]["mutationType"]["fields"]}
    assert set(fields) == set(MATRIX)
    assert [name for name, description in fields.items() if "\n\nRequires: " not in description] == []


async def test_every_mutation_is_refused_without_the_role(site: Site) -> None:
    """Strangers get NOT_FOUND, members without the role FORBIDDEN, and nothing changes.

    Inventory: MID-ERR-16, MID-ERR-17, SUB-134.
    """
    world = await World(site).fill()
    for mutation, (needed, build) in MATRIX.items():
        if needed == "OWN":
            continue
        await wait_until_removed(site)  # A deletion would take what is built next, too.
        input = await build(world)
        await wait_until_removed(site)
        lesser = [email for role, email in HOLDERS.items() if needed == "SITE" or ranks(role) < ranks(needed)]
        async with assert_unchanged(site):
            for who in (STRANGER, *lesser):
                hidden = mutation in HIDDEN or (who == STRANGER and needed != "SITE")
                refused = await site.refused(mutation, input, who)
                assert {code for code, _ in refused} == {"NOT_FOUND" if hidden else "FORBIDDEN"}, (
                    mutation,
                    who,
                    refused,
                )
                assert all(path.startswith("input") for _, path in refused), (mutation, refused)
        allowed = "admin" if needed == "SITE" else HOLDERS[needed]
        before = set(await dump(site))
        assert await site.refused(mutation, input, allowed) == ALLOWED_BUT.get(mutation, []), mutation
        changed = {table for table, *_ in before.symmetric_difference(await dump(site))}
        assert "changes" in changed or not changed & JOURNALED, f"{mutation} changes {changed} without the journal"


def ranks(role: str) -> int:
    """Return how strong a role is."""
    return ["VIEWER", "USER", "ADMIN"].index(role)


async def test_both_ends_of_a_move_and_of_a_link_are_guarded(site: Site) -> None:
    """A role at one end is not enough.

    Inventory: ENC-FOLDEROP-08, ENC-FOLDEROP-09, ENC-DOP-05, SUB-134.
    """
    who, group = "ends@example.org", await site.group("ends")
    await site.user(who, groups=[group])
    mine, theirs = await site.folder("mine", who=who), await site.folder("theirs")
    inner = await site.folder("inner", mine, who)
    item = (await upload_items(site, mine, [File("n", "PLAIN_TEXT", b"n")], who))[0]
    hidden = (await upload_items(site, theirs, [File("h", "PLAIN_TEXT", b"h")]))[0]
    own = await create_dataset(site, "own", who=who)
    there = [
        ("moveStorageFolders", {"folderUuids": [inner], "newParentUuid": theirs}),
        ("moveStorageItems", {"itemUuids": [item], "newParentUuid": theirs}),
    ]
    shared = {"itemUuids": [item], "folderUuid": theirs}
    for role, code in ((None, "NOT_FOUND"), ("VIEWER", "FORBIDDEN")):
        if role:
            await site.grant(theirs, group, role)
        async with assert_unchanged(site):
            for mutation, input in there:
                assert await site.refused(mutation, input, who) == [(code, "input.newParentUuid")]
            assert await site.refused("shareStorageItems", shared, who) == [(code, "input.folderUuid")]
    await site.done("removeStorageFolderGroups", {"folderUuid": theirs, "groupUuids": [group]}, "folder { uuid }")
    async with assert_unchanged(site):
        away = {"itemUuids": [item, hidden], "newParentUuid": inner}
        assert await site.refused("moveStorageItems", away, who) == [("NOT_FOUND", "input.itemUuids.1")]
        shared_away = {"itemUuids": [item, hidden], "folderUuid": inner}
        assert await site.refused("shareStorageItems", shared_away, who) == [("NOT_FOUND", "input.itemUuids.1")]
        link = {"datasetUuid": own, "itemUuids": [item, hidden]}
        assert await site.refused("linkItemsToDataset", link, who) == [("NOT_FOUND", "input.itemUuids.1")]
    await site.grant(theirs, group, "USER")
    for mutation, input in there:
        assert await site.refused(mutation, input, who) == []


async def test_bytes_of_others_cannot_be_reused(site: Site) -> None:
    """A digest, an object URL or a placeholder of others gives no access to their bytes.

    Inventory: SUB-121, SUB-058.
    """
    who = "thief@example.org"
    await site.user(who)
    mine, theirs = await site.folder("thief's", who=who), await site.folder("victim's")
    secret = File("secret", "PLAIN_TEXT", b"only mine")
    item = (await upload_items(site, theirs, [secret]))[0]
    data = await site.ask("query($u: UUID!) { storageItem(uuid: $u) { url sha256 } }", {"u": item})
    digest, url = data["storageItem"]["sha256"], data["storageItem"]["url"]
    assert (await announce(site, mine, [secret], sha256=digest))[0]["alreadyStored"] is True
    assert (await announce(site, mine, [secret], who, sha256=digest))[0]["alreadyStored"] is False
    waiting = (await announce(site, theirs, [secret]))[0]["itemUuid"]
    async with assert_unchanged(site):
        for source in ({"objectUrl": url}, {"placeholderUuid": waiting}, {"placeholderUuid": item}):
            wanted = {"folderUuid": mine, "items": {"text": [source]}}
            refused = await site.refused("startUploadJob", wanted, who)
            assert [code for code, _ in refused] == ["NOT_FOUND"], source
