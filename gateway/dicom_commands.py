"""Commands for DICOM files.

Like all commands, they import what is slow once the settings have been checked.
"""

from typing import Annotated
from uuid import UUID

import typer

from gateway.kinds.item_kinds import StorageItemType
from gateway.terminal import checked_settings, console, run_to_end

dicom_commands = typer.Typer(help="Manage what is known of DICOM files.", no_args_is_help=True)


@dicom_commands.callback()
def main() -> None:
    """Manage what is known of DICOM files."""


@dicom_commands.command()
def reindex(
    folder: Annotated[
        UUID | None, typer.Option(help="Only files in the folder with this UUID, and below it.")
    ] = None,
    count: Annotated[
        bool, typer.Option("--count", help="Only print how many files there are.")
    ] = False,
) -> None:
    """Read the tags of DICOM files again that an older version read, or that have none yet.

    Workers do it in the background. They can be stopped at any time, and continue when they are
    started again.
    """
    settings = checked_settings()
    from gateway.catalog.reprobing import ReprobeScope, count_older, enqueue_reprobe
    from gateway.wiring import open_current_services

    async def start() -> None:
        scope = ReprobeScope(folder, [StorageItemType.DICOM_FILE], with_untagged=True)
        async with open_current_services(settings) as services:
            total = sum((await count_older(services.database, scope)).values())
            typer.echo(f"{total}")
            if not total:
                console.print("The tags of all DICOM files are known.")
            elif not count:
                async with services.database.writing() as transaction:
                    await enqueue_reprobe(transaction, services.queue, scope)
                console.print(
                    "Workers read these files again. To see how many are left, run: "
                    "storegraph dicom reindex --count"
                )

    run_to_end(start())
