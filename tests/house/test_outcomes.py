"""Outcomes of mutations have the attributes that the fields of their payloads read."""

import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type
from sqlmodel import SQLModel

from gateway.execution.declarations import MutationField, declaration_of
from gateway.execution.private_apis import core_schema
from resolvers.outcomes import Outcome
from schema.api import api
from tests.house.test_declarations import classes_in, reads_of

ROOT = core_schema(api).mutation_type
assert ROOT is not None
MUTATIONS = ROOT.fields


def missing(kind: GraphQLObjectType | GraphQLInterfaceType, row: type, at: str) -> Iterator[str]:
    """Yield the attributes that the fields of a type read and its rows lack."""
    hints = typing.get_type_hints(row)
    for name, field in kind.fields.items():
        for attribute in reads_of(field):
            if attribute not in hints and not hasattr(row, attribute):
                yield f"{at}.{name} reads {attribute}, which {row.__name__} does not have"
        below = get_named_type(field.type)
        if declaration_of(field) is None and isinstance(below, GraphQLObjectType):
            for inner in classes_in(hints.get(reads_of(field)[0])):
                if is_dataclass(inner) or issubclass(inner, SQLModel):
                    yield from missing(below, inner, f"{at}.{name}")


@pytest.mark.parametrize("name", MUTATIONS)
def test_outcomes_have_what_payloads_read(name: str) -> None:
    declaration = declaration_of(MUTATIONS[name])
    assert isinstance(declaration, MutationField)
    payload = get_named_type(MUTATIONS[name].type)
    assert isinstance(payload, GraphQLObjectType)
    assert list(missing(payload, declaration.outcome, name)) == []


def test_every_mutation_has_an_outcome_of_its_own() -> None:
    """The outcome of a failed mutation can be created from its errors alone."""
    declarations = [declaration_of(field) for field in MUTATIONS.values()]
    outcomes = [declaration.outcome for declaration in declarations if isinstance(declaration, MutationField)]
    assert len(outcomes) == len(MUTATIONS)
    assert len(set(outcomes)) == len(outcomes)
    for outcome in outcomes:
        assert issubclass(outcome, Outcome)
        assert not hasattr(outcome(user_errors=[]), "__dict__")
        others = [field for field in fields(outcome) if field.name != "user_errors"]
        assert all(field.default is None and field.default_factory is MISSING for field in others), outcome


def test_every_outcome_is_that_of_a_mutation() -> None:
    """A mutation without a field in the mutation root could never be called."""
    returned = {
        declaration.outcome.__name__
        for field in MUTATIONS.values()
        if isinstance(declaration := declaration_of(field), MutationField)
    }
    # By name: a dataclass with slots replaces the class that it decorates.
    declared = {kind.__name__ for kind in Outcome.__subclasses__() if kind.__module__.startswith("resolvers.")}
    assert declared == returned


def test_missing_attributes_are_detected() -> None:
    """An outcome that lacks what its payload reads is reported."""
    payload = get_named_type(MUTATIONS["updateDataset"].type)
    assert isinstance(payload, GraphQLObjectType)
    assert list(missing(payload, Outcome, "updateDataset")) == [
        "updateDataset.dataset reads dataset_uuid, which Outcome does not have"
    ]
