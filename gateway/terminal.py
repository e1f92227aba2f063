"""A terminal's commands: their settings and output, and how they run and fail."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any
from unicodedata import category

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console

from gateway.errors import DomainError
from gateway.full_disks import is_disk_full
from gateway.private_files import OTHERS
from gateway.setting_errors import setting_errors
from gateway.settings import NotConfigured, Settings

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def checked_settings() -> Settings:
    """Return the settings, and set up logging. Exit with a list of errors if they are invalid.

    From here on, all files are created without rights for other users.
    """
    os.umask(OTHERS)
    try:
        settings = Settings()
    except ValidationError as error:
        for line in setting_errors(error):
            errors.print(line)
        raise typer.Exit(2) from None
    from gateway.logs import configure_logs

    configure_logs(settings.log_level, settings.log_format)
    return settings


def printable(text: str) -> str:
    """Return a text with what would break a line or reorder letters as escapes, such as `\\n`."""
    return "".join(
        letter
        if letter.isprintable() or category(letter) == "Zs"
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def run_to_end(command: Coroutine[Any, Any, None], *expected: type[Exception]) -> None:
    """Run a command to its end.

    Errors of the operator, those of the `expected` types, and a full disk are printed without a
    traceback.
    """
    kinds: tuple[type[Exception], ...] = (NotConfigured, DomainError, *expected)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(command)
    except kinds as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception as error:
        if not is_disk_full(error):
            raise
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        message = f"The disk is full ({reason}). Make room, then run the command again."
        errors.print(message, markup=False)
        raise typer.Exit(1) from None
