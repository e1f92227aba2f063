"""How Alembic sees our rows; run by `gateway.database.migrate`, which hands over the connection."""

from alembic import context
from sqlmodel import SQLModel

import gateway.models  # noqa: F401 - fills the metadata
from gateway.database.migrate import is_ours

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
    include_object=is_ours,
)
with context.begin_transaction():
    context.run_migrations()
