"""A deleted folder is gone for everyone at once, long before its last row is removed."""

from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.catalog.deletion import start_deletion, tree_size
from gateway.catalog.folders import lock_folder
from gateway.catalog.ledger.dataset_counters import recount_dataset
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.operations import OperationRequest, Operations
from gateway.ids import global_id
from gateway.kinds.enums import StorageLocationName
from gateway.models.datasets import datasets
from gateway.models.folders import folders, leaving_folders
from gateway.models.items import group_members, items
from gateway.models.jobs import jobs
from gateway.models.shares import item_shares
from gateway.tasks.remove_folders import take_step
from schema.api import api
from tests.execution.test_edges import CORE, ITEM, LOOK_UP, NODE, REQUIRED, documents, ids_of, selected
from tests.execution.world import LIMITS, Both

QUERY: Any = CORE.query_type
LISTS = [name for name, field in QUERY.fields.items() if "first" in field.args and not name.startswith("dicom")]
"""Without studies, whose attributes and counts follow the instances as these are removed."""


def root_documents() -> list[str]:
    """Return documents of all lists that are not below an object, also of all that admins can list."""
    texts = []
    for name in LISTS:
        field = selected(QUERY, name)
        if name == "searchStorageItems":
            field = field.replace("(", f"({REQUIRED['filter']}, ", 1)
        texts.append(f"{{ {field} }}")
        if "scope" in QUERY.fields[name].args:
            texts.append(f"{{ {field.replace('(', '(scope: ORGANISATION, ', 1)} }}")
    return texts


async def ask(pair: Both, text: str, variables: dict[str, Any], who: str) -> Any:
    """Return the response of the compiled executor; the other one has the same conditions."""
    operations = Operations(api, LIMITS, pair.compiled)
    context = Context(pair.services, pair.world.viewers[who], "deleted")
    return orjson.loads(
        (await operations.execute(OperationRequest(text, variables, request_id="deleted"), context)).json()
    )


async def answers(pair: Both, ids: dict[str, list[str]]) -> dict[tuple[str, str], Any]:
    """Return what every field answers an admin and a member."""
    asked: list[tuple[str, dict[str, Any]]] = [(text, {}) for text in root_documents()]
    for type_ in [ITEM, *CORE.get_possible_types(NODE)]:
        if type_.name in ("DicomStudy", "DicomSeries", "DicomIndexedTag"):
            continue  # as in `LISTS`
        variables = {"ids": ids["StorageItem" if type_ is ITEM or ITEM in type_.interfaces else type_.name]}
        asked += [(text, variables) for text in documents(type_)]
    return {
        (text, who): await ask(pair, text, variables, who) for text, variables in asked for who in ("admin", "member")
    }


async def test_a_deleted_tree_is_gone_at_once(pair: Both) -> None:
    """Every field answers as it will once the last row of the tree is removed."""
    services, world = pair.services, pair.world
    ids = await ids_of(pair)
    rows = await services.database.rows(sa.select(folders), sa.Row)
    trees = [(row, [each for each in rows if each.path.startswith(row.path)]) for row in rows if row.parent_uuid]
    deleted, tree = max(trees, key=lambda pair: len(pair[1]))
    uuids = [row.uuid for row in tree]
    inside = sa.select(items.c.uuid).where(in_keys(items.c.folder_uuid, uuids))
    gone = [*uuids, *(row.uuid for row in await services.database.rows(inside, sa.Row))]
    assert len(gone) > len(uuids) > 2
    async with services.database.writing() as transaction:
        # Groups outside with members inside would be refused.
        outer = sa.and_(group_members.c.item_uuid.in_(inside), group_members.c.group_uuid.not_in(inside))
        await transaction.execute(sa.delete(group_members).where(outer))
        await transaction.execute(sa.update(jobs).where(jobs.c.uuid == world.jobs[1]).values(folder_uuid=tree[-1].uuid))
        # What outlives the tree moves meanwhile, and folders go on counting what is shared into them.
        shared = items.c.uuid.in_(sa.select(item_shares.c.item_uuid))
        either = sa.or_(item_shares.c.item_uuid.in_(inside), item_shares.c.folder_uuid.in_(uuids))
        await transaction.execute(sa.delete(item_shares).where(either))
        await transaction.execute(sa.update(items).where(items.c.is_shared, ~shared).values(is_shared=False))
        elsewhere = {"storage_location": StorageLocationName.AZURE}
        await transaction.execute(sa.update(items).where(items.c.uuid.in_(inside)).values(elsewhere))
        for dataset in await transaction.rows(sa.select(datasets.c.uuid), sa.Row):
            await recount_dataset(transaction, dataset.uuid)
    admin = world.viewers["admin"].user_uuid
    async with services.database.writing() as transaction:
        top = await lock_folder(transaction, deleted.uuid)
        size = await tree_size(transaction, top)
        job = await start_deletion(transaction, services.queue, admin, top, size)
    at_once = await answers(pair, ids)
    await check_look_ups(pair, uuids, gone)
    while not await take_step(services, job):
        pass
    assert await services.database.rows(sa.select(leaving_folders), sa.Row) == []
    finally_ = await answers(pair, ids)
    different = {key: (at_once[key], finally_[key]) for key in at_once if at_once[key] != finally_[key]}
    assert not different


async def check_look_ups(pair: Both, folder_uuids: list[UUID], gone: list[UUID]) -> None:
    """Assert that nothing that is gone can be looked up."""
    kinds = {True: "StorageFolder", False: "StorageItem"}
    ids = [global_id(kinds[uuid in folder_uuids], uuid) for uuid in gone]
    for who in ("admin", "member"):
        assert set((await ask(pair, LOOK_UP, {"ids": ids}, who))["data"]["nodes"]) == {None}
