"""Measures Storegraph beside others: `python -m tests.speed --help`. Nothing of this runs with the tests."""

from typing import Annotated, Literal

import typer

from tests.speed.against import measure_against
from tests.speed.contenders import ALL
from tests.speed.databases import filled
from tests.speed.growth import measure_growth
from tests.speed.measure import measure
from tests.speed.operations import ABOUT
from tests.speed.statements import count_statements
from tests.speed.subscribers import measure_subscribers
from tests.speed.table import tables

Kind = Annotated[Literal["sqlite", "postgres"], typer.Option(help="The database to measure on.")]
Items = Annotated[int, typer.Option(help="How many items, with a folder for each hundred.")]

cli = typer.Typer(pretty_exceptions_enable=False)


@cli.command()
def main(
    database: Kind = "sqlite",
    items: Items = 100_000,
    only: Annotated[str, typer.Option(help="Only these operations, such as Q1,Q4.")] = "",
    servers: Annotated[str, typer.Option(help="Only these servers, such as ours,floor.")] = "",
    rounds: Annotated[int, typer.Option(help="Slices of each operation on each server.")] = 5,
    seconds: Annotated[float, typer.Option(help="How long a slice is.")] = 1.0,
    against: Annotated[str, typer.Option(help="Instead, the ratios of the working tree over this commit.")] = "",
    growth: Annotated[bool, typer.Option("--growth", help="Instead, what ten times as many items cost.")] = False,
    subscribers: Annotated[bool, typer.Option("--subscribers", help="Instead, 1,000 sockets on PostgreSQL.")] = False,
) -> None:
    """Measure Storegraph beside others, and print tables in Markdown."""
    operations = only.split(",") if only else list(ABOUT)
    if against:
        said = measure_against(against, database, items, operations, rounds, seconds)
    elif growth:
        said = measure_growth(database, rounds, seconds)
    elif subscribers:
        with filled("postgres", items) as site:
            said = measure_subscribers(site)
    else:
        named = servers.split(",") if servers else [contender.name for contender in ALL]
        able = [each for each in ALL if each.name in named and each.needs in ("", database)]
        with filled(database, items) as site:
            results = measure(site, able, operations, rounds, seconds)
            if not site.embedded:
                results.statements = count_statements(site, able, operations)
        said = f"{database}, {items:,} items\n\n{tables(results, operations)}"
    print(f"\n{said}")


if __name__ == "__main__":
    cli()
