"""Compare the speed of Storegraph with other servers: `python -m tests.speed --help`. Tests do not run this."""

from typing import Annotated, Literal

import typer

from tests.speed.against import measure_against
from tests.speed.bulk import measure_bulk
from tests.speed.comparing import compare_servers
from tests.speed.compressing import measure_compression
from tests.speed.contenders import ALL
from tests.speed.databases import prepare_database
from tests.speed.explaining import explain_floor
from tests.speed.growth import measure_growth
from tests.speed.ingesting import measure_ingest
from tests.speed.operations import ABOUT, TUNED
from tests.speed.shared import measure_shared
from tests.speed.studies import measure_studies
from tests.speed.subscribers import measure_subscribers
from tests.speed.viewers import SpeedViewer

Kind = Annotated[Literal["sqlite", "postgres"], typer.Option(help="Database to measure on.")]
Only = Annotated[str, typer.Option(help="Measure only these operations, separated by commas, for example Q1,Q4.")]
Servers = Annotated[str, typer.Option(help="Measure only these servers, separated by commas, for example ours,floor.")]
Items = Annotated[
    int | None,
    typer.Option(help="Number of items, one folder per hundred; 100,000 by default, with --shared 1,000,000."),
]
Growth = Annotated[int, typer.Option(help="Compare 100,000 items with so many instead, in all lists too.")]
ViewerName = Annotated[
    Literal["everything", "part", "folder"], typer.Option(help="Viewer of everything, of 1 %, or of one folder.")
]
Studies = Annotated[
    bool, typer.Option("--studies", help="Measure lists of studies over 10,000 and 1,000,000 instances instead.")
]
Explain = Annotated[bool, typer.Option("--explain", help="Print the hand-written statements with their plans instead.")]
Shared = Annotated[
    bool, typer.Option("--shared", help="Compare 1,000,000 items with and without shared and public ones instead.")
]
Compression = Annotated[bool, typer.Option("--compression", help="Compare responses in gzip with plain ones instead.")]
Ingest = Annotated[bool, typer.Option("--ingest", help="Measure registering at most 10,000 objects of an S3 instead.")]
Bulk = Annotated[bool, typer.Option("--bulk", help="Measure mutations of 1,000 objects instead.")]
Subscribers = Annotated[bool, typer.Option("--subscribers", help="Measure 1,000 subscribers on PostgreSQL instead.")]

cli = typer.Typer(pretty_exceptions_enable=False)


@cli.command()
def main(
    database: Kind = "sqlite",
    items: Items = None,
    only: Only = "",
    servers: Servers = "",
    rounds: Annotated[int, typer.Option(help="Slices per operation and server.")] = 5,
    seconds: Annotated[float, typer.Option(help="Seconds per slice.")] = 1.0,
    against: Annotated[str, typer.Option(help="Compare the working tree with this commit instead.")] = "",
    growth: Growth = 0,
    viewer: ViewerName = "everything",
    studies: Studies = False,
    explain: Explain = False,
    shared: Shared = False,
    compression: Compression = False,
    ingest: Ingest = False,
    bulk: Bulk = False,
    subscribers: Subscribers = False,
) -> None:
    """Measure Storegraph and other servers, and print the results as Markdown tables."""
    # A commit may not have what the other documents ask for.
    items = items or (1_000_000 if shared else 100_000)
    operations = only.split(",") if only else list(TUNED if against else ABOUT)
    if against:
        report = measure_against(against, database, items, operations, rounds, seconds)
    elif studies:
        report = measure_studies(database, rounds, seconds)
    elif shared:
        report = measure_shared(database, items, rounds, seconds)
    elif growth:
        report = measure_growth(database, growth, operations, rounds, seconds)
    elif compression:
        with prepare_database(database, items) as site:
            report = measure_compression(site, operations, rounds, seconds)
    elif explain:
        with prepare_database(database, items) as site:
            report = explain_floor(site, operations)
    elif ingest:
        report = measure_ingest(database, items)
    elif bulk:
        with prepare_database(database, items) as site:
            report = measure_bulk(site, rounds)
    elif subscribers:
        with prepare_database("postgres", items) as site:
            report = measure_subscribers(site)
    else:
        selected = servers.split(",") if servers else [contender.name for contender in ALL]
        eligible = [each for each in ALL if each.name in selected and each.needs in ("", database)]
        report = compare_servers(database, items, SpeedViewer[viewer.upper()], eligible, operations, rounds, seconds)
    print(f"\n{report}")


if __name__ == "__main__":
    cli()
