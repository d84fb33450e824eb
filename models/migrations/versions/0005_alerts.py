"""Alerts that people make, channels, and the outbox"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_alerts",
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("threshold", models.store.columns.Exact(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("hysteresis_fraction", models.store.columns.Exact(), nullable=False),
        sa.Column("max_age_seconds", sa.Float(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("is_met", sa.Boolean(), nullable=False),
        sa.Column("trigger_count", sa.Integer(), nullable=False),
        sa.Column("last_triggered_at", models.store.columns.Instant(), nullable=True),
        sa.Column("last_value", models.store.columns.Exact(), nullable=True),
        sa.Column("last_value_at", models.store.columns.Instant(), nullable=True),
        sa.Column("last_checked_at", models.store.columns.Instant(), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("created_at", models.store.columns.Instant(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alert_firings",
        sa.Column("firing_id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("value", models.store.columns.Exact(), nullable=False),
        sa.Column("fired_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("firing_id"),
        sa.UniqueConstraint("alert_id", "number", name="one_firing_per_number"),
    )
    op.create_table(
        "strategy_signals",
        sa.Column("signal_id", sa.Integer(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("value", models.store.columns.Exact(), nullable=False),
        sa.Column("at", models.store.columns.Instant(), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("signal_id"),
    )
    op.create_index("ix_strategy_signals_subject", "strategy_signals", ["strategy", "symbol", "metric", "at"])
    op.create_table(
        "alert_channels",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("kinds", sa.String(), nullable=False),
        sa.Column("quiet_from", sa.String(), nullable=True),
        sa.Column("quiet_until", sa.String(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=True),
        sa.Column("tells_over", sa.Boolean(), nullable=False),
        sa.Column("added_at", models.store.columns.Instant(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", models.store.columns.Instant(), nullable=True),
        sa.Column("last_sent_at", models.store.columns.Instant(), nullable=True),
        sa.Column("last_reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alert_deliveries",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("severity_rank", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("happened_at", models.store.columns.Instant(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", models.store.columns.Instant(), nullable=True),
        sa.Column("last_tried_at", models.store.columns.Instant(), nullable=True),
        sa.Column("next_at", models.store.columns.Instant(), nullable=False),
        sa.Column("held_until", models.store.columns.Instant(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("claim_expires_at", sa.Float(), nullable=True),
        sa.Column("sent_at", models.store.columns.Instant(), nullable=True),
        sa.Column("told_over", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
        sa.UniqueConstraint("event", "channel_id", name="one_delivery_per_event_and_channel"),
    )
    op.create_index("ix_alert_deliveries_due", "alert_deliveries", ["channel_id", "state", "next_at"])
    op.create_index("ix_alert_deliveries_matter", "alert_deliveries", ["channel_id", "source", "alert_id"])


def downgrade() -> None:
    for table in ("alert_deliveries", "alert_channels", "strategy_signals", "alert_firings", "user_alerts"):
        op.drop_table(table)
