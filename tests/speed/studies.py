"""How lists of DICOM studies answer with a hundred times as many instances, for three viewers."""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.catalog.api_keys import create_key
from gateway.database.engine import Database
from gateway.database.migrate import migrate
from gateway.gc_tuning import relax_gc
from gateway.generate.fill import generate
from gateway.generate.people import ADMIN
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import fold, new_row
from gateway.models.dicom import dicom_series, dicom_studies, dicom_study_places
from gateway.models.folders import FolderGrantRecord, FolderRecord, folder_grants, folders
from gateway.models.people import UserRecord, users
from tests.speed.client import connected, run_slice
from tests.speed.contenders import ALL, Running, start_contender
from tests.speed.databases import SEED, Filled, copy_database, generator_digest, read_variables
from tests.speed.table import table

SIZES = {10_000: 1_000, 1_000_000: 10_000}
"""Numbers of instances, and of folders."""
VIEWERS = ("everything", "a tenth", "one folder")
MOST_GROWTH, MOST_FOR_NARROW = 2.0, 3.0
_STUDY = "studyUid patientName { alphabetic } patientId studyDate description modalities counts { series instances }"
_SERIES = "series { nodes { seriesUid number modality description counts { instances } } }"
_TAGS = '["ImagePositionPatient", "SliceThickness", "PixelSpacing", "RescaleSlope", "WindowCenter"]'
_SLICE = f"sopInstanceUid tags(filter: {{keywords: {_TAGS}}}, allValues: true) {{ keyword values }}"


def _page(variable: str, condition: str) -> str:
    page = f"dicomStudies(filter: {{{condition}}}, first: 50)"
    return f"query {variable} {{ {page} {{ nodes {{ {_STUDY} }} pageInfo {{ hasNextPage }} }} }}"


def _study(fields: str) -> str:
    keys = "($folder: UUID!, $uid: String!)"
    return f"query {keys} {{ dicomStudy(folderUuid: $folder, studyUid: $uid) {{ {fields} }} }}"


DOCUMENTS = {
    "by date": _page("", ""),
    "by patient ID": _page("($id: String!)", "patientId: $id"),
    "by part of a name": _page("($name: String!)", "patientName: $name"),
    "by date and modality": _page("($day: String!)", 'modalities: ["MR"], studyDate: {from: $day}'),
    "a study with its series": _study(f"{_STUDY} {_SERIES}"),
    "1,000 instances, 5 tags": _study(f"instances(first: 1000) {{ nodes {{ {_SLICE} }} }}"),
}


@dataclass(frozen=True)
class Archive:
    """A site with studies: by viewer, an API key and the bodies of the requests of each document."""

    filled: Filled
    keys: Mapping[str, str]
    bodies: Mapping[str, Mapping[str, list[bytes]]]


def measure_studies(kind: str, rounds: int, seconds: float) -> str:
    """Return a table of the median latency of each document, by number of instances and viewer."""
    latencies: dict[tuple[str, str, int], float] = {}
    with ExitStack() as stack, asyncio.Runner() as runner:
        archives: dict[int, Archive] = {}
        for size in SIZES:
            label = f"studies-{size}-{generator_digest()}"
            [url] = stack.enter_context(copy_database(kind, label, partial(_fill, size)))
            archives[size] = runner.run(_open(url, size))
        servers = {
            size: stack.enter_context(start_contender(ALL[0], archive.filled)) for size, archive in archives.items()
        }
        for document in DOCUMENTS:
            for viewer in VIEWERS:
                for size, archive in archives.items():
                    took = runner.run(_median(archive, servers[size], document, viewer, rounds, seconds))
                    latencies[document, viewer, size] = took
    return _report(latencies)


def _report(latencies: Mapping[tuple[str, str, int], float]) -> str:
    small, large = SIZES
    rows = []
    for document in DOCUMENTS:
        for viewer in VIEWERS:
            before, after = latencies[document, viewer, small], latencies[document, viewer, large]
            whole = latencies[document, VIEWERS[0], large]
            rows.append(
                [
                    document,
                    viewer,
                    f"{before * 1000:.2f}",
                    f"{after * 1000:.2f}",
                    f"{after / before:.2f}",
                    f"{after / whole:.2f}",
                ]
            )
    heads = [f"{size:,} instances: p50 ms" for size in SIZES]
    goals = [f"growth (at most {MOST_GROWTH:g})", f"over everything (at most {MOST_FOR_NARROW:g})"]
    return table(["studies", "viewer of", *heads, *goals], rows)


