"""The command line: `storegraph` or `python -m gateway`.

Slow imports happen inside of the commands that need them, after the settings have been checked, so
that help and errors appear at once.
"""

import asyncio
import signal
from collections.abc import Coroutine
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from gateway.backup_commands import backup_commands
from gateway.dicom_commands import dicom_commands
from gateway.gc_tuning import collect_rarely
from gateway.key_commands import key_commands
from gateway.kinds.item_kinds import StorageItemType
from gateway.settings import Settings
from gateway.terminal import checked_settings, console, errors, run_to_end
from gateway.transfer_commands import transfer_commands

if TYPE_CHECKING:
    from gateway.context import Services

cli = typer.Typer(
    help="GraphQL gateway over storage metadata.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
cli.add_typer(key_commands, name="key")
cli.add_typer(dicom_commands, name="dicom")
cli.add_typer(backup_commands)
cli.add_typer(transfer_commands)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]
Generate = Annotated[bool, typer.Option("--generate", help="Only generate a new secret.")]
Forget = Annotated[bool, typer.Option("--forget", help="Then remove former generated secrets.")]


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"storegraph {version('storegraph')}")
        raise typer.Exit


@cli.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """GraphQL gateway over storage metadata."""
    collect_rarely()  # before the imports of the commands


@cli.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    demo: Annotated[
        bool, typer.Option("--demo", help="Create a small set of demo data, unless it exists.")
    ] = False,
) -> None:
    """Serve the GraphQL API. With SQLite, also migrate the database and run a worker."""
    settings = checked_settings()
    from gateway.asgi import serve as serve_site
    from gateway.greeting import greet

    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if not settings.public_url:
        settings = settings.model_copy(update={"public_url": address})

    async def started(services: "Services", key: str | None) -> None:
        greet(settings, key, console)
        if demo:
            from gateway.catalog.api_keys import temporary_admin_key
            from gateway.demo.run import run_demo
            from gateway.transfer.site import SiteError

            try:
                async with temporary_admin_key(services.database) as admin_key:
                    await run_demo(address, admin_key, settings.public_url)
            except SiteError as error:
                errors.print(f"Could not create the demo. {error}")

    run_to_end(serve_site(settings, host, port, started))


@cli.command()
def work() -> None:
    """Run a worker until interrupted. Any number of workers may run, on any machine."""
    settings = checked_settings()
    from gateway.clock_watch import ClockWatch
    from gateway.http.worker_status import worker_status
    from gateway.tasks.worker import run_worker
    from gateway.telemetry.process import observed_process
    from gateway.wiring import open_current_services
    from resolvers.preset_conditions import read_filter

    async def until_stopped() -> None:
        async with (
            open_current_services(settings) as services,
            (clocks := ClockWatch(services)).running(),
            worker_status(services, clocks),
        ):
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, services.stopping.set)
            with observed_process("work", settings, services.database.dialect):
                await run_worker(replace(services, read_filter=read_filter), services.stopping)

    run_to_end(until_stopped())


@cli.command(name="bytes")
def serve_bytes(
    host: Host = "127.0.0.1",
    port: Port = 8001,
) -> None:
    """Serve archives, and DICOMweb with bytes, if files are in S3. Any number may run."""
    settings = checked_settings()
    from gateway.bytes_server import serve_bytes as serve_until_stopped

    run_to_end(serve_until_stopped(settings, host, port))


@cli.command()
def migrate() -> None:
    """Migrate the database to this version."""
    run_to_end(_migrate(checked_settings()))
    console.print("The database is up to date.")


@cli.command()
def reprobe(
    folder: Annotated[
        UUID | None, typer.Option(help="Only items in the folder with this UUID, and below it.")
    ] = None,
    item_types: Annotated[
        list[StorageItemType] | None,
        typer.Option("--type", help="Only items of this kind. Can be given several times."),
    ] = None,
    count: Annotated[
        bool, typer.Option("--count", help="Only print how many items there are.")
    ] = False,
) -> None:
    """Read the files again of items whose facts an older version read.

    Workers do it in the background. They can be stopped at any time, and continue when they are
    started again.
    """
    settings = checked_settings()
    from gateway.catalog.reprobing import ReprobeScope, count_older, enqueue_reprobe
    from gateway.wiring import open_current_services

    async def start() -> None:
        scope = ReprobeScope(folder, item_types or ())
        async with open_current_services(settings) as services:
            totals = await count_older(services.database, scope)
            for item_type, total in totals.items():
                typer.echo(f"{item_type}\t{total}")
            if not totals:
                console.print("No items were probed by an older version.")
            elif not count:
                async with services.database.writing() as transaction:
                    await enqueue_reprobe(transaction, services.queue, scope)
                console.print(
                    "Workers read these files again. To see how many are left, run: "
                    "storegraph reprobe --count"
                )

    run_to_end(start())


