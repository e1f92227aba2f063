"""Mutations of tags by which DICOM studies are filtered."""

from dataclasses import dataclass
from uuid import UUID

from gateway.catalog import dicom_indexed_tags as catalog
from gateway.catalog.rules.indexable_tags import check_indexable, tag_path
from gateway.context import Context
from resolvers.inputs.dicom_indexed_tags import AddDicomIndexedTagInput, RemoveDicomIndexedTagInput
from resolvers.outcomes import Outcome
from resolvers.permissions import requires_site_admin


@dataclass(frozen=True, slots=True)
class AddDicomIndexedTagOutcome(Outcome):
    """Outcome of `addDicomIndexedTag`."""

    indexed_tag_uuid: UUID | None = None
    job_uuid: UUID | None = None


@requires_site_admin
async def add_dicom_indexed_tag(
    context: Context, input: AddDicomIndexedTagInput
) -> AddDicomIndexedTagOutcome:
    """Index a tag, so that DICOM studies and series can be filtered by it.

    A job fills in the values of existing instances; until it has ended, filters by the tag fail
    with `UNAVAILABLE`. Adding a tag that is indexed succeeds and changes nothing, but fails with
    `CONFLICT` if it has another value representation. At most 64 tags can be indexed.
    """
    element = check_indexable(input.tag, input.private_creator, input.vr)
    viewer, queue = context.viewer.user_uuid, context.services.queue
    async with context.database.writing() as transaction:
        row = await catalog.add_indexed_tag(transaction, queue, viewer, element)
    return AddDicomIndexedTagOutcome(indexed_tag_uuid=row.uuid, job_uuid=row.job_uuid)


@dataclass(frozen=True, slots=True)
class RemoveDicomIndexedTagOutcome(Outcome):
    """Outcome of `removeDicomIndexedTag`."""

    removed_tag_uuid: UUID | None = None


@requires_site_admin
async def remove_dicom_indexed_tag(
    context: Context, input: RemoveDicomIndexedTagInput
) -> RemoveDicomIndexedTagOutcome:
    """Index a tag no longer, and cancel the job that fills in its values.

    Filters by the tag are refused at once; its values are deleted within the next minutes. Fails
    with `NOT_FOUND` if the tag is not indexed.
    """
    tag, creator = tag_path(input.tag, input.private_creator)
    viewer, queue = context.viewer.user_uuid, context.services.queue
    async with context.database.writing() as transaction:
        uuid = await catalog.remove_indexed_tag(transaction, queue, viewer, tag, creator)
    return RemoveDicomIndexedTagOutcome(removed_tag_uuid=uuid)
