"""Item filters as JSON, in the shape in which clients send them."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from resolvers.inputs.item_filters import StorageItemFilter


def filter_to_json(filter: StorageItemFilter) -> dict[str, Any]:
    """Return a filter as JSON."""
    return {_client_name(name): _to_json(value) for name, value in vars(filter).items()}


def filter_from_json(values: Mapping[str, Any]) -> StorageItemFilter:
    """Return a filter from its JSON; fields that are absent have their defaults."""
    filter: StorageItemFilter = _from_json(StorageItemFilter, values)
    return filter


def _client_name(name: str) -> str:
    """Return a field's name in GraphQL: `from` for `from_`, which is a keyword in Python."""
    return to_camel_case(name.rstrip("_"))


def _to_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_to_json(entry) for entry in value]
    if dataclasses.is_dataclass(value):
        given = {name: inner for name, inner in vars(value).items() if inner is not UNSET}
        return {_client_name(name): _to_json(inner) for name, inner in given.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | StrEnum) else value


def _from_json(kind: Any, value: Any) -> Any:
    """Return a value of a type from its JSON."""
    if value is None:
        return None
    if typing.get_origin(kind) is types.UnionType:
        kind = next(inner for inner in typing.get_args(kind) if inner is not types.NoneType)
    if typing.get_origin(kind) is list:
        (inner,) = typing.get_args(kind)
        return [_from_json(inner, entry) for entry in value]
    if kind is datetime:
        return datetime.fromisoformat(value)
    if isinstance(kind, type) and issubclass(kind, UUID | StrEnum):
        return kind(value)
    if not isinstance(value, Mapping):
        return value
    hints = typing.get_type_hints(kind)
    names = {_client_name(name): name for name in hints}
    return kind(
        **{
            names[name]: _from_json(hints[names[name]], inner)
            for name, inner in value.items()
            if name in names
        }
    )
