"""How Alembic sees our rows; run by `gateway.database.migrate`, or by `alembic` with a `sqlalchemy.url`."""

from typing import Any

from alembic import context
from sqlmodel import SQLModel

import gateway.models  # noqa: F401 - fills the metadata


def is_ours(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Tables of the queue and of the name index are made by their own SQL, not by our rows."""
    foreign = kind in ("table", "index") and name is not None
    return not (foreign and (name.startswith("procrastinate_") or "_names" in name))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
    include_object=is_ours,
)
with context.begin_transaction():
    context.run_migrations()
