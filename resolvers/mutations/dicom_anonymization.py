"""The mutation that anonymizes DICOM studies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case

from gateway.catalog.dicom_copies import start_copies
from gateway.catalog.dicom_copy_plans import (
    anonymized_copies,
    new_secret,
    new_study_uid,
    planned_actions,
)
from gateway.catalog.dicom_projects import ensure_project, project_secret
from gateway.catalog.dicom_units import StudySource
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.dicom.anonymization import BadOption
from gateway.dicom.dictionary import parse_tag
from gateway.dicom.rewriting.edits import options_from
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.kinds.enums import DicomCopyOperation
from resolvers.id_lists import check_list_size
from resolvers.idempotency import create_once
from resolvers.inputs.dicom_anonymization import AnonymizeDicomStudiesInput
from resolvers.mutations.dicom_copies import MAX_STUDIES, check_target, copied_parts
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER

_MAX_KEY = 200
_MAX_CREATOR = 64


@dataclass(frozen=True, slots=True)
class ActionOnTag:
    """An action on an element, and its tag, after those that lead to it."""

    path: str
    action: str


@dataclass(frozen=True, slots=True)
class AnonymizeDicomStudiesOutcome(Outcome):
    """Outcome of `anonymizeDicomStudies`."""

    job_uuid: UUID | None = None
    actions: list[ActionOnTag] | None = None


@requires(USER.on_receiving_folder("target_folder_uuid", "the target folder"))
async def anonymize_dicom_studies(
    context: Context, input: AnonymizeDicomStudiesInput, permissions: Permissions
) -> AnonymizeDicomStudiesOutcome:
    """Start a job that copies DICOM studies without what identifies their patients.

    It follows the Basic Profile of PS3.15, Annex E, with the options that are set. Everything that
    the caller sees of the studies is copied; pixels stay as they are, so that instances whose
    pixels may show text are left out unless `allowBurnedIn` is set: their units say so. Names of
    the new items are UIDs; descriptions and metadata of items are not copied. From a masked folder
    into one where the caller sees identities, it needs `seesPhi` at the source.
    """
    check_list_size(input.studies, "studies", MAX_STUDIES)
    key, options = _project_key(input), _options(input)
    viewer, queue, target = context.viewer, context.services.queue, input.target_folder_uuid
    actions: list[ActionOnTag] | None = None
    uuid: UUID | None = None
    async with context.database.writing() as transaction:

        async def start() -> UUID:
            secret, project = new_secret(), None
            if key is not None:
                vault = context.services.vault
                project = await ensure_project(transaction, vault, target, key)
                secret = await project_secret(transaction, vault, project)
            uids = [study.study_uid for study in input.studies]
            if not input.retain_uids:
                uids = [new_study_uid(secret, uid) for uid in uids]
            spec = anonymized_copies(
                await _sources(context, transaction, input, permissions),
                options,
                project,
                None if project is not None else secret,
            )
            anonymize = DicomCopyOperation.ANONYMIZE
            return await start_copies(transaction, queue, viewer, anonymize, spec, target, uids)

        if input.dry_run:
            planned = await planned_actions(
                transaction,
                await _sources(context, transaction, input, permissions),
                options_from(options),
            )
            actions = [ActionOnTag(each.path, each.action.name) for each in planned]
        else:
            uuid = await create_once(
                context, transaction, "anonymizeDicomStudies", input, "job", start, permissions
            )
    return AnonymizeDicomStudiesOutcome(job_uuid=uuid, actions=actions)


async def _sources(
    context: Context,
    transaction: Transaction,
    input: AnonymizeDicomStudiesInput,
    permissions: Permissions,
) -> list[StudySource]:
    """Return the parts of studies that are copied; raise `DomainError` if they must not be."""
    await lock_tree(transaction.connection, exclusive=False)
    await permissions.check(transaction)
    paths = [("studies", number) for number in range(len(input.studies))]
    sources = await copied_parts(transaction, context, input.studies, None, paths)
    target, viewer = input.target_folder_uuid, context.viewer
    await check_target(transaction, viewer, sources, target, input.allow_public, "targetFolderUuid")
    return sources


def _project_key(input: AnonymizeDicomStudiesInput) -> str | None:
    key = input.project_key
    if key is not None and not 1 <= len(key) <= _MAX_KEY:
        raise bad_input(sized("projectKey", 1, _MAX_KEY, len(key)), "projectKey")
    return key


def _options(input: AnonymizeDicomStudiesInput) -> dict[str, Any]:
    """Return the options of an input as JSON, see `options_from`.

    Raises:
        DomainError: `BAD_USER_INPUT` for a tag or value that cannot be used.
    """
    for name in ("retain_safe_private", "replace", "keep", "remove"):
        if getattr(input, name):
            check_list_size(getattr(input, name), to_camel_case(name))
    for number, private in enumerate(input.retain_safe_private):
        if not private.group % 2 or not 0 < private.group <= 0xFFFF:
            message = "Expected an odd number of a group."
            raise bad_input(message, "retainSafePrivate", number, "group")
        if not 0 <= private.element <= 0xFF:
            raise bad_input("Expected 0 to 255.", "retainSafePrivate", number, "element")
        if not 1 <= len(private.creator) <= _MAX_CREATOR:
            message = sized("creator", 1, _MAX_CREATOR, len(private.creator))
            raise bad_input(message, "retainSafePrivate", number, "creator")
    options = {
        "retain_uids": input.retain_uids,
        "retain_device": input.retain_device,
        "retain_institution": input.retain_institution,
        "retain_patient_characteristics": input.retain_patient_characteristics,
        "retain_longitudinal": input.retain_longitudinal and input.retain_longitudinal.lower(),
        "retain_safe_private": [
            (private.group, private.creator, private.element)
            for private in input.retain_safe_private
        ],
        "replace": {
            _tag(each.tag, "replace", number, "tag"): each.values
            for number, each in enumerate(input.replace)
        },
        "keep": _numbers(input.keep, "keep"),
        "remove": _numbers(input.remove, "remove"),
        "allow_burned_in": input.allow_burned_in,
    }
    try:
        options_from(options)
    except BadOption as error:
        raise bad_input(f"{error}.", to_camel_case(error.name)) from None
    return options


def _numbers(tags: Sequence[str], name: str) -> list[int]:
    return [int(_tag(tag, name, number), 16) for number, tag in enumerate(tags)]


def _tag(text: str, *path: str | int) -> str:
    try:
        return parse_tag(text)
    except ValueError as error:
        raise bad_input(str(error), *path) from None
