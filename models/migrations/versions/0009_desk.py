"""Desk: people, links, sessions, tokens, attempts to log in, audit log, trade journal"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_people",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password", sa.String(), nullable=True),
        sa.Column("created_at", models.store.columns.Instant(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("last_seen_at", models.store.columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "desk_links",
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("made_at", models.store.columns.Instant(), nullable=False),
        sa.Column("expires_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("link"),
    )
    op.create_index("ix_desk_links_person", "desk_links", ["person"])

    op.create_table(
        "desk_sessions",
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("created_at", models.store.columns.Instant(), nullable=False),
        sa.Column("last_seen_at", models.store.columns.Instant(), nullable=False),
        sa.Column("expires_at", models.store.columns.Instant(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("session"),
    )
    op.create_index("ix_desk_sessions_person", "desk_sessions", ["person"])

    op.create_table(
        "desk_tokens",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("permits", sa.String(), nullable=False),
        sa.Column("created_at", models.store.columns.Instant(), nullable=False),
        sa.Column("expires_at", models.store.columns.Instant(), nullable=True),
        sa.Column("last_used_at", models.store.columns.Instant(), nullable=True),
        sa.Column("revoked_at", models.store.columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("token"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_desk_tokens_person", "desk_tokens", ["person"])

    op.create_table(
        "desk_logins",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "desk_audit",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("at", models.store.columns.Instant(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_desk_audit_subject", "desk_audit", ["subject", "entry_id"])

    op.create_table(
        "trade_journal",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("entry_order", sa.String(), nullable=False),
        sa.Column("exit_order", sa.String(), nullable=False),
        sa.Column("entry_reason", sa.String(), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.Column("exit_reason", sa.String(), nullable=False),
        sa.Column("lessons", sa.String(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", models.store.columns.Instant(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("changed_at", models.store.columns.Instant(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("journal_of_an_entry_order", "trade_journal", ["entry_order"])
    op.create_index("journal_of_an_exit_order", "trade_journal", ["exit_order"])

    # The desk asks for these all the time, and for an account's orders and its equity over time.
    op.create_index("orders_by_change", "orders", ["updated_at"])
    op.create_index("orders_of_an_account", "orders", ["account", "created_at"])
    op.create_index("snapshots_of_an_account", "snapshots", ["account", "snapshot_id"])


def downgrade() -> None:
    op.drop_index("snapshots_of_an_account", "snapshots")
    op.drop_index("orders_of_an_account", "orders")
    op.drop_index("orders_by_change", "orders")
    for table in (
        "trade_journal",
        "desk_audit",
        "desk_logins",
        "desk_tokens",
        "desk_sessions",
        "desk_links",
        "desk_people",
    ):
        op.drop_table(table)
