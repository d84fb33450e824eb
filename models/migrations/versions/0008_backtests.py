"""Backtests that are kept"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backtests",
        sa.Column("backtest_id", sa.Integer(), nullable=False),
        sa.Column("tested", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("measured_at", models.store.columns.Instant(), nullable=False),
        sa.Column("since", models.store.columns.Instant(), nullable=False),
        sa.Column("until", models.store.columns.Instant(), nullable=False),
        sa.Column("bars", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("trades", sa.Integer(), nullable=False),
        sa.Column("equity", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("backtest_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("backtests_of_what_was_tested", "backtests", ["tested", "measured_at"])
    op.create_index("ix_backtests_measured_at", "backtests", ["measured_at"])


def downgrade() -> None:
    op.drop_table("backtests")
