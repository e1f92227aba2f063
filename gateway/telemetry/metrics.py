"""All counters and histograms of the process, each with its name, meaning and labels."""

from gateway.telemetry.meters import BoundedNames, CountMeter, TimeMeter

OPERATIONS = CountMeter(
    "storegraph_operations",
    "Operations that have ended. `status` is ok, errors, refused or cancelled; `executor` is "
    "compiled, interpreted or none.",
    ("type", "name", "status", "executor"),
)
OPERATION_SECONDS = TimeMeter(
    "storegraph_operation_seconds",
    "Time from receiving a query or mutation to its answer.",
    ("type", "name"),
)
OPERATION_NAMES = BoundedNames(100)
ERRORS = CountMeter(
    "storegraph_errors", "Errors in answers, those in `userErrors` included.", ("code",)
)
NOT_COMPILED = CountMeter(
    "storegraph_not_compiled", "Operations left to graphql-core.", ("reason",)
)
STATEMENTS = CountMeter(
    "storegraph_statements",
    "SQL statements. `pool` is readers or engine.",
    ("pool",),
)
POOL_WAITS = TimeMeter(
    "storegraph_pool_wait_seconds",
    "Time that statements and transactions waited for a connection or for the writer's lock.",
    ("pool",),
)
LOOP_DELAY = TimeMeter(
    "storegraph_event_loop_delay_seconds",
    "How late the event loop ran a callback that was due, measured twice a second.",
)
LIMITS_HIT = CountMeter(
    "storegraph_limits_hit", "Requests that were refused by a limit.", ("limit",)
)
CREDENTIALS_REFUSED = CountMeter(
    "storegraph_credentials_refused", "Credentials that were refused.", ("reason",)
)
LOG_LINES_DROPPED = CountMeter(
    "storegraph_log_lines_dropped", "Lines that were lost because nobody read the log."
)

METERS = [value for value in globals().values() if isinstance(value, CountMeter | TimeMeter)]
