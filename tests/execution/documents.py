"""Random documents that are valid for the schema."""

from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from gateway.execution.private_apis import core_schema
from schema.api import api
from tests.execution.world import World

CORE = core_schema(api)
DEPTH, FIELDS, ALIASES = 9, 60, 25
VARIABLES = {"yes": ("Boolean!", True), "no": ("Boolean! = false", False), "few": ("Int = 2", None), "some": ("Int", 3)}
FILTERS = (
    '{search: "a", includeTombstones: true}',
    "{itemTypes: [IMAGE, GROUP]}",
    '{mimeType: "image", fileSize: {to: 5}, includeTombstones: true}',
    '{any: [{duration: {from: 0.1}}, {createdAt: {from: "2026-01-02T03:04:06Z"}}], onlyPlaceholders: true}',
    '{not: {height: {from: 1}}, exactName: "Alpha", includeTombstones: true}',
    '{metadata: [{key: "k", is: {number: {from: 1}}}], includeTombstones: true, includePlaceholders: true}',
)
NODES = (
    "StorageFolder",
    "ImageItem",
    "Dataset",
    "CloudIntegration",
    "Group",
    "UploadJob",
    "CloudSyncJob",
    "ImageGroupItem",
    "DataGroupItem",
)


class Writer:
    """Writer of one random document over the objects of a world."""

    def __init__(self, chance: Random, world: World) -> None:
        self._chance = chance
        self._world = world
        self._fields = FIELDS
        self._aliases = 0
        self._fragments: list[str] = []

    def document(self) -> tuple[str, dict[str, Any]]:
        """Return a document and the values of its variables."""
        chance = self._chance
        assert CORE.query_type
        names = [name for name in CORE.query_type.fields if chance.random() < 0.15] or ["storageFolders"]
        chance.shuffle(names)
        body = " ".join(self._field(CORE.query_type, name, DEPTH) for name in names[:3])
        text = "\n".join([f"{{ {body} }}", *self._fragments])
        used = [name for name in VARIABLES if f"${name}" in text]
        given = {name: self.given(name) for name in used if self.is_given(name)}
        declared = ", ".join(f"${name}: {VARIABLES[name][0]}" for name in used)
        return (f"query({declared}) {text}" if declared else text), given

    def given(self, name: str) -> Any:
        value = VARIABLES[name][1]
        return self._chance.choice([value, not value if name == "yes" else 1 if name != "no" else True])

    def is_given(self, name: str) -> bool:
        return VARIABLES[name][0].endswith("!") or self._chance.random() < 0.6

    def _selection(self, kind: Any, depth: int) -> str:
        chance, parts = self._chance, []
        for _ in range(chance.randint(1, 5)):
            draw = chance.random()
            if draw < 0.1:
                parts.append("__typename")
            elif draw < 0.3 or isinstance(kind, GraphQLUnionType):
                parts.append(self.fragment(kind, depth))
            else:
                parts.append(self._field(kind, self.name(kind, depth), depth))
        return " ".join(parts)

    def name(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        names: list[str] = list(kind.fields)
        leaves = [name for name in names if is_leaf_type(get_named_type(kind.fields[name].type))]
        lists = [name for name in names if name in ("nodes", "edges", "node")]
        if lists and depth > 1 and self._chance.random() < 0.6:
            return self._chance.choice(lists)
        if depth <= 1 or self._fields <= 0:
            return self._chance.choice(leaves) if leaves else "__typename"
        return self._chance.choice(names)

    def _field(self, kind: GraphQLObjectType | GraphQLInterfaceType, name: str, depth: int) -> str:
        if name == "__typename":
            return name
        self._fields -= 1
        field = kind.fields[name]
        below = "" if is_leaf_type(get_named_type(field.type)) else f" {{ {self.below(field, depth)} }}"
        arguments = self._arguments(field)
        alias = self.alias(bool(arguments))
        if arguments and not alias:
            arguments = self._arguments(field, only_required=True)
            alias = "required: " if arguments else ""
        return f"{alias}{name}{arguments}{self._directive()}{below}"

    def below(self, field: GraphQLField, depth: int) -> str:
        if self._fields <= 0 or depth <= 1:
            return "__typename"
        return self._selection(get_named_type(field.type), depth - 1)

    def alias(self, needed: bool) -> str:
        if self._aliases >= ALIASES or not (needed or self._chance.random() < 0.15):
            return ""
        self._aliases += 1
        return f"a{self._aliases}: "

    def fragment(self, kind: Any, depth: int) -> str:
        target = self._chance.choice(self.targets(kind))
        body = self._selection(CORE.type_map[target], depth)
        if self._chance.random() < 0.3:
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {target} {{ {body} }}")
            return f"...{name}{self._directive()}"
        return f"... on {target}{self._directive()} {{ {body} }}"

    def targets(self, kind: Any) -> list[str]:
        if isinstance(kind, GraphQLObjectType):
            return [kind.name, *(member.name for member in kind.interfaces)]
        possible = [member.name for member in CORE.get_possible_types(kind)]
        if kind.name == "Node":
            return [*NODES, "Node", "StorageItem"]
        return [*possible, kind.name, *["StorageItem"] * 8, "Node"]

    def _directive(self) -> str:
        if self._chance.random() > 0.06:
            return ""
        value = self._chance.choice(["true", "false", "$yes", "$no"])
        return f" @{self._chance.choice(['skip', 'include'])}(if: {value})"

    def _arguments(self, field: GraphQLField, only_required: bool = False) -> str:
        given = []
        for name, argument in field.args.items():
            needed = isinstance(argument.type, GraphQLNonNull)
            together = name in ("last", "before", "after") and self._chance.random() < 0.6
            if needed or (not only_required and not together and self._chance.random() < 0.35):
                given.append(f"{name}: {self.argument(name, argument)}")
        return f"({', '.join(given)})" if given else ""

    def argument(self, name: str, argument: GraphQLArgument) -> str:
        chance = self._chance
        if name in ("first", "last"):
            return chance.choice(["1", "2", "5", "$few", "$some", "null", *(["0"] if chance.random() < 0.1 else [])])
        if name in ("after", "before"):
            return '"bad"' if chance.random() < 0.03 else "null"
        if name == "lifetime":
            return chance.choice(["60", "null", "5" if chance.random() < 0.1 else "61"])
        return self._value(argument.type, name)

    def _value(self, kind: Any, name: str) -> str:
        chance = self._chance
        if name == "by":
            return chance.choice(["[{attribute: ITEM_TYPE}]", "[{attribute: OWNER}, {attribute: CREATED_MONTH}]"])
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type, name)
        if isinstance(kind, GraphQLList):
            return f"[{', '.join(self._value(kind.of_type, name) for _ in range(chance.randint(0, 4)))}]"
        if isinstance(kind, GraphQLEnumType):
            if name == "scope":
                return "ORGANISATION" if chance.random() < 0.1 else "USER"
            return str(chance.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            required = [member for member, field in kind.fields.items() if isinstance(field.type, GraphQLNonNull)]
            if name == "filter" and chance.random() < 0.9 and "itemTypes" in kind.fields:
                return chance.choice(FILTERS)
            some = [member for member in kind.fields if member in required or chance.random() < 0.5]
            return (
                "{" + ", ".join(f"{member}: {self._value(kind.fields[member].type, member)}" for member in some) + "}"
            )
        return self.scalar(kind.name, name)

    def scalar(self, kind: str, name: str) -> str:
        chance, world = self._chance, self._world
        if kind == "UUID":
            known = [
                *world.folders,
                *world.items[:30],
                *world.datasets,
                *world.jobs,
                *world.syncs,
                *world.groups,
                *world.integrations,
            ]
            return f'"{chance.choice(known)}"'
        if kind == "ID":
            return f'"{chance.choice(world.ids())}"'
        if kind == "Boolean":
            return chance.choice(["true", "false", "$no"])
        if kind in ("Int", "BigInt", "Float"):
            return str(chance.randint(0, 3))
        if kind == "DateTime":
            return '"2026-01-02T03:04:07Z"'
        return chance.choice(['"a"', '"be"', '"stra"', '""', '"%"', '"zeta"'])
