"""Limits on what one caller may request at once."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from pydantic import ConfigDict


def _limit(default: Any, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what one caller may request at once."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",  # a misspelled limit would not take effect
        allow_inf_nan=False,
    )
    body_bytes: int = _limit(
        4 * 1024 * 1024, "Size of a request body or WebSocket message in bytes."
    )
    tokens: int = _limit(5_000, "Tokens in a document.")
    depth: int = _limit(15, "Nesting levels of fields in an operation.")
    aliases: int = _limit(30, "Aliases in an operation.")
    root_fields: int = _limit(20, "Root fields in an operation.")
    directives: int = _limit(50, "Directives in an operation.")
    validation_errors: int = _limit(10, "Validation errors reported for a document.")
    values: int = _limit(250_000, "Values in the variables of an operation, at all levels.")
    nesting: int = _limit(64, "Nesting levels in the variables of an operation.")
    cost: int = _limit(
        100_000,
        "Points of an operation, for what it returns and for what the database has to do.",
    )
    interpreted_cost: int = _limit(
        10_000, "Points of a query that a plan cannot answer, so that graphql-core has to run it."
    )
    count: int = _limit(
        10_000, "Entries of a list up to which `totalCount` is exact where no counter knows it."
    )
    cost_per_minute: int = _limit(
        300_000_000, "Points that a user may spend in a minute on one gateway, on all operations."
    )
    batch: int = _limit(10, "Operations in a batched request.")
    operations_per_socket: int = _limit(100, "Operations that run at once on a WebSocket.")
    subscription_cost: int = _limit(
        50_000,
        "Points of all subscriptions that a user runs at once on one gateway: the cost of one event, "
        "and 200 more. Repetitions of the same subscription count 10 points.",
    )
    sockets_per_viewer: int = _limit(
        50, "WebSockets and event streams that a user may have open on one gateway."
    )
    archives_per_viewer: int = _limit(
        4, "Archives that a user may download at once from one process, each connection counted."
    )
    seconds: float = _limit(
        30.0, "Run time in seconds of a query, a mutation, or one event of a subscription."
    )
    connections: int = _limit(
        10_000,
        "Open connections of one gateway; fewer if `ulimit -n` is less than two files for each.",
    )
    connections_per_address: int = _limit(
        1_000,
        "Open connections from one address, or from one /64 network of IPv6. Behind a trusted "
        "proxy, requests and WebSockets at a time for one address.",
    )
    failed_credentials: int = _limit(
        30, "Credentials from one address, or one /64 network of IPv6, that may fail in a minute."
    )
    header_bytes: int = _limit(64 * 1024, "Size of the line and the headers of a request in bytes.")
    header_seconds: float = _limit(10.0, "Time in seconds in which the headers must arrive.")
    idle_seconds: float = _limit(75.0, "Time in seconds between two requests on a connection.")
    transfer_rate: int = _limit(
        500, "Bytes per second that a client must send of a body, or read of a response, at least."
    )
    transfer_seconds: float = _limit(
        20.0, "Time in seconds over which `transfer_rate` is measured."
    )

    def __post_init__(self) -> None:
        for limit in fields(self):
            if getattr(self, limit.name) <= 0:
                raise ValueError(f"{limit.name}: Expected more than 0.")
