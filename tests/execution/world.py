"""A small site with an instance of everything, queried through both executors."""

import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ledger.counters import recount
from gateway.context import Context, Services
from gateway.database.engine import Transaction
from gateway.database.tree import path_of
from gateway.execution.compiled.executor import CompiledExecutor
from gateway.execution.operations import OperationRequest, Operations
from gateway.ids import global_id
from gateway.kinds.enums import (
    JobKind,
    JobStatus,
    MetadataFieldType,
    ReencodeUnitStatus,
    SiteRole,
    SkippedObjectReason,
    StorageLocationName,
    StorageUserRole,
)
from gateway.kinds.item_kinds import StorageItemType
from gateway.limits import Limits
from gateway.models.base import fold
from gateway.models.changes import change_places, changes
from gateway.models.collections import collection_items, collections, filter_presets
from gateway.models.datasets import data_rows, dataset_grants, datasets
from gateway.models.folders import FolderCountersRecord, folder_counters, folder_grants, folders
from gateway.models.integrations import cloud_integrations, integration_grants
from gateway.models.items import group_members, items, stored_objects
from gateway.models.jobs import jobs
from gateway.models.metadata import metadata_fields
from gateway.models.people import api_keys, groups, memberships, users
from gateway.models.reencoding import reencode_units, renditions
from gateway.models.syncs import skipped_objects
from gateway.models.tags import folder_tags, organisation_tags
from gateway.models.uploads import upload_units, uploads
from gateway.settings import Settings
from gateway.stores.base import SignedRequest
from gateway.wiring import open_services
from schema.api import api
from tests.execution.community_world import create_communities
from tests.execution.dicom_world import create_studies, create_study_jobs
from tests.execution.item_views import LAYOUT, SERIES, SETTINGS
from tests.execution.revision_world import create_revisions
from tests.execution.shared_world import move_some, share_some

NAMES = ["alpha", "Alpha", "beta", "ßtraße", "STRASSE", "münchen", "図面 7", "a%b_c", 'quo"ted', "zeta", "", "🦊 den"]
LIMITS = Limits(cost=1_000_000)
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COLLECTIONS = (StorageItemType.GROUP, StorageItemType.IMAGE_GROUP, StorageItemType.DICOM_SERIES)


@dataclass
class World:
    """The UUIDs of everything on the site, and its viewers."""

    viewers: dict[str, Viewer] = field(default_factory=dict)
    folders: list[UUID] = field(default_factory=list)
    items: list[UUID] = field(default_factory=list)
    integrations: list[UUID] = field(default_factory=list)
    datasets: list[UUID] = field(default_factory=list)
    jobs: list[UUID] = field(default_factory=list)
    syncs: list[UUID] = field(default_factory=list)
    groups: list[UUID] = field(default_factory=list)
    users: list[UUID] = field(default_factory=list)

    def ids(self) -> list[str]:
        """Return opaque IDs of some objects, and one that is invalid."""
        kinds = {"StorageFolder": self.folders, "StorageItem": self.items, "Dataset": self.datasets, "User": self.users}
        more = {"Group": self.groups, "UploadJob": self.jobs, "CloudSyncJob": self.syncs}
        kinds |= {**more, "CloudIntegration": self.integrations}
        return [global_id(kind, uuid) for kind, uuids in kinds.items() for uuid in uuids[:3]] + ["none"]


class StillStore:
    """An object store that signs without a clock: the URLs of two executors would otherwise differ by seconds."""

    async def sign_get(
        self, key: str, name: str, content_type: str, lifetime: timedelta, *, is_inline: bool = False, **_bounds: Any
    ) -> SignedRequest:
        """Return a URL that contains the arguments."""
        shown = "&inline" if is_inline else ""
        url = f"https://objects.test/{key}?name={name}&type={content_type}&for={lifetime.seconds}{shown}"
        return SignedRequest(url, "GET", START + lifetime, {"x-made": "up"})

    part_size = 1000
    disk = None

    async def info(self, key: str) -> None:
        """Return nothing: no bytes have arrived."""


