"""Input objects, built with what is known of their types looked up once.

Strawberry looks up the name and type of every field for every value, also of fields that are
absent. Filters have dozens of them, and uploads come by the thousand.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any

import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from gateway.execution.private_apis import core_schema, definition_of

Convert = Callable[[Any], Any]
"""Returns what resolvers get for a coerced value that is not null."""


@dataclass(slots=True)
class InputFields:
    """The fields of an input object type.

    Attributes:
        conversions: the name in Python and the conversion of each, by its name in the schema; None
            where values stay as they are.
        absent: the arguments of the class without a default.
    """

    conversions: dict[str, tuple[str, Convert | None]]
    absent: dict[str, None]

    def build(self, class_: type, values: Mapping[str, Any], _context: Any = None) -> Any:
        """Return an input object of a class, made of its values by the names of its fields."""
        arguments: dict[str, Any] = dict(self.absent)
        for name, value in values.items():
            python_name, convert = self.conversions[name]
            arguments[python_name] = value if convert is None or value is None else convert(value)
        return class_(**arguments)


def speed_up_inputs(schema: strawberry.Schema) -> None:
    """Let all input objects of a schema be built by their `InputFields`."""
    name_of = schema.config.name_converter.from_field
    known: dict[str, InputFields] = {}
    for type_ in core_schema(schema).type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            definition = definition_of(type_)
            names = {name_of(field): field.python_name for field in definition.fields}
            absent = {
                field.python_name: None
                for field in definition.fields
                if field.default is MISSING and field.default_factory is MISSING
            }
            conversions = {
                name: (names[name], conversion_of(field.type, known))
                for name, field in type_.fields.items()
            }
            known[type_.name] = InputFields(conversions, absent)
            definition.from_input = known[type_.name].build


def conversion_of(type_: GraphQLInputType, known: Mapping[str, InputFields]) -> Convert | None:
    """Return the conversion of the values of a type; None if they stay as they are.

    The fields of input objects need not be known before the first value is converted.
    """
    nullable = get_nullable_type(type_)
    if is_leaf_type(nullable):
        return None
    if is_list_type(nullable):
        inner = conversion_of(nullable.of_type, known)
        if inner is None:
            return list  # a copy: a default is the same list for each request
        return lambda values: [None if value is None else inner(value) for value in values]
    definition = definition_of(nullable)
    return lambda values: known[definition.name].build(definition.origin, values)
