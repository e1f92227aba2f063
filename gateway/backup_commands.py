"""Commands that check a site.

Like all commands, they import what is slow once the settings have been checked.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.terminal import checked_settings, run_to_end

if TYPE_CHECKING:
    from gateway.maintenance.findings import Report

backup_commands = typer.Typer()


@backup_commands.command()
def check(
    repair: Annotated[
        bool, typer.Option("--repair", help="Then repair what was found: see `docs/backups.md`.")
    ] = False,
    show: Annotated[int, typer.Option(help="Number of findings of each kind to list.", min=0)] = 10,
) -> None:
    """Compare the database with the object store, and counters with rows.

    The site may run meanwhile. The exit code is 1 if something is wrong and was not repaired.
    """
    settings = checked_settings()
    from gateway.maintenance.checking import check_site
    from gateway.maintenance.repairing import repair_site
    from gateway.wiring import open_current_services

    async def run() -> None:
        async with open_current_services(settings) as services:
            report = await check_site(services, show)
            _print(report, "Found")
            if report.counts and repair:
                _print(await repair_site(services, report), "Repaired")
            elif report.counts:
                raise typer.Exit(1)

    run_to_end(run())


def _print(report: "Report", verb: str) -> None:
    """Print a report: a line for each kind of finding, and below it the first findings."""
    from gateway.maintenance.findings import EXPLANATIONS

    typer.echo(f"{verb}: {report.counts.total():,} (objects in the store: {report.objects:,})")
    for fault, explanation in EXPLANATIONS.items():
        if count := report.counts[fault]:
            typer.echo(f"{fault}: {count:,}. {explanation}")
        for finding in report.examples.get(fault, ()):
            typer.echo(f"  {finding.subject} {finding.detail}".rstrip())
