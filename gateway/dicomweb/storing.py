"""Storing of instances (STOW-RS): parts become the placeholders of an upload job."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from time import monotonic
from uuid import UUID

import orjson
import sqlalchemy as sa
from starlette.responses import Response

from gateway.auth.roles import require_role, roles_on_folders
from gateway.catalog.ingestion.placeholders import ExpectedFile, create_placeholders, uploads_of
from gateway.catalog.ingestion.start_job import JobOptions, start_job
from gateway.catalog.ingestion.unit_plan import UnitPlan, UnitSource
from gateway.catalog.items import delete_items, lock_items
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.dicomweb.endpoint import Exchange, NotOffered, UnsupportedMedia
from gateway.dicomweb.incoming_parts import SpooledPart, StorageFailure, spool
from gateway.dicomweb.media_types import DICOM, MULTIPART
from gateway.dicomweb.multipart import MalformedMultipart, MultipartReader, Part, check_boundary
from gateway.dicomweb.searching import required_json_type
from gateway.dicomweb.storage_reports import StorageReport, StoredUnit, units_of
from gateway.error_texts import IS_SYNCED
from gateway.errors import DomainError, ErrorCode, bad_input, conflict, not_found
from gateway.http.negotiation import parse_media_type
from gateway.kinds.enums import StorageFolderType, StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.folders import folders
from gateway.stores.base import MAX_PARTS

MAX_INSTANCES = 1_000
"""Parts of a request."""
WAIT_SECONDS = 60
"""Time that a response waits until the instances have been read."""
_BATCH, _BATCH_BYTES = 50, 64 << 20
"""Parts that are in temporary files at once, and bytes from which on no more are."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])", re.ASCII)
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)


async def store_instances(exchange: Exchange) -> Response:
    """Store the instances in the body, and respond once they have been read, or after a while."""
    if not exchange.sends_bytes:
        raise NotOffered("Instances cannot be stored here.")
    media_type = required_json_type(exchange)
    reader = parts_of(exchange)
    async with exchange.context.database.writing() as transaction:
        await check_receives(transaction, exchange)
    storage = _Storage(exchange)
    try:
        try:
            await storage.receive(reader)
            job_uuid = await storage.start_job() if storage.placeholders else None
        except MalformedMultipart as error:
            raise DomainError(ErrorCode.BAD_REQUEST, str(error)) from None
    except BaseException:
        await asyncio.shield(storage.abort())
        raise
    units = [] if job_uuid is None else await wait_for_units(exchange, job_uuid)
    report = StorageReport(units, storage.failures)
    body = orjson.dumps(report.document(exchange.base))
    headers = {"cache-control": "no-store"}
    if report.is_pending:
        headers["location"] = f"{exchange.base}/stored/{job_uuid}"
    return Response(body, report.status, headers, media_type)


async def report_on_storage(exchange: Exchange) -> Response:
    """Respond with what has been stored of the instances of an earlier request."""
    media_type = required_json_type(exchange)
    text = exchange.request.path_params["job_uuid"]
    try:
        units = await units_of(exchange.context, exchange.folder_uuid, UUID(text))
    except ValueError:
        raise bad_input("Expected the UUID of a job.", "jobUuid") from None
    if not units:
        raise not_found("upload job", text, "jobUuid")
    report = StorageReport(units, ())
    status = 202 if report.is_pending else 200
    return Response(orjson.dumps(report.document(exchange.base)), status, media_type=media_type)


async def check_receives(transaction: Transaction, exchange: Exchange) -> None:
    """Raise a `DomainError` unless the viewer may put something into the folder."""
    uuid, viewer = exchange.folder_uuid, exchange.context.viewer
    roles = await roles_on_folders(transaction.connection, viewer, [uuid])
    require_role(roles.get(uuid), StorageUserRole.USER, "folder", uuid, "folderUuid")
    selected = sa.select(folders.c.folder_type).where(folders.c.uuid == uuid)
    if (await transaction.execute(selected)).scalar_one() is not StorageFolderType.GENERIC:
        raise conflict(IS_SYNCED, "folderUuid")


def parts_of(exchange: Exchange) -> AsyncIterator[Part]:
    """Return the parts of the body; raise `UnsupportedMedia` for a body without instances."""
    header = exchange.request.headers.get("content-type", "")
    name, parameters = parse_media_type(header)
    if name != MULTIPART or parameters.get("type", DICOM) != DICOM:
        raise UnsupportedMedia(f'The body must be {MULTIPART}; type="{DICOM}".')
    match = _BOUNDARY.search(header)  # it distinguishes upper and lower case
    try:
        boundary = check_boundary((match[1] or match[2]) if match else None)
    except MalformedMultipart as error:
        raise DomainError(ErrorCode.BAD_REQUEST, str(error)) from None
    return MultipartReader(exchange.request.stream(), boundary).parts()


