"""Commands that manage API keys.

Like all commands, they import what is slow once the settings have been checked.
"""

from typing import Annotated
from uuid import UUID

import typer

from gateway.kinds.enums import ApiKeyScope
from gateway.terminal import checked_settings, console, run_to_end

key_commands = typer.Typer(help="Manage API keys, directly in the database.", no_args_is_help=True)
User = Annotated[str, typer.Option(help="Email address of the user.")]


@key_commands.command("create")
def create_key(
    user: User,
    name: Annotated[str, typer.Option(help="Purpose of the key.")] = "command line",
    scope: Annotated[
        list[ApiKeyScope] | None,
        typer.Option(help="A part of the API that the key is good for. May be repeated."),
    ] = None,
    folder: Annotated[
        UUID | None, typer.Option(help="UUID of a folder outside which the key shows nothing.")
    ] = None,
) -> None:
    """Create an API key for a user, and print it once. Without --scope, it opens all of the API."""
    settings = checked_settings()
    from gateway.auth.key_expiry import expiry_of_new_key
    from gateway.auth.scopes import scopes_of_new_key
    from gateway.catalog.api_keys import create_key
    from gateway.wiring import open_current_services

    async def create() -> None:
        async with open_current_services(settings) as services:
            expires_at = expiry_of_new_key(None, settings, None)
            scopes = scopes_of_new_key(scope or None, None)
            token = await create_key(services.database, user, name, expires_at, scopes, folder)
            console.print(token)

    run_to_end(create())


@key_commands.command("list")
def list_keys(
    user: Annotated[
        str | None, typer.Option(help="List only keys of the user with this email address.")
    ] = None,
) -> None:
    """List API keys, without their tokens."""
    settings = checked_settings()
    from gateway.catalog.api_keys import list_keys
    from gateway.wiring import open_current_services

    async def show() -> None:
        typer.echo("uuid\tuser\tname\tcreated\texpires\trevoked")
        async with open_current_services(settings) as services:
            for row in await list_keys(services.database, user):
                moments = (row.created_at, row.expires_at, row.revoked_at)
                times = [f"{moment:%F %T}" if moment else "-" for moment in moments]
                typer.echo("\t".join([str(row.uuid), row.email, row.name, *times]))

    run_to_end(show())


@key_commands.command("revoke")
def revoke_key_by_uuid(
    uuid: Annotated[
        UUID, typer.Argument(help="UUID of the key, as shown by `storegraph key list`.")
    ],
) -> None:
    """Revoke an API key. It is rejected within 5 seconds."""
    settings = checked_settings()
    from gateway.catalog.api_keys import revoke_key
    from gateway.wiring import open_current_services

    async def revoke() -> None:
        async with open_current_services(settings) as services:
            await revoke_key(services.database, uuid)
        console.print("The key has been revoked.")

    run_to_end(revoke())
