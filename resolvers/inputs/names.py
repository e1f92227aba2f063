"""The field by which inputs say what to do about names that are taken."""

import strawberry

from gateway.kinds.enums import IfNameTaken


def if_name_taken(what: str) -> IfNameTaken:
    """Declare the field `ifNameTaken`; `what` says what REUSE means."""
    field: IfNameTaken = strawberry.field(
        default=IfNameTaken.ALLOW_DUPLICATE,
        description="The rule for a name that a folder or an item in the folder already has. "
        f"Decided under the folder's lock: of many requests at once, one gets the name. {what}",
    )
    return field


NO_REUSE = "`REUSE` is refused: what moves remains itself."
