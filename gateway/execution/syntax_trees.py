"""Walks through syntax trees, which unlike `graphql.visit` leave no cycles of references."""

from collections.abc import Iterator

from graphql import Node


class _Keys(dict[type[Node], tuple[str, ...]]):
    """The attributes of each class of nodes, of which graphql-core would make a list each time."""

    def __missing__(self, kind: type[Node]) -> tuple[str, ...]:
        keys = self[kind] = kind.keys
        return keys


_KEYS = _Keys()


def nodes_in(root: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it, in no particular order."""
    pending: list[object] = [root]
    while pending:
        each = pending.pop()
        if isinstance(each, Node):
            yield each
            # `vars` would leave each node with a dict, which the garbage collector visits.
            pending.extend(getattr(each, key) for key in _KEYS[type(each)])
        elif isinstance(each, tuple):
            pending.extend(each)
