"""Registration of plain dataclasses as GraphQL input types."""

import dataclasses
from collections.abc import Mapping

import strawberry


def register_input(
    entry: type,
    type_description: str,
    computed: Mapping[str, str] | None = None,
    /,
    *,
    one_of: bool = False,
    **descriptions: str,
) -> None:
    """Register a dataclass as the GraphQL input type of the same name.

    Manifests are read into the same classes by a process that must not load Strawberry, which is
    why they are declared without it.

    Args:
        entry: the dataclass.
        type_description: the description of the type.
        computed: descriptions of fields, by their Python names.
        one_of: whether exactly one of the fields must be given.
        descriptions: descriptions of the other fields.
    """
    fields = dataclasses.fields(entry)
    descriptions |= computed or {}
    if unknown := {field.name for field in fields} ^ descriptions.keys():
        raise TypeError(f"{entry.__name__}: missing or unknown descriptions: {sorted(unknown)}.")
    # Fields of a base class become the class's own: their descriptions may differ.
    entry.__annotations__ = {field.name: field.type for field in fields}
    for field in fields:
        default = strawberry.UNSET if one_of else field.default
        described = strawberry.field(
            default=default,
            default_factory=field.default_factory,
            description=descriptions[field.name],
        )
        setattr(entry, field.name, described)
    strawberry.input(entry, description=type_description, one_of=one_of)
