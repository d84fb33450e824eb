"""Run Alembic on the connection it was handed; Nija never lets it open one of its own."""

from alembic import context
from sqlmodel import SQLModel

import models.store.tables  # noqa: F401 - fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
context.run_migrations()
