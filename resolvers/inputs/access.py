"""Inputs of the mutation that sets who has which role on a folder."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageUserRole


@strawberry.input(
    one_of=True,
    description="The holder of a role. Set exactly one of the fields: a group or a user.",
)
class AccessHolderInput:
    group_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET, description="UUID of the group."
    )
    user_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET, description="UUID of the user."
    )


@strawberry.input(description="The role that a group or user shall have on a folder.")
class FolderAccessInput:
    holder: AccessHolderInput = strawberry.field(description="The group or user.")
    role: StorageUserRole | None = strawberry.field(
        default=strawberry.UNSET,
        description="The role, in place of the one that they hold on the folder. Null takes it away; "
        "roles on folders above are kept. Must not be omitted.",
    )
    sees_phi: bool | None = strawberry.field(
        default=None,
        description="Whether they see what identifies patients where the folder, or one below it, is "
        "masked. If omitted, those who have a role there keep what they see; others do not see it.",
    )


@strawberry.input(description="The roles of groups and users on a folder.")
class SetStorageFolderAccessInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder.")
    access: list[FolderAccessInput] = strawberry.field(
        description="1 to 1,000 groups and users, without duplicates. Roles of others stay as they "
        "are."
    )
    recursive: bool = strawberry.field(
        default=False,
        description="Whether to take away the roles that they hold on folders below this one, so that "
        "the new role counts there, too.",
    )
