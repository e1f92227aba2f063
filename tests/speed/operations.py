"""The measured operations: documents, and what is in their variables."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.generate.items import PER_SUBJECT
from gateway.models.folders import folder_counters, folders
from gateway.models.items import items
from tests.speed import untuned

FIFTEEN = (
    "uuid name description itemType createdAt lastEditedAt isTombstone isPlaceholder storageLocation fileSize "
    "mimeType sha256 duration width height"
)
TWENTY = f"{FIFTEEN} fps frameCount url folderUuid clientMetadata"
_LEAVES = "uuid name fileSize folder { name } summary { frameInGroups usedInDatasets }"
_BELOW = f"subfolders(first: 10) {{ nodes {{ uuid name items(first: 10) {{ nodes {{ {_LEAVES} }} }} }} }}"
_FOUND = "uuid name itemType signedUrl { url expiresAt } folder { name summary { files totalSize } }"
_KINDS = """__typename uuid name
    ... on ImageItem { width height }
    ... on VideoItem { duration fps frameCount }
    ... on AudioItem { duration audioCodec audioSampleRate }
    ... on DicomFileItem { dicomStudyUid dicomSeriesUid dicomInstanceUid }
    ... on PdfItem { pageCount fileSize }"""


def _folder(fields: str) -> str:
    return f"($uuid: UUID!) {{ storageFolder(uuid: $uuid) {{ uuid name {fields} }} }}"


TUNED = {
    "Q1": "query Q1" + _folder("description createdAt folderType"),
    "Q2": "query Q2" + _folder(f"items(first: 100) {{ nodes {{ {FIFTEEN} }} }}"),
    "Q3": f"query Q3 {{ storageFolders(first: 20) {{ nodes {{ uuid name {_BELOW} }} }} }}",
    "Q4": "query Q4" + _folder(f"items(first: 1000) {{ nodes {{ {TWENTY} }} }}"),
    "Q5": "query Q5($text: String!) { searchStorageItems(filter: {search: $text}, first: 100) "
    f"{{ nodes {{ {_FOUND} }} pageInfo {{ hasNextPage }} }} }}",
    "Q6": "query Q6" + _folder(f"items(first: 100) {{ nodes {{ {_KINDS} }} }}"),
}
DOCUMENTS = {**TUNED, **untuned.DOCUMENTS}
ABOUT = {
    "Q1": "one folder, five scalars",
    "Q2": "a folder with 100 items of 15 scalars",
    "Q3": "20 roots, 10 subfolders each, 10 items each, with counts and folder names",
    "Q4": "a folder with 1,000 items of 20 scalars",
    "Q5": "a search page of 100 with signed URLs and folder summaries",
    "Q6": "a mixed folder of 100 through fragments on five kinds",
    **untuned.ABOUT,
}
TYPES = {
    "VIDEO": "VideoItem",
    "IMAGE": "ImageItem",
    "GROUP": "DataGroupItem",
    "IMAGE_GROUP": "ImageGroupItem",
    "IMAGE_SEQUENCE": "ImageSequenceItem",
    "DICOM_FILE": "DicomFileItem",
    "DICOM_SERIES": "DicomSeriesItem",
    "AUDIO": "AudioItem",
    "TIMESERIES": "TimeSeriesItem",
    "NIFTI": "NiftiItem",
    "PLAIN_TEXT": "PlainTextItem",
    "PDF": "PdfItem",
    "SCENE": "SceneItem",
    "FILE": "FileItem",
}
"""Types of the schema by the values in rows."""

VARIANTS = 200
"""How many folders, or texts, an operation uses in turn."""


@dataclass(frozen=True)
class Operation:
    """One operation with several sets of variables, as request bodies."""

    name: str
    bodies: Sequence[bytes]


def operation(name: str, variables: Sequence[dict[str, Any]], document: str | None = None) -> Operation:
    """Return an operation, as our document or that of another schema."""
    text = document or DOCUMENTS[name]
    [called] = re.findall(r"^query (\w+)", text, re.MULTILINE)
    bodies = [{"query": text, "operationName": called, "variables": each} for each in variables]
    return Operation(name, [orjson.dumps(body) for body in bodies])


async def variables(database: Database, seen: sa.ColumnElement[bool]) -> dict[str, list[dict[str, Any]]]:
    """Return the variables of each operation: folders of 100 or 1,000 items and more, and texts
    with 100 matches.

    Where there are no folders of 1,000 items, the largest are used instead. Only folders that meet
    the condition `seen` are.
    """
    full, large = [
        [
            {"uuid": str(row.uuid)}
            for row in await database.rows(_folders_of(size).where(seen), sa.Row)
            or await database.rows(_LARGEST.where(seen), sa.Row)
        ]
        for size in (100, 1_000)
    ]
    [counted] = await database.rows(sa.select(sa.func.count().label("items")).select_from(items), sa.Row)
    whole = [subject for subject in range(counted.items // PER_SUBJECT) if subject % 4]
    texts = [{"text": f"S{subject:05}"} for subject in whole[:: max(len(whole) // VARIANTS, 1)]]
    if not (full and large and texts):
        raise SystemExit("These operations need at least 200 items: raise --items.")
    tuned: dict[str, list[dict[str, Any]]] = {"Q1": full, "Q2": full, "Q3": [{}], "Q4": large, "Q5": texts, "Q6": full}
    return {**tuned, **await untuned.untuned_variables(database, seen)}


_WITH_COUNTERS = folders.join(folder_counters, folder_counters.c.folder_uuid == folders.c.uuid)
_LARGEST = (
    sa.select(folders.c.uuid)
    .select_from(_WITH_COUNTERS)
    .order_by(folder_counters.c.files.desc(), folders.c.uuid)
    .limit(10)
)
"""The folders with the most items."""


def _folders_of(size: int) -> sa.Select[Any]:
    """Return the folders with at least this many items."""
    listed = sa.and_(items.c.folder_uuid == folders.c.uuid, ~items.c.is_tombstone, ~items.c.is_placeholder)
    count = sa.select(sa.func.count()).where(listed).scalar_subquery()
    large = sa.and_(folder_counters.c.files >= size * 0.9, count >= size)
    query = sa.select(folders.c.uuid).select_from(_WITH_COUNTERS).where(large)
    return query.order_by(folders.c.uuid).limit(VARIANTS)
