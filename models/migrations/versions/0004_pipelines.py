"""Exits, limits, reconciliation, heartbeats, verifications and alerts"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "position_configs",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("stop_loss", sa.String(), nullable=True),
        sa.Column("take_profit", sa.String(), nullable=True),
        sa.Column("trailing_stop", sa.String(), nullable=True),
        sa.Column("max_hold_hours", sa.String(), nullable=True),
        sa.Column("entry_price", models.store.columns.Exact(), nullable=True),
        sa.Column("set_at", models.store.columns.Instant(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account", "symbol"),
    )
    op.create_table(
        "risk_days",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("began_with", models.store.columns.Exact(), nullable=False),
        sa.Column("peak", models.store.columns.Exact(), nullable=False),
        sa.Column("equity", models.store.columns.Exact(), nullable=False),
        sa.Column("updated_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("account", "day"),
    )
    op.create_table(
        "overrides",
        sa.Column("override_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("block", sa.String(), nullable=False),
        sa.Column("set_at", models.store.columns.Instant(), nullable=False),
        sa.Column("expires_at", models.store.columns.Instant(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("override_id"),
    )
    op.create_table(
        "reconciliations",
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("at", models.store.columns.Instant(), nullable=False),
        sa.Column("mismatches", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("pipeline", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("last_seen", models.store.columns.Instant(), nullable=False),
        sa.Column("last_ok", models.store.columns.Instant(), nullable=True),
        sa.Column("every_seconds", sa.Float(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "account"),
    )
    op.create_table(
        "verifications",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("started_at", models.store.columns.Instant(), nullable=False),
        sa.Column("finished_at", models.store.columns.Instant(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "operational_alerts",
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("raised_at", models.store.columns.Instant(), nullable=False),
        sa.Column("last_at", models.store.columns.Instant(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", models.store.columns.Instant(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("closed_at", models.store.columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id"),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "day"),
    )
    op.create_index("ix_overrides_account", "overrides", ["account"])
    op.create_index(
        "one_standing_alert_per_matter",
        "operational_alerts",
        ["code", "account", "symbol"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("flow_run_id", sa.String(), nullable=True))
    op.create_index(
        "one_unfinished_run_per_flow_run",
        "runs",
        ["flow_run_id"],
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    with op.batch_alter_table("tracked_positions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("entry_source", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("entry_at", models.store.columns.Instant(), nullable=True))
        batch_op.add_column(sa.Column("source", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("peak_price", models.store.columns.Exact(), nullable=True))


def downgrade() -> None:
    op.drop_index("one_unfinished_run_per_flow_run", "runs")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_column("flow_run_id")
    with op.batch_alter_table("tracked_positions", schema=None) as batch_op:
        for column in ("peak_price", "source", "entry_at", "entry_source"):
            batch_op.drop_column(column)
    for table in (
        "counters",
        "operational_alerts",
        "verifications",
        "heartbeats",
        "reconciliations",
        "overrides",
        "risk_days",
        "position_configs",
    ):
        op.drop_table(table)
