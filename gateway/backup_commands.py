"""Commands that back up, restore and check a site.

Like all commands, they import what is slow once the settings have been checked.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.terminal import checked_settings, errors, run_to_end

if TYPE_CHECKING:
    from gateway.maintenance.findings import Report

backup_commands = typer.Typer()
_SHOWN = 10
"""Findings of each kind that are listed."""
_SECRET_COPIED = (
    "The secret of the data directory is in the backup: whoever can read it can decrypt the "
    "credentials of integrations."
)
_SECRET_SET = (
    "STOREGRAPH_SECRET_KEY is not in the backup. Keep it elsewhere: without it, nobody can decrypt "
    "the credentials of integrations."
)
_SECRET_NEEDED = (
    "The site had STOREGRAPH_SECRET_KEY. Set it to the same value, or the credentials of "
    "integrations cannot be decrypted."
)


Directory = Annotated[Path, typer.Argument(help="Directory of the backup.")]


@backup_commands.command()
def backup(directory: Directory) -> None:
    """Make or renew the backup of a site with SQLite and the local disk, which may run meanwhile.

    Only new files are copied, as hard links if the directory is on the same file system. The former
    backup remains complete until this one is. See `docs/backups.md`.
    """
    settings = checked_settings()
    from gateway.maintenance.backing_up import back_up
    from gateway.wiring import open_current_services

    async def run() -> None:
        async with open_current_services(settings) as services:
            made, tally = await back_up(services, directory)
        typer.echo(
            f"{directory} has the database and {made.objects:,} files "
            f"({made.object_bytes:,} bytes), {tally.new:,} of them new."
        )
        if tally.missing or tally.damaged:
            errors.print(
                f"The site itself lacks {tally.missing:,} files, and {tally.damaged:,} are damaged. "
                "Run: storegraph check"
            )
        typer.echo(_SECRET_SET if made.secret is None else _SECRET_COPIED)

    run_to_end(run())


@backup_commands.command()
def restore(directory: Directory) -> None:
    """Restore a backup into an empty data directory, migrate the database, and check the site.

    The exit code is 1 if something is missing. See `docs/backups.md`.
    """
    settings = checked_settings()
    from gateway.database.migrate import migrate
    from gateway.maintenance.checking import check_site
    from gateway.maintenance.restoring import restore as restore_backup
    from gateway.wiring import open_services, resolve_database_url

    async def run() -> None:
        made, damaged = await restore_backup(settings, directory)
        for path in damaged:
            errors.print(f"Damaged in the backup, and left out: {path}")
        await asyncio.to_thread(migrate, resolve_database_url(settings))
        typer.echo(f"Restored the site as it was at {made.begun_at}.")
        if made.secret is None and settings.secret_key is None:
            errors.print(_SECRET_NEEDED)
        async with open_services(settings) as services:
            report = await check_site(services, _SHOWN)
        _print(report, "Found")
        if report.counts or damaged:
            raise typer.Exit(1)

    run_to_end(run())


@backup_commands.command(name="keep-objects", context_settings={"ignore_unknown_options": True})
def keep_objects(
    command: Annotated[
        list[str], typer.Argument(help="Command with its arguments, such as a script.")
    ],
) -> None:
    """Run a command, such as one that copies a database and a bucket, while nothing is removed.

    Objects of deleted items stay in the store until it ends. Its exit code is passed on.
    """
    settings = checked_settings()
    from gateway.database.removals import suspended_removals
    from gateway.wiring import open_current_services

    async def run() -> None:
        async with (
            open_current_services(settings) as services,
            suspended_removals(services.database),
        ):
            process = await asyncio.create_subprocess_exec(*command)
            code = await process.wait()
        raise typer.Exit(code)

    run_to_end(run())


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
