"""Input objects, built with what is known of their types looked up once.

Strawberry looks up the name and type of every field for every value, also of fields that are
absent. Filters have dozens of them, and uploads come by the thousand.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType

from gateway.execution.private_apis import core_schema, definition_of

Build = Callable[[type, Mapping[str, Any], Any], Any]
"""Returns an input object of a class, made of its values by the names of its fields."""


def speed_up_inputs(schema: strawberry.Schema) -> None:
    """Let all input objects of a schema be built by `Build` functions."""
    name_of = schema.config.name_converter.from_field
    for type_ in core_schema(schema).type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            definition = definition_of(type_)
            definition.from_input = _builder(definition, name_of)


def _builder(definition: Any, name_of: Callable[[Any], str]) -> Build:
    fields = {
        name_of(field): (field.python_name, field.resolve_type(type_definition=definition))
        for field in definition.fields
    }
    absent = {
        field.python_name: None
        for field in definition.fields
        if field.default is MISSING and field.default_factory is MISSING
    }

    def build(class_: type, values: Mapping[str, Any], context: Any) -> Any:
        arguments: dict[str, Any] = dict(absent)
        for name, value in values.items():
            python_name, type_ = fields[name]
            is_null = value is None
            arguments[python_name] = None if is_null else context.convert(value, type_, name)
        return class_(**arguments)

    return build
