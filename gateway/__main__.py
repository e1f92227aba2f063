"""The command line: `storegraph` or `python -m gateway`.

What takes long to import is imported by the command that needs it, once the settings are known to be good: help and
refusals come at once.
"""

import asyncio
import signal
from collections.abc import Coroutine
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console

from gateway.errors import DomainError
from gateway.settings import NotConfigured, Settings

if TYPE_CHECKING:
    from gateway.context import Services

cli = typer.Typer(
    help="One GraphQL endpoint over storage metadata.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
key_commands = typer.Typer(help="API keys, straight in the database.", no_args_is_help=True)
cli.add_typer(key_commands, name="key")
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)]
User = Annotated[str, typer.Option(help="The user's e-mail address.")]


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
    """One GraphQL endpoint over storage metadata."""


@cli.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make a small collection to look at, once.")
    ] = False,
) -> None:
    """Serve the GraphQL endpoint; on SQLite also bring the database up to date and work on jobs."""
    settings = _settings()
    from gateway.asgi import serve as serve_site

    if not settings.public_url:
        settings = settings.model_copy(update={"public_url": f"http://{host}:{port}"})

    async def started(services: "Services", key: str | None) -> None:
        _greet(settings, key)
        if demo:
            from gateway.catalog.api_keys import temporary_admin_key
            from gateway.demo.client import DemoFailed
            from gateway.demo.run import run_demo

            try:
                async with temporary_admin_key(services.database) as passing:
                    await run_demo(settings.public_url, passing)
            except DemoFailed as error:
                errors.print(f"The demo could not be made. {error}")

    _run(serve_site(settings, host, port, started))


@cli.command()
def work() -> None:
    """Work on jobs until told to stop; as many workers as one likes, on any machine."""
    settings = _settings()
    from gateway.tasks.worker import work as work_on_tasks
    from gateway.wiring import open_services

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with open_services(settings) as services:
            await work_on_tasks(services, stop)

    _run(until_stopped())


@cli.command()
def migrate() -> None:
    """Bring the database up to date."""
    _run(_upwards(_settings()))
    console.print("The database is up to date.")


@cli.command()
def schema() -> None:
    """Print the schema (SDL)."""
    from schema.api import api

    typer.echo(api.as_str())


@cli.command()
def explain(
    file: Annotated[Path, typer.Argument(help="A document.", exists=True, dir_okay=False)],
) -> None:
    """Print how the queries of a document are answered: statements, columns and keys as a tree."""
    settings = _settings()
    from gateway.database.dialects import database_url
    from gateway.execution.compiled.executor import explain as explained
    from gateway.execution.documents import DocumentErrors
    from gateway.wiring import resolve_database_url
    from schema.api import api

    dialect = database_url(resolve_database_url(settings)).get_backend_name()
    try:
        typer.echo(asyncio.run(explained(file.read_text(), api, settings.limits, dialect)))
    except DocumentErrors as refusal:
        errors.print(str(refusal))
        raise typer.Exit(1) from None


@cli.command()
def demo(
    key: Annotated[str, typer.Option(help="An admin's API key.", envvar="STOREGRAPH_ADMIN_KEY")],
    url: Annotated[str, typer.Option(help="A running site.")] = "http://127.0.0.1:8000",
) -> None:
    """Make the demo collection on a site that runs already."""
    from gateway.demo.client import DemoFailed
    from gateway.demo.run import run_demo

    _run(run_demo(url, key), DemoFailed)


@cli.command()
def generate(
    folders: Annotated[
        int, typer.Option(help="How many folders: 20 roots, 10 in each, the rest below.", min=1)
    ],
    items: Annotated[int, typer.Option(help="How many items.", min=0)],
    seed: Annotated[int, typer.Option(help="The same seed makes the same.")] = 7,
) -> None:
    """Fill an empty database with plausible metadata, without bytes, for measurements and trials."""
    settings = _settings()
    from gateway.generate.fill import generate as fill
    from gateway.generate.people import ADMIN
    from gateway.wiring import open_services

    upwards = _upwards(settings)

    async def make() -> None:
        await upwards
        async with open_services(settings) as services:
            await fill(services.database, folders, items, seed)
        console.print(f"There is no API key yet. Make one:\nstoregraph key create --user {ADMIN}")

    _run(make())


@key_commands.command("create")
def create_key(
    user: User, name: Annotated[str, typer.Option(help="What the key is for.")] = "command line"
) -> None:
    """Make an API key for a user; it is shown this once."""
    settings = _settings()
    from gateway.catalog.api_keys import create_key
    from gateway.wiring import open_services

    async def create() -> None:
        async with open_services(settings) as services:
            console.print(await create_key(services.database, user, name))

    _run(create())


@key_commands.command("list")
def list_keys(
    user: Annotated[
        str | None, typer.Option(help="Only this user's keys, by e-mail address.")
    ] = None,
) -> None:
    """List API keys, never their texts."""
    settings = _settings()
    from gateway.catalog.api_keys import list_keys
    from gateway.wiring import open_services

    async def show() -> None:
        typer.echo("uuid\tuser\tname\tcreated\texpires\trevoked")
        async with open_services(settings) as services:
            for row in await list_keys(services.database, user):
                moments = (row.created_at, row.expires_at, row.revoked_at)
                typer.echo("\t".join([str(row.uuid), row.email, row.name, *map(_moment, moments)]))

    _run(show())


@key_commands.command("revoke")
def drop_key(
    uuid: Annotated[UUID, typer.Argument(help="The key's uuid, as list shows it.")],
) -> None:
    """Revoke an API key; it is refused within 5 seconds."""
    settings = _settings()
    from gateway.catalog.api_keys import revoke_key
    from gateway.wiring import open_services

    async def revoke() -> None:
        async with open_services(settings) as services:
            await revoke_key(services.database, uuid)
        console.print("The key is revoked.")

    _run(revoke())


def _upwards(settings: Settings) -> Coroutine[Any, Any, None]:
    from gateway.database.migrate import migrate as migrate_database
    from gateway.wiring import resolve_database_url

    async def migrated() -> None:
        await asyncio.to_thread(migrate_database, resolve_database_url(settings))

    return migrated()


def _moment(moment: datetime | None) -> str:
    return f"{moment:%F %T}" if moment else "-"


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = "_".join(str(part) for part in fault["loc"])
            errors.print(f"STOREGRAPH_{name.upper()}: {fault['msg']}")
        raise typer.Exit(2) from None
    from gateway.logs import configure_logs

    configure_logs(settings.log_level)
    return settings


def _greet(settings: Settings, key: str | None) -> None:
    console.print(f"Storegraph answers at {settings.public_url}/graphql")
    if key and not settings.admin_key:
        console.print(f"The first admin's API key, shown this once: {key}")


def _run(command: Coroutine[Any, Any, None], *told: type[Exception]) -> None:
    """Run to the end; what the operator did wrong is told in a line, and so are errors of the kinds `told`."""
    kinds: tuple[type[Exception], ...] = (NotConfigured, DomainError, *told)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(command)
    except kinds as error:
        errors.print(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    cli()