class Builder:
    """Inserts the same pseudorandom rows each time."""

    def __init__(self, transaction: Transaction, world: World) -> None:
        self.random = random.Random(7)
        self.world = world
        self.transaction = transaction

    async def put(self, table: sa.Table, **values: Any) -> Any:
        """Insert a row, with a new UUID if its table has one."""
        if "uuid" in table.c and "uuid" not in values:
            values["uuid"] = UUID(int=self.random.getrandbits(128), version=4)
        for name in ("created_at", "last_edited_at"):
            if name in table.c:
                values.setdefault(name, self.moment())
        await self.transaction.execute(sa.insert(table), [values])
        return values.get("uuid")

    def moment(self) -> datetime:
        """Return a random time; many have no fraction of a second, and many are equal."""
        return START + timedelta(seconds=self.random.randrange(5), microseconds=self.random.choice([0, 0, 120, 999999]))

    def name(self) -> dict[str, str]:
        """Return a random name and its key."""
        name = self.random.choice(NAMES)
        return {"name": name, "name_key": fold(name)}

    async def people(self) -> None:
        """Insert an admin, a member with grants, a member without, and groups."""
        for name, role in (("admin", SiteRole.ADMIN), ("member", SiteRole.MEMBER), ("stranger", SiteRole.MEMBER)):
            email = {"email": f"{name}@Example.org", "email_key": f"{name}@example.org"}
            uuid = await self.put(users, **email, name=name, site_role=role, is_active=True)
            self.world.viewers[name] = Viewer(uuid, role)
            self.world.users.append(uuid)
        for number in range(4):
            self.world.groups.append(await self.put(groups, description=f"group {number}", **self.name()))
        for group, user in ((0, 1), (1, 1), (1, 2), (2, 0), (3, 2)):
            pair = {"group_uuid": self.world.groups[group], "user_uuid": self.world.users[user]}
            await self.put(memberships, **pair)
        await self.put(metadata_fields, key="scanner", field_type=MetadataFieldType.TEXT)
        for number, user in enumerate((0, 1, 1, 2)):
            revoked = self.moment() if number % 2 else None
            await self.put(
                api_keys, user_uuid=self.world.users[user], name=f"key {number}", sha256=f"{number}", revoked_at=revoked
            )

    async def tree(self) -> None:
        """Insert folders on four levels, with grants on some."""
        paths: list[tuple[UUID | None, str]] = [(None, "")]
        for number in range(18):
            parent, above = self.random.choice(paths[-6:]) if number > 2 else paths[0]
            uuid = UUID(int=self.random.getrandbits(128), version=4)
            path = path_of(above, uuid)
            metadata = self.random.choice([None, {}, {"a": [1, 2.5, None], "ü": {"b": "x"}}, {"deep": True}])
            owner = self.random.choice([None, *self.world.users])
            await self.put(
                folders,
                uuid=uuid,
                parent_uuid=parent,
                path=path,
                owner_uuid=owner,
                client_metadata=metadata,
                **({"phi_policy": "MASKED", "is_masked": True} if number % 3 == 1 else {}),
                **self.name(),
            )
            wrong = {
                column.name: self.random.randrange(9) for column in folder_counters.c if column.name != "folder_uuid"
            }
            await self.put(folder_counters, folder_uuid=uuid, **wrong)  # they are counted at the end
            self.world.folders.append(uuid)
            paths.append((uuid, path))
        roles = list(StorageUserRole)
        for number, folder in enumerate((0, 1, 4, 5, 9)):
            holder = (
                {"user_uuid": self.world.users[1]} if number == 2 else {"group_uuid": self.world.groups[number % 2]}
            )
            granted = {"folder_uuid": self.world.folders[folder], "role": roles[number % 3], **holder}
            await self.put(folder_grants, sees_phi=number % 2 == 1, **granted)

    async def content(self) -> None:
        """Insert items of all kinds, some of them groups of others, and some in clouds."""
        for number in range(3):
            self.world.integrations.append(await self.integration(number))
        for number in range(4):
            await self.put(stored_objects, key=f"object {number}", sha256=f"{number}" * 64, file_size=number)
        kinds = list(StorageItemType)
        for number in range(70):
            self.world.items.append(await self.item(kinds[number % len(kinds)], number))
            sent = {"object_key": f"{number}", "file_name": "x", "mime_type": "x/y", "file_size": 30 * number}
            await self.put(uploads, item_uuid=self.world.items[-1], user_uuid=self.world.users[number % 2], **sent)
        collections = [
            uuid for number, uuid in enumerate(self.world.items) if kinds[number % len(kinds)] in COLLECTIONS
        ]
        for group in collections:
            for position in range(self.random.randrange(5)):
                member = self.random.choice(self.world.items[:20])
                await self.put(group_members, group_uuid=group, position=position, item_uuid=member, key=f"k{position}")

    async def integration(self, number: int) -> Any:
        """Insert an integration that one group, everyone or only the admin can see."""
        kind = list(StorageLocationName)[number + 1]
        title = self.random.choice(NAMES)
        location = {"endpoint": "https://s3.example" if number else None, "locations": [f"s3://bucket/{number}/"]}
        uuid = await self.put(
            cloud_integrations, title=title, title_key=fold(title), kind=kind, uses_server_credentials=True, **location
        )
        for group in self.world.groups[:number]:
            await self.put(integration_grants, integration_uuid=uuid, group_uuid=group, role=StorageUserRole.USER)
        return uuid

    async def item(self, kind: StorageItemType, number: int) -> Any:
        def maybe(*values: Any) -> Any:
            return self.random.choice([None, *values])

        key = maybe("object 0", "object 1")  # URLs of objects elsewhere contain the time
        return await self.put(
            items,
            folder_uuid=self.random.choice(self.world.folders),
            item_type=kind,
            owner_uuid=maybe(*self.world.users),
            description=self.random.choice(["", 'long\n"text"\u2028', "x"]),
            client_metadata=self.random.choice([{}, {"k": 1}, {"list": [], "f": 1.5, "big": 9007199254740993}]),
            is_tombstone=number % 11 == 0,
            is_placeholder=number % 7 == 0,
            object_key=key,
            integration_uuid=None if key else maybe(*self.world.integrations),
            url=key and f"storegraph:///{key}",
            file_size=maybe(0, 5, 2**40),
            mime_type=maybe("image/png"),
            duration=maybe(0.1, 2.0, 1e300),
            fps=maybe(25.0),
            height=maybe(1080),
            audio_bit_depth=maybe(16),
            audio_codec=maybe("opus"),
            data_group=maybe(LAYOUT) if kind is StorageItemType.GROUP else None,
            time_series=maybe(SERIES) if kind is StorageItemType.TIMESERIES else None,
            time_series_settings=maybe(SETTINGS) if kind is StorageItemType.TIMESERIES else None,
            scene=maybe({"format": "PLY", "pointCount": 3}, {"document": {"a": [1]}}),
            scene_view_settings=maybe({"pointRadius": 0.5}),
            **self.name(),
        )

    async def use(self) -> None:
        """Insert datasets with rows and grants, and jobs with units."""
        for number in range(4):
            title = self.random.choice(NAMES)
            # The first is hidden from the member, who sees the folder that it mirrors.
            backing = None if number == 2 else self.world.folders[number or 4]
            uuid = await self.put(datasets, title=title, title_key=fold(title), backing_folder_uuid=backing)
            self.world.datasets.append(uuid)
            for _ in range(number * 4):
                await self.put(data_rows, dataset_uuid=uuid, item_uuid=self.random.choice(self.world.items))
            if number:
                group = {"group_uuid": self.world.groups[number % 2]}
                await self.put(dataset_grants, dataset_uuid=uuid, role=StorageUserRole.VIEWER, **group)
        for number in range(3):
            self.world.syncs.append(await self.sync(number))
        for number in range(5):
            await self.job(number)
        for number in range(40):
            await self.change(number)
        await self.reencode()

    async def reencode(self) -> None:
        """Insert a re-encoding job over items of all kinds, and re-encoded versions of some."""
        values = {"title": "t", "user_uuid": self.world.users[1], "is_forced": False, "status": "DONE", "sequence": 3}
        counts = {"units_done_count": 5, "units_error_count": 1}
        job = await self.put(jobs, kind=JobKind.REENCODE, progress=0.5, **values, **counts)
        statuses = list(ReencodeUnitStatus)
        for position, item in enumerate([None, *self.world.items[:5]]):
            unit = {"job_uuid": job, "position": position, "item_uuid": item, "object_key": f"k{position}"}
            await self.put(reencode_units, status=statuses[position % 5], progress=1.0, error=None, **unit)
        size = {"width": 64, "height": 48, "fps": 25.0, "duration": 1.5, "frame_count": 38}
        for item in self.world.items[::3]:
            film = {"object_key": "object 1", "sha256": "0" * 64, "mime_type": "video/webm", "file_size": 2**40}
            await self.put(renditions, item_uuid=item, **film, **size)
        await create_study_jobs(self)
        for number in range(3):
            await self.collection(number)

    async def collection(self, number: int) -> None:
        """Insert a collection with some items, a filter preset, and a tag on some folders."""
        owner = {"top_level_folder_uuid": self.world.folders[number * 4]}
        collection = await self.put(collections, **owner, **self.name())
        for item in self.random.sample(self.world.items, number * 5):
            await self.put(collection_items, collection_uuid=collection, item_uuid=item)
        await self.put(filter_presets, filter={"search": "a", "itemTypes": ["IMAGE"]}, **owner, **self.name())
        tag = await self.put(organisation_tags, name=f"tag {number}", name_key=f"tag {number}")
        for folder in self.random.sample(self.world.folders, 5):
            await self.put(folder_tags, folder_uuid=folder, tag_uuid=tag)

    async def change(self, number: int) -> None:
        """Insert a journal entry about an item or a folder; every other one is a move between two folders."""
        both, is_item = self.random.sample(self.world.folders, 2), number % 3
        change = await self.put(
            changes,
            action=self.random.choice(["UPDATE", "MOVE"]),
            object_type="StorageItem" if is_item else "StorageFolder",
            object_uuid=self.random.choice(self.world.items if is_item else self.world.folders),
            user_uuid=self.random.choice([None, *self.world.users]),
            folder_uuid=both[0],
            from_folder_uuid=both[1] if number % 2 else None,
            before=self.random.choice([None, {"name": "ü", "folder_uuid": "x"}]),
            after=self.random.choice([None, {"client_metadata": "{}", "file_size": 5}]),
        )
        for folder in both[: 1 + number % 2]:
            await self.put(change_places, folder_uuid=folder, change_uuid=change)

    async def sync(self, number: int) -> Any:
        """Insert a sync of a folder that several viewers can see."""
        status = list(JobStatus)[number % 4]
        counts: Any = {"new_count": number, "units_error_count": number, "kind": JobKind.CLOUD_SYNC}
        counts |= {"skipped_keys": [f"{number}.zip", "ü"][:number], "sidecar_error_keys": [f"{number}.json"]}
        counts["user_uuid"] = self.random.choice([None, *self.world.users])
        job = await self.put(jobs, folder_uuid=self.world.folders[number], status=status, **counts)
        for reason in list(SkippedObjectReason)[:number]:
            await self.put(skipped_objects, job_uuid=job, key=f"ü{reason}", reason=reason)
        return job

    async def job(self, number: int) -> None:
        statuses = list(JobStatus)
        owner = self.random.choice([None, *self.world.users])
        sync = self.random.choice([None, *self.world.syncs])
        location = self.world.syncs.index(sync) if sync else self.random.randrange(8)
        folder = self.world.folders[location]
        place = {"folder_uuid": folder, "user_uuid": owner, "cloud_sync_job_uuid": sync, "sequence": number}
        job = await self.put(jobs, kind=JobKind.UPLOAD, status=statuses[number % 4], **place)
        self.world.jobs.append(job)
        for position in range(number):
            source = {"object_url": self.random.choice([None, "s3://b/k"])}
            if position % 2:  # entries of manifests that could not be read have no placeholder
                source["item_uuid"] = self.world.items[position].hex
            spec = {"sources": [source]}
            await self.put(
                upload_units,
                job_uuid=job,
                position=position,
                status=statuses[position % 4],
                spec=spec,
                item_uuid=self.random.choice([None, *self.world.items]),
                error=self.random.choice(["broken", "gone"]),
                sequence=position,
            )


