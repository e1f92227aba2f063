"""Every list of the schema with every order and every single filter, as documents."""

from collections.abc import Iterator, Mapping

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_required_argument,
)

from tests.house.sources import ROOT

_PAGING = {"first", "after", "last", "before", "startAt"}
_TIME = '"2024-06-01T00:00:00Z"'
_BY_TYPE = {
    "String": '"amber"',
    "Boolean": "true",
    "Int": "1",
    "BigInt": "1",
    "DateTime": _TIME,
    "DateTimeRange": f"{{from: {_TIME}}}",
    "BigIntRange": "{from: 1000000}",
    "FloatRange": "{from: 10.0}",
    "IntRange": "{from: 100}",
}
_BY_NAME = {"mimeType": '"image/png"', "query": '"name:amber"', "titleLike": '"%01%"', "uuids": "", "scope": ""}


def list_documents(uuids: Mapping[str, str]) -> dict[str, str]:
    """Return documents by what they ask for; `uuids` has those of objects by the names of arguments."""
    schema = build_schema((ROOT / "schema" / "schema.graphql").read_text())
    documents: dict[str, str] = {}
    parents = {"Query": "{}", "StorageFolder": f'storageFolder(uuid: "{uuids["folderUuid"]}") {{{{ {{}} }}}}'}
    parents["Dataset"] = f'dataset(uuid: "{uuids["datasetUuid"]}") {{{{ {{}} }}}}'
    for parent, around in parents.items():
        type_ = schema.type_map[parent]
        assert isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items():
            if get_named_type(field.type).name.endswith("Connection"):
                for label, arguments in variations(field, uuids):
                    for part, selected in (("", "edges { cursor }"), (" totalCount", "totalCount")):
                        if not part or "orderBy" not in label:
                            inner = f"{name}({', '.join(['first: 50', *arguments])}) {{ {selected} }}"
                            documents[f"{parent}.{name} {label}{part}"] = f"{{ {around.format(inner)} }}"
    return documents


def variations(field: GraphQLField, uuids: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the arguments of a list: the required ones, and each other alone."""
    given = {name: argument for name, argument in field.args.items() if name not in _PAGING}
    needs = [name for name, argument in given.items() if is_required_argument(argument)]
    values = {name: sample(name, given[name].type, uuids) for name in needs}
    fixed = [f"{name}: {value}" for name, value in values.items() if value]
    if len(fixed) == len(needs):
        yield "", fixed
    for name, argument in given.items():
        type_ = get_named_type(argument.type)
        others = [each for each in fixed if not each.startswith(f"{name}:")]
        if name == "orderBy":
            assert isinstance(type_, GraphQLInputObjectType)
            orders = get_named_type(type_.fields["field"].type)
            assert isinstance(orders, GraphQLEnumType)
            for order in orders.values:
                for direction in ("ASC", "DESC"):
                    yield (
                        f"orderBy {order} {direction}",
                        [*others, f"orderBy: {{field: {order}, direction: {direction}}}"],
                    )
        elif isinstance(type_, GraphQLInputObjectType):
            for key, entry in type_.fields.items():
                if value := sample(key, entry.type, uuids):
                    yield f"{name} {key}", [*others, f"{name}: {{{key}: {value}}}"]
        elif name not in needs and (value := sample(name, argument.type, uuids)):
            yield f"{name}", [*others, f"{name}: {value}"]


def sample(name: str, type_: GraphQLInputType, uuids: Mapping[str, str]) -> str:
    """Return a value of an argument or filter, or an empty text if there is none that finds something."""
    if isinstance(type_, GraphQLNonNull):
        return sample(name, type_.of_type, uuids)
    if isinstance(type_, GraphQLList):
        value = sample(name, type_.of_type, uuids)
        return value and f"[{value}]"
    if name in uuids:
        return f'"{uuids[name]}"'
    if isinstance(type_, GraphQLEnumType) and name not in _BY_NAME:
        return str(next(iter(type_.values)))
    return _BY_NAME.get(name, _BY_TYPE.get(get_named_type(type_).name, ""))
