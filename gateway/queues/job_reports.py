"""Statements that report on Procrastinate's jobs: what waits and runs, and what failed."""

from typing import Any, NamedTuple

import sqlalchemy as sa

BACKLOG = sa.text("""
    WITH queued AS (
        SELECT task_name AS task,
            count(*) FILTER (WHERE NOT running AND due) AS waiting,
            count(*) FILTER (WHERE NOT running AND NOT due) AS delayed,
            count(*) FILTER (WHERE running) AS running,
            min(id) FILTER (WHERE NOT running AND due) AS oldest
        FROM (
            SELECT id, task_name, status = 'doing' AS running,
                coalesce(scheduled_at <= now(), true) AS due
            FROM procrastinate_jobs WHERE status IN ('todo', 'doing')
        ) AS jobs GROUP BY task_name
    )
    SELECT task, waiting, delayed, running, coalesce(CAST(extract(epoch FROM now() -
        coalesce(scheduled_at, (SELECT min(at) FROM procrastinate_events WHERE job_id = oldest))
    ) AS double precision), 0) AS oldest_seconds
    FROM queued LEFT JOIN procrastinate_jobs ON id = oldest
""")
FAILED = sa.text(
    "SELECT task_name, args, attempts FROM procrastinate_jobs "
    "WHERE status = 'failed' ORDER BY id DESC LIMIT :limit"
)


class FailedJob(NamedTuple):
    """A row of `FAILED`."""

    task_name: str
    args: dict[str, Any]
    attempts: int