@cli.command(name="rotate-secrets")
def rotate(
    generate: Generate = False,
    forget: Forget = False,
) -> None:
    """Encrypt stored credentials again, with the secret key in use: see `docs/deploying.md`."""
    settings = checked_settings()
    from gateway.auth.secret import forget_former_secrets, generate_secret
    from gateway.catalog.secret_rotation import rotate_secrets
    from gateway.wiring import open_current_services

    async def run() -> None:
        if generate:
            generate_secret(settings)
            console.print("Restart the site, then run: storegraph rotate-secrets")
            return
        async with open_current_services(settings) as services:
            rotations = await rotate_secrets(services.database, services.vault)
        console.print(f"Credentials of integrations: {rotations.integrations}.")
        console.print(f"Secrets of DICOM projects: {rotations.projects}.")
        console.print(f"Second factors of users: {rotations.factors}.")
        if forget:
            forget_former_secrets(settings)

    run_to_end(run())


@cli.command()
def lookup(
    uuids: Annotated[list[UUID], typer.Argument(help="UUIDs, such as those in the log.")],
) -> None:
    """Print the names of the users, API keys, folders and jobs with these UUIDs."""
    settings = checked_settings()
    from gateway.catalog.naming import names_of
    from gateway.wiring import open_current_services

    async def show() -> None:
        async with open_current_services(settings) as services:
            for named in await names_of(services.database, uuids):
                typer.echo("\t".join(map(str, named)))

    run_to_end(show())


@cli.command()
def schema() -> None:
    """Print the GraphQL schema as SDL."""
    from schema.api import api

    typer.echo(api.as_str())


@cli.command()
def explain(
    file: Annotated[
        Path, typer.Argument(help="File with a GraphQL document.", exists=True, dir_okay=False)
    ],
    code: Annotated[
        bool, typer.Option("--code", help="Print the generated functions of each level, too.")
    ] = False,
) -> None:
    """Print the compiled plans of a document's operations: statements, columns and keys."""
    settings = checked_settings()
    from gateway.database.dialects import database_url
    from gateway.execution.compiled.executor import explain_document
    from gateway.execution.documents import DocumentErrors
    from gateway.wiring import resolve_database_url
    from schema.api import api

    dialect = database_url(resolve_database_url(settings)).get_backend_name()
    try:
        text = file.read_text()
        plans = explain_document(text, api, settings.limits, dialect, with_code=code)
        typer.echo(asyncio.run(plans))
    except DocumentErrors as refusal:
        errors.print(str(refusal))
        raise typer.Exit(1) from None


@cli.command()
def demo(
    key: Annotated[
        str, typer.Option(help="API key of a site admin.", envvar="STOREGRAPH_ADMIN_KEY")
    ],
    url: Annotated[str, typer.Option(help="URL of the running site.")] = "http://127.0.0.1:8000",
) -> None:
    """Create the demo data on a running site. The key defaults to `STOREGRAPH_ADMIN_KEY`."""
    from gateway.demo.run import run_demo
    from gateway.transfer.site import SiteError

    run_to_end(run_demo(url, key), SiteError)


@cli.command(
    epilog="Rows are committed in several transactions. If the command is interrupted, delete the "
    "database and run the command again."
)
def generate(
    folders: Annotated[
        int,
        typer.Option(
            help="Number of folders in total: 20 root folders with 10 subfolders each; all others below those.",
            min=1,
        ),
    ],
    items: Annotated[int, typer.Option(help="Number of items.", min=0)],
    dicom_instances: Annotated[
        int, typer.Option(help="Number of DICOM files in studies, besides the other items.", min=0)
    ] = 0,
    seed: Annotated[
        int, typer.Option(help="Seed of the random generator; equal seeds give equal data.")
    ] = 7,
) -> None:
    """Fill an empty database with plausible metadata, without files, for measurements."""
    settings = checked_settings()
    from gateway.gc_tuning import relax_gc
    from gateway.generate.fill import generate as fill
    from gateway.generate.people import ADMIN
    from gateway.wiring import open_current_services

    migration = _migrate(settings)

    async def make() -> None:
        await migration
        relax_gc()
        async with open_current_services(settings) as services:
            await fill(
                services.database,
                folders,
                items,
                seed,
                lambda count: console.print(f"{count:,} of {items + dicom_instances:,} items"),
                instance_count=dicom_instances,
            )
        console.print(
            f"No API keys exist yet. To create one, run:\nstoregraph key create --user {ADMIN}"
        )

    run_to_end(make())


def _migrate(settings: Settings) -> Coroutine[Any, Any, None]:
    """Return the migration of the database, its modules already imported."""
    from gateway.database.migrate import migrate as migrate_database
    from gateway.wiring import refuse_unrestored, resolve_database_url

    async def migrated() -> None:
        refuse_unrestored(settings)
        await asyncio.to_thread(migrate_database, resolve_database_url(settings))

    return migrated()


if __name__ == "__main__":
    cli()
