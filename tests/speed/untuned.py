"""Ten documents that nobody tuned, and what is in their variables."""

from typing import Any

import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.generate.items import PER_SUBJECT
from gateway.ids import global_id
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.datasets import datasets
from gateway.models.folders import folder_counters, folders
from gateway.models.items import items
from gateway.models.jobs import jobs
from tests.house.sources import ROOT

_OWN, _SHARED = ROOT / "tests" / "speed" / "documents", ROOT / "tests" / "queries"
ABOUT = {
    "browser": "a folder browser with roles, paths and owners",
    "item": "an item's page: its role, signed URL, and the facts and members of its kind",
    "jobs": "the upload jobs of a folder with their first units",
    "dataset": "a dataset's page: 50 rows with items and signed URLs, groups with roles",
    "move": "a move dialog: 20 folders by name, with roles and paths to the root",
    "facets": "a search page of 50 with its total count and two facets",
    "journal": "20 changes of a folder with what they are about, 20 of its subtree with their number",
    "grants": "the grants on a folder, and 50 groups with members",
    "items": "1,000 items by UUID",
    "nodes": "100 folders and items by global id",
}
DOCUMENTS = {
    "browser": (_OWN / "browser.graphql").read_text(),
    "item": (_SHARED / "item_detail.graphql").read_text(),
    "jobs": (_SHARED / "job_page.graphql").read_text(),
    "dataset": (_SHARED / "dataset_page.graphql").read_text(),
    "move": (_SHARED / "move_dialog.graphql").read_text(),
    "facets": (_OWN / "facets.graphql").read_text(),
    "journal": (_SHARED / "journal.graphql").read_text(),
    "grants": (_SHARED / "grants_page.graphql").read_text(),
    "items": (_OWN / "items.graphql").read_text(),
    "nodes": (_OWN / "nodes.graphql").read_text(),
}
_VARIANTS, _ITEMS, _IDS, _NODES = 100, 40, 1_000, 100
_KINDS = [StorageItemType.VIDEO, StorageItemType.AUDIO, StorageItemType.PDF, StorageItemType.IMAGE_GROUP]


async def untuned_variables(database: Database, seen: sa.ColumnElement[bool]) -> dict[str, list[dict[str, Any]]]:
    """Return the variables of each document; only folders that meet the condition `seen` are used."""
    with_items = sa.select(folders.c.uuid).join(folder_counters).where(folder_counters.c.files >= _ITEMS, seen)
    full = await _column(database, with_items.order_by(folders.c.uuid).limit(_VARIANTS))
    below = sa.select(folders.c.uuid).where(seen)
    with_jobs = sa.select(jobs.c.folder_uuid).where(jobs.c.folder_uuid.in_(below)).distinct()
    listed = ~items.c.is_tombstone & ~items.c.is_placeholder & items.c.folder_uuid.in_(below)
    of_kinds = [
        sa.select(items.c.uuid).where(items.c.item_type == kind, listed).order_by(items.c.uuid) for kind in _KINDS
    ]
    detailed = [await _column(database, each.limit(_VARIANTS // len(_KINDS))) for each in of_kinds]
    spread = sa.select(items.c.uuid).where(listed).order_by(items.c.name_key).limit(20 * _IDS)
    several = await _column(database, spread)
    [counted] = await database.rows(sa.select(sa.func.count().label("items")).select_from(items), sa.Row)
    subjects = [f"S{subject:05}" for subject in range(counted.items // PER_SUBJECT)]
    tops = (
        sa.select(folders.c.uuid)
        .where(seen, folders.c.parent_uuid.is_not(None))
        .order_by(sa.func.length(folders.c.path))
    )
    shown = sa.select(datasets.c.uuid).where(datasets.c.backing_folder_uuid.is_(None)).order_by(datasets.c.uuid)
    ids = [
        [global_id("StorageFolder", each) for each in full[: _NODES // 2]]
        + [global_id("StorageItem", each) for each in several[start : start + _NODES // 2]]
        for start in range(0, min(len(several), 20 * _NODES), _NODES)
    ]
    return {
        "browser": [{"folder": str(each)} for each in full],
        "item": [{"item": str(each)} for one_of_each in zip(*detailed, strict=False) for each in one_of_each],
        "jobs": [{"folder": str(each)} for each in await _column(database, with_jobs.limit(_VARIANTS))],
        "dataset": [{"dataset": str(each)} for each in await _column(database, shown)],
        "move": [{"text": f"{part} 0"} for part in ("spring", "summer", "autumn", "winter", "north", "south")],
        "facets": [{"text": each} for each in subjects[:: max(len(subjects) // _VARIANTS, 1)]],
        "journal": [
            {"folder": str(each)} for each in await _column(database, tops.order_by(folders.c.uuid).limit(_VARIANTS))
        ],
        "grants": [{"folder": str(each)} for each in full],
        "items": [
            {"items": [str(each) for each in several[start : start + _IDS]]} for start in range(0, len(several), _IDS)
        ],
        "nodes": [{"ids": each} for each in ids],
    }


async def _column(database: Database, statement: sa.Select[Any]) -> list[Any]:
    return [row[0] for row in await database.rows(statement, sa.Row)]
