"""Every field of a mutation's input is read: one that nothing reads would be accepted and ignored."""

import ast
from collections.abc import Iterator

from graphql import GraphQLInputObjectType, get_named_type

from gateway.execution.private_apis import core_schema, definition_of
from schema.api import api
from tests.house.sources import modules

ROOT = core_schema(api).mutation_type
assert ROOT is not None
MUTATIONS = ROOT.fields
READ_BY_NAME = {"SidecarMatcherInput.mode", "CloudCredentialsInput", "MetadataMatch"}
READ_BY_NAME.add("DicomStudyPhiInput")
"""Types and fields that are read by `getattr` or as a whole."""
ELSEWHERE = ("DataUploadItemsInput", "TimeSeriesViewSettingsInput", "DataGroupTileSettingsInput")
"""Types that `gateway` reads."""


def inputs(type_: GraphQLInputObjectType, seen: set[str]) -> Iterator[GraphQLInputObjectType]:
    """Yield an input and those nested in it, each once."""
    if type_.name in seen or type_.name in ELSEWHERE:
        return
    seen.add(type_.name)
    yield type_
    for field in type_.fields.values():
        below = get_named_type(field.type)
        if isinstance(below, GraphQLInputObjectType):
            yield from inputs(below, seen)


def reads() -> set[str]:
    """Return the names of attributes that resolvers read, but for columns such as `items.c.name`."""
    return {
        node.attr
        for tree in modules("resolvers").values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Load)
        and not (isinstance(node.value, ast.Attribute) and node.value.attr == "c")
    }


def test_every_field_of_an_input_is_read() -> None:
    seen: set[str] = set()
    read = reads()
    unread = {
        f"{type_.name}.{field.python_name}"
        for mutation in MUTATIONS.values()
        for type_ in inputs(get_named_type(mutation.args["input"].type), seen)
        if type_.name not in READ_BY_NAME
        for field in definition_of(type_).fields
        if field.python_name not in read
    }
    assert unread == {name for name in READ_BY_NAME if "." in name}