async def wait_for_units(exchange: Exchange, job_uuid: UUID) -> list[StoredUnit]:
    """Return the units of a job, once all have ended or the time is over."""
    preferred = _WAIT.search(exchange.request.headers.get("prefer", ""))
    seconds = min(int(preferred[1]), WAIT_SECONDS) if preferred else WAIT_SECONDS
    end, pause = monotonic() + seconds, _FIRST_PAUSE
    while True:
        units = await units_of(exchange.context, exchange.folder_uuid, job_uuid)
        left = end - monotonic()
        if left <= 0 or not StorageReport(units, ()).is_pending:
            return units
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


class _Storage:
    """The instances of one request while they arrive.

    Attributes:
        placeholders: the items that they become, with their names.
        failures: parts that are not stored.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._services = exchange.context.services
        self.placeholders: list[tuple[UUID, str]] = []
        self.failures: list[StorageFailure] = []

    async def receive(self, parts: AsyncIterator[Part]) -> None:
        """Store the parts as they arrive, some at a time.

        Raises:
            DomainError: there are none, or too many.
            MalformedMultipart: the body is not what its Content-Type says.
        """
        settings = self._services.settings
        most = self._services.store.part_size * MAX_PARTS
        study_uid = self._exchange.target.study_uid
        spooled: list[SpooledPart] = []
        try:
            count = 0
            async for part in parts:
                count += 1
                if count > MAX_INSTANCES:
                    message = f"At most {MAX_INSTANCES:,} instances can be stored at once."
                    raise DomainError(ErrorCode.LIMIT_EXCEEDED, message)
                self._exchange.charge(1)
                outcome = await spool(part, study_uid, settings.min_free_bytes, most)
                if isinstance(outcome, StorageFailure):
                    self.failures.append(outcome)
                    continue
                spooled.append(outcome)
                size = sum(each.size for each in spooled)
                if len(spooled) == _BATCH or size > _BATCH_BYTES:
                    await self._store(spooled)
            if not count:
                raise DomainError(ErrorCode.BAD_REQUEST, "The body has no parts.")
            await self._store(spooled)
        finally:
            for each in spooled:
                each.file.close()

    async def _store(self, spooled: list[SpooledPart]) -> None:
        """Create placeholders for parts, and put their bytes into the store; empty the list."""
        if not spooled:
            return
        exchange, viewer = self._exchange, self._exchange.context.viewer
        files = [
            ExpectedFile(part.name, StorageItemType.DICOM_FILE, part.size, DICOM, None, {})
            for part in spooled
        ]
        async with exchange.context.database.writing() as transaction:
            await lock_tree(transaction.connection, exclusive=False)
            await check_receives(transaction, exchange)
            uuids = await create_placeholders(transaction, viewer, exchange.folder_uuid, files)
            rows = await uploads_of(transaction, uuids)
        self.placeholders += zip(uuids, (part.name for part in spooled), strict=True)
        for uuid, part in zip(uuids, spooled, strict=True):
            await self._services.store.put_file(rows[uuid].object_key, part.path, DICOM)
            part.file.close()
        spooled.clear()

    async def start_job(self) -> UUID:
        """Start the job that turns the placeholders into items."""
        exchange, services = self._exchange, self._services
        plans = [plan_of(index, *each) for index, each in enumerate(self.placeholders)]
        async with exchange.context.database.writing() as transaction:
            await lock_tree(transaction.connection, exclusive=False)
            await check_receives(transaction, exchange)
            return await start_job(
                transaction,
                services.queue,
                exchange.context.viewer,
                exchange.folder_uuid,
                plans,
                JobOptions(ignore_errors=True),
                await load_metadata_validator(transaction, services.settings),
            )

    async def abort(self) -> None:
        """Delete the placeholders with their bytes."""
        uuids: Sequence[UUID] = [uuid for uuid, _ in self.placeholders]
        if not uuids:
            return
        async with self._exchange.context.database.writing() as transaction:
            rows = await lock_items(transaction, uuids)
            unclaimed = {
                uuid
                for uuid, upload in (await uploads_of(transaction, uuids)).items()
                if upload.unit_uuid is None
            }
            pending = [row for row in rows if row.uuid in unclaimed]
            user_uuid = self._exchange.context.viewer.user_uuid
            await delete_items(transaction, self._services.queue, user_uuid, pending)


def plan_of(index: int, uuid: UUID, name: str) -> UnitPlan:
    """Return the plan of a unit for a placeholder."""
    source = UnitSource(
        path=("parts", index),
        item_type=StorageItemType.DICOM_FILE,
        placeholder_uuid=uuid,
        object_url=None,
        title=name,
        client_metadata=None,
        facts=None,
    )
    return UnitPlan(StorageItemType.DICOM_FILE, [source], path=("parts", index))
