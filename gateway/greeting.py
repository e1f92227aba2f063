"""The greeting of `serve` once the site answers: its address, and the key of the first admin."""

import structlog
from rich.console import Console

from gateway.logs import is_plain_text
from gateway.settings import Settings

log = structlog.get_logger()


def greet(settings: Settings, key: str | None, console: Console) -> None:
    """Say where the site is, on the console or as an event if the log is JSON.

    A key that was generated is printed, whatever the format: it must not be in the log.
    """
    address = f"{settings.public_url}/graphql"
    if is_plain_text(settings.log_format):
        console.print(f"Storegraph is available at {address}")
    else:
        log.info("site_available", address=address)
    if key and not settings.admin_key:
        console.print(f"API key of the first admin, printed only once: {key}")
