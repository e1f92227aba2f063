"""Policies of folders, read from inputs: who may change them, and which ones a folder can have."""

from collections.abc import Sequence
from uuid import UUID

from strawberry import UNSET

from gateway.catalog.policies import folders_below_masked
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError, Path, conflict, forbidden
from gateway.kinds.enums import PhiPolicy
from gateway.models.folders import FolderRecord
from resolvers.inputs.folders import UpdateStorageFolderInput
from resolvers.permissions import Permissions
from resolvers.requirements import IdentityRequirement

NEEDS_PHI = "This requires the role ADMIN on the folder, with seesPhi."


def on_policy(field: str) -> IdentityRequirement:
    """Require `ADMIN` with `seesPhi` on the folders whose policy an input changes."""
    text = "`ADMIN` with `seesPhi` on a folder if `phiPolicy` is given"
    return IdentityRequirement(field, text, lambda value: value is not UNSET)


async def lock_for_policies(
    transaction: Transaction, inputs: Sequence[UpdateStorageFolderInput]
) -> None:
    """Lock the tree, if policies change: no folder may be created or moved meanwhile."""
    if any(input.phi_policy is not UNSET for input in inputs):
        await lock_tree(transaction.connection, exclusive=True)


async def policy_errors(
    transaction: Transaction,
    permissions: Permissions,
    field: str,
    inputs: Sequence[UpdateStorageFolderInput],
    rows: dict[UUID, FolderRecord],
    *path: str,
) -> dict[int, DomainError]:
    """Return what is wrong with the policies of updates, by index; `rows` are locked folders.

    Args:
        field: the field of the requirement.
        path: the list that has the inputs; nothing for a single one.
    """
    changes = {
        index: input
        for index, input in enumerate(inputs)
        if input.phi_policy is not UNSET and input.folder_uuid in rows
    }
    uuids = {input.folder_uuid for input in changes.values()}
    lacking = await permissions.check_identity(transaction, field, uuids)
    below_masked = await folders_below_masked(transaction, uuids)
    errors: dict[int, DomainError] = {}
    for index, input in changes.items():
        place: Path = (*path, index, "phiPolicy") if path else ("phiPolicy",)
        if input.folder_uuid in lacking:
            errors[index] = forbidden(NEEDS_PHI, *place)
        elif input.phi_policy is PhiPolicy.OPEN and input.folder_uuid in below_masked:
            message = "The folder above is masked, so this one cannot be opened."
            errors[index] = conflict(message, *place)
    return errors
