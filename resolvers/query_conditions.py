"""Conditions on items that a query in Lucene's syntax stands for."""

import sqlalchemy as sa

from gateway.error_texts import unknown
from gateway.errors import DomainError
from gateway.execution.declarations import EdgeQuery
from gateway.lucene.tree import Combination, Leaf, Node, QueryError, Term
from resolvers.query_fields import FIELDS, FOLDER, of_description, of_name
from resolvers.query_metadata import METADATA, metadata_condition

Condition = sa.ColumnElement[bool]


def conditions_of(node: Node, query: EdgeQuery) -> Condition:
    """Return the condition that a tree stands for, of which every field has been checked.

    Raises:
        QueryError: a value does not suit its field.
    """
    if not isinstance(node, Combination):
        return _of_leaf(node, query)
    required = [conditions_of(inner, query) for inner in node.required]
    optional = [conditions_of(inner, query) for inner in node.optional]
    # An item without a value does not match a condition on it, so it matches the negation.
    prohibited = [conditions_of(inner, query).is_not(sa.true()) for inner in node.prohibited]
    choice = [sa.or_(*optional)] if optional and not required else []
    return sa.and_(sa.true(), *required, *choice, *prohibited)


def check_field(leaf: Leaf) -> None:
    """Raise `QueryError` unless items have the field of a leaf."""
    field = leaf.field
    if field and field.name not in FIELDS and not field.name.startswith(METADATA):
        raise QueryError(field.column, unknown("field", field.name, [*FIELDS, METADATA]))


def is_of_one_folder(leaf: Leaf) -> bool:
    """Return whether a leaf stands for the items of one folder, without those below it."""
    if not isinstance(leaf, Term) or leaf.field is None:
        return False
    return leaf.field.name == FOLDER and leaf.value.text is not None


def _of_leaf(leaf: Leaf, query: EdgeQuery) -> Condition:
    if leaf.field is None:
        return sa.or_(of_name(leaf, query), of_description(leaf, query))
    if leaf.field.name.startswith(METADATA):
        try:
            return metadata_condition(leaf, query)
        except DomainError as error:
            raise QueryError(leaf.column, error.message) from error
    return FIELDS[leaf.field.name](leaf, query)
