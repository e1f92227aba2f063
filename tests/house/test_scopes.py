"""Scopes in the schema: which fields need one."""

from graphql import GraphQLObjectType

from gateway.execution.private_apis import core_schema
from gateway.execution.scopes import scope_of
from gateway.kinds.enums import ApiKeyScope
from schema.api import api
from schema.scopes import ROOT_FIELDS

CORE = core_schema(api)


def test_every_root_field_has_a_scope() -> None:
    roots = (CORE.query_type, CORE.mutation_type, CORE.subscription_type)
    assert {name for root in roots if root for name in root.fields} == set(ROOT_FIELDS)


def test_every_object_needs_the_scope_to_read_it() -> None:
    """All fields of types with IDs, and of pages of them, need one: what writes does not read by its payload."""
    for type_ in CORE.type_map.values():
        if isinstance(type_, GraphQLObjectType) and any(each.name == "Node" for each in type_.interfaces):
            bare = {name for name, field in type_.fields.items() if scope_of(field) is None}
            assert bare - {"id", "uuid"} == ({"name"} if type_.name == "User" else set()), type_.name


def test_pages_need_the_scope_of_their_entries() -> None:
    for name, scope in (
        ("StorageFolderGroupConnection", ApiKeyScope.READ_GROUPS),
        ("StorageFolderGroupEdge", ApiKeyScope.READ_GROUPS),
        ("UserConnection", ApiKeyScope.READ_USER_INFO),
        ("StorageItemChildEdge", ApiKeyScope.READ_DATA),
    ):
        type_ = CORE.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        assert {scope_of(field) for field in type_.fields.values()} == {scope}, name


def test_what_is_around_an_operation_needs_none() -> None:
    for name in ("PageInfo", "UserError", "RateLimit", "UploadTarget"):
        type_ = CORE.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        scopes = {scope_of(field) for field in type_.fields.values()}
        assert scopes == {None}, name