@dataclass
class Both:
    """Both executors over one site."""

    world: World
    services: Services
    compiled: CompiledExecutor

    def __post_init__(self) -> None:
        # As in a server, a document is parsed and validated once, whoever asks it.
        self._planned = Operations(api, LIMITS, self.compiled)
        self._interpreted = Operations(api, LIMITS)

    async def bodies(self, text: str, variables: dict[str, Any], viewer: str) -> tuple[bytes, bytes]:
        """Return the responses of the compiled executor and of the interpreter, with whitespace in JSON normalised."""
        compiled = await self.body(text, variables, viewer, self._planned)
        return compiled, await self.body(text, variables, viewer, self._interpreted)

    async def body(self, text: str, variables: dict[str, Any], viewer: str, operations: Operations) -> bytes:
        """Return the response of some operations, with whitespace in JSON normalised."""
        request = OperationRequest(text, variables, request_id="same")
        context = Context(self.services, self.world.viewers[viewer], "same")
        return orjson.dumps(orjson.loads((await operations.execute(request, context)).json()))


@asynccontextmanager
async def both(url: str, directory: Path) -> AsyncIterator[Both]:
    """Open a new, filled site on a database, with both executors."""
    settings = Settings(
        database_url=url, data_dir=directory, public_url="http://127.0.0.1:1", secret_key=secrets.token_hex(32)
    )
    async with open_services(settings) as services:
        world = World()
        async with services.database.writing() as transaction:
            builder = Builder(transaction, world)
            for part in (builder.people, builder.tree, builder.content, builder.use):
                await part()
            for more in (create_studies, create_revisions, create_communities, share_some, move_some):
                await more(builder)
            for counters in await transaction.rows(sa.select(folder_counters), FolderCountersRecord):
                await recount(transaction, counters.folder_uuid)
        still = replace(services, store=cast(Any, StillStore()))
        yield Both(world, still, CompiledExecutor(api, services.database.sql_dialect, LIMITS.cost))
