"""All counters and histograms of the process, each with its name, meaning and labels."""

from gateway.telemetry.meters import (
    MINUTES,
    AgeMeter,
    BoundedNames,
    CountMeter,
    GaugeMeter,
    Meter,
    TimeMeter,
    UnderwayMeter,
)

OPERATIONS = CountMeter(
    "storegraph_operations",
    "Operations that have ended. `status` is ok, errors, refused or cancelled; `executor` is "
    "compiled, interpreted, cached or none.",
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
KEPT_ANSWERS = CountMeter(
    "storegraph_response_cache",
    "Queries for which the response cache was asked. `outcome` is hit, miss, or uncacheable for "
    "answers that failed or depend on more than the database.",
    ("outcome",),
)
STATEMENTS = CountMeter(
    "storegraph_statements",
    "SQL statements. `pool` is readers or engine.",
    ("pool",),
)
POOL_WAITS = TimeMeter(
    "storegraph_pool_wait_seconds",
    "Time that statements and transactions waited for their turn. `pool` is readers, slow_readers, "
    "writer, or writing for the turns at which long answers are written.",
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
    "storegraph_credentials_refused",
    "Credentials that were refused, and requests that had none.",
    ("reason",),
)
SOCKETS = GaugeMeter("storegraph_sockets", "Open WebSockets and event streams.", ("transport",))
SOCKETS_CLOSED = CountMeter(
    "storegraph_sockets_closed", "WebSockets that the server closed, by code.", ("code",)
)
SUBSCRIPTIONS = GaugeMeter("storegraph_subscriptions", "Running subscriptions.")
FRAMES = CountMeter(
    "storegraph_frames", "Frames that were sent on WebSockets and event streams.", ("transport",)
)
EVENTS_DROPPED = CountMeter(
    "storegraph_events_dropped", "Events that slow followers of a stream missed."
)
JOBS_CREATED = CountMeter("storegraph_jobs_created", "Jobs that were created.", ("kind",))
JOBS_ENDED = CountMeter(
    "storegraph_jobs_ended", "Jobs that have ended, by outcome.", ("kind", "outcome")
)
UNITS_ENDED = CountMeter(
    "storegraph_units_ended", "Units of jobs that have ended.", ("kind", "state")
)
TASK_ATTEMPTS = CountMeter(
    "storegraph_task_attempts",
    "Attempts at tasks. `outcome` is finished, retried, failed, abandoned, released, or waited for "
    "those that met a fault of the site.",
    ("task", "outcome"),
)
TASK_SECONDS = TimeMeter(
    "storegraph_task_seconds", "Time of an attempt at a task.", ("task",), MINUTES
)
TASKS_RUNNING = UnderwayMeter(
    "storegraph_tasks_running", "Attempts at tasks that this process runs.", ("task",)
)
OLDEST_ATTEMPT = AgeMeter(
    "storegraph_oldest_attempt_seconds",
    "Time for which the oldest of these attempts has run.",
    TASKS_RUNNING,
)
WORKER_SLOTS = GaugeMeter(
    "storegraph_worker_slots",
    "Tasks that this process runs at a time. `pool` is encoding, thumbnails, or tasks for all "
    "others.",
    ("pool",),
)
CALLS_UNDERWAY = UnderwayMeter(
    "storegraph_service_calls_underway", "Calls to other services that are under way.", ("service",)
)
OLDEST_CALL = AgeMeter(
    "storegraph_oldest_service_call_seconds",
    "Time for which the oldest of these calls has been under way.",
    CALLS_UNDERWAY,
)
CALL_SECONDS = TimeMeter(
    "storegraph_service_call_seconds",
    "Time of calls to other services. `service` is store, fetch or a kind of cloud.",
    ("service", "call"),
)
CALL_FAILURES = CountMeter(
    "storegraph_service_call_failures",
    "Calls to other services that failed, by the code or class of the error.",
    ("service", "call", "error"),
)
CLOCK_DIFFERENCE = GaugeMeter(
    "storegraph_clock_difference_seconds",
    "Seconds by which the clock of this machine is ahead of another, or behind it if negative. "
    "`reference` is database, store, or start for what it would be without steps since the "
    "process started.",
    ("reference",),
)
DISK_FREE = GaugeMeter(
    "storegraph_disk_free_bytes",
    "Bytes that are free on local disks. `disk` is database, store or temporary, the first of them "
    "if several are on one disk.",
    ("disk",),
)
SERVICES_AWAY = GaugeMeter(
    "storegraph_services_away",
    "Services that are away, to this process. `service` is store or integration.",
    ("service",),
)
LOG_LINES_DROPPED = CountMeter(
    "storegraph_log_lines_dropped", "Lines that were lost because nobody read the log."
)

METERS = [value for value in globals().values() if isinstance(value, Meter)]
