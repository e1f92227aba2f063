"""A comparison of several servers over one site."""

from collections.abc import Sequence

from tests.speed.contenders import Contender
from tests.speed.databases import prepare_database
from tests.speed.measure import measure
from tests.speed.statements import count_statements
from tests.speed.table import tables
from tests.speed.viewers import SpeedViewer


def compare_servers(
    kind: str,
    items: int,
    viewer: SpeedViewer,
    contenders: Sequence[Contender],
    operations: Sequence[str],
    rounds: int,
    seconds: float,
) -> str:
    """Return tables that compare the servers, each in slices that alternate with those of the others."""
    with prepare_database(kind, items, viewer) as site:
        results = measure(site, contenders, operations, rounds, seconds)
        if not site.embedded:
            results.statements = count_statements(site, contenders, operations)
    return f"{kind}, {items:,} items, viewer {viewer.name}\n\n{tables(results, operations)}"
