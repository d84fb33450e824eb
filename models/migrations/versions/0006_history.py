"""History: candles, quarantine, absences, audits"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crypto_price_history",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("close", sa.Float(), nullable=False),
        sa.Column("volume", sa.Float(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series_id", "time"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history_absences",
        sa.Column("absence_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("noted_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("absence_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("absences_of_a_series", "history_absences", ["series_id", "start"])

    op.create_table(
        "history_audits",
        sa.Column("audit_id", sa.Integer(), nullable=False),
        sa.Column("started_at", models.store.columns.Instant(), nullable=False),
        sa.Column("finished_at", models.store.columns.Instant(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("expectations", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "history_batches",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("provenance", sa.String(), nullable=False),
        sa.Column("asked_from", sa.BigInteger(), nullable=False),
        sa.Column("asked_to", sa.BigInteger(), nullable=False),
        sa.Column("fetched_at", models.store.columns.Instant(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("batches_of_a_series", "history_batches", ["series_id", "fetched_at"])

    op.create_table(
        "history_quarantine",
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=True),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("rejected_at", models.store.columns.Instant(), nullable=False),
        sa.Column("decided_at", models.store.columns.Instant(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("quarantine_of_a_series", "history_quarantine", ["series_id", "time"])

    op.create_table(
        "polymarket_history",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series_id", "time"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "polymarket_markets",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("condition_id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("resolved_price", sa.Float(), nullable=True),
        sa.Column("ends_at", models.store.columns.Instant(), nullable=True),
        sa.Column("seen_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token_id"),
    )
    op.create_table(
        "price_series",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("step_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series_id"),
        sa.UniqueConstraint("source", "symbol", "timeframe", name="one_series"),
    )


def downgrade() -> None:
    for table in (
        "history_audits",
        "history_absences",
        "history_quarantine",
        "polymarket_history",
        "polymarket_markets",
        "crypto_price_history",
        "history_batches",
        "price_series",
    ):
        op.drop_table(table)