async def _median(archive: Archive, server: Running, document: str, viewer: str, rounds: int, seconds: float) -> float:
    """Return the median latency in seconds of one request after the other, after a warm-up."""
    async with connected(server.port, archive.keys[viewer]) as connections:
        bodies = archive.bodies[viewer][document]
        for body in bodies[:3]:
            answer = orjson.loads(await connections[0].ask(body))
            assert "errors" not in answer, answer
        slices = [await run_slice(connections, bodies, seconds) for _ in range(rounds)]
    return median(latency for each in slices for latency in each.latencies)


def _fill(size: int, url: str) -> None:
    print(f"Generating {size:,} DICOM instances …", flush=True)

    async def fill() -> None:
        await asyncio.to_thread(migrate, url)
        relax_gc()
        database = Database(url)
        try:
            await generate(database, SIZES[size], SIZES[size], SEED, instance_count=size)
        finally:
            await database.close()

    asyncio.run(fill())


async def _open(url: str, size: int) -> Archive:
    """Create the viewers, and choose variables from the studies that each of them sees."""
    await asyncio.to_thread(migrate, url)
    variables = await read_variables(url)
    database = Database(url)
    try:
        roots = await database.rows(
            sa.select(folders).where(folders.c.parent_uuid.is_(None)).order_by(folders.c.path).limit(2), FolderRecord
        )
        [place] = await database.rows(
            sa.select(dicom_study_places, folders.c.path)
            .join(folders, folders.c.uuid == dicom_study_places.c.folder_uuid)
            .order_by(dicom_study_places.c.uuid)
            .limit(1),
            sa.Row,
        )
        granted = {"everything": [], "a tenth": [row.uuid for row in roots], "one folder": [place.folder_uuid]}
        tops = {"everything": [""], "a tenth": [row.path for row in roots], "one folder": [place.path]}
        keys = {viewer: await _create_viewer(database, granted[viewer]) for viewer in VIEWERS}
        bodies = {viewer: await _bodies(database, tops[viewer]) for viewer in VIEWERS}
        return Archive(Filled(url, keys["everything"], SIZES[size], variables), keys, bodies)
    finally:
        await database.close()


async def _create_viewer(database: Database, granted: list[Any]) -> str:
    """Return the API key of the site admin, or of a new user with these folders."""
    name = f"studies {secrets.token_hex(3)}"
    if not granted:
        return await create_key(database, ADMIN, name)
    email = f"{secrets.token_hex(3)}@example.org"
    user = new_row(UserRecord, email=email, email_key=fold(email), name=name)
    grants = [
        new_row(FolderGrantRecord, folder_uuid=folder, user_uuid=user["uuid"], role=StorageUserRole.VIEWER)
        for folder in granted
    ]
    async with database.writing() as transaction:
        await transaction.execute(sa.insert(users), [user])
        await transaction.execute(sa.insert(folder_grants), grants)
    return await create_key(database, email, name)


async def _bodies(database: Database, tops: list[str]) -> dict[str, list[bytes]]:
    """Return the requests of each document, about studies below some paths."""
    below = sa.or_(*(sa.and_(folders.c.path >= top, folders.c.path < f"{top}g") for top in tops))
    total = sa.func.sum(dicom_series.c.instances)
    rows = await database.rows(
        sa.select(dicom_studies, folders.c.uuid.label("folder_uuid"), total.label("total"))
        .join(dicom_series, dicom_series.c.study_uuid == dicom_studies.c.uuid)
        .join(folders, folders.c.uuid == dicom_series.c.folder_uuid)
        .where(below)
        .group_by(dicom_studies.c.uuid, folders.c.uuid)
        .order_by(dicom_studies.c.study_uid)
        .limit(2_000),
        sa.Row,
    )
    some = rows[:: max(len(rows) // 20, 1)][:20]
    largest = sorted(rows, key=lambda row: row.total)[-3:]

    def body(document: str, **variables: Any) -> bytes:
        return orjson.dumps({"query": DOCUMENTS[document], "variables": variables})

    return {
        "by date": [body("by date")],
        "by patient ID": [body("by patient ID", id=row.patient_id) for row in some],
        "by part of a name": [body("by part of a name", name=f"*{row.patient_name[1:5]}*") for row in some],
        "by date and modality": [body("by date and modality", day=row.study_date) for row in some],
        "a study with its series": [
            body("a study with its series", folder=row.folder_uuid, uid=row.study_uid) for row in some
        ],
        "1,000 instances, 5 tags": [
            body("1,000 instances, 5 tags", folder=row.folder_uuid, uid=row.study_uid) for row in largest
        ],
    }
