"""The first schema"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_runs",
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("finished_at", models.store.columns.Instant(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "account"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decisions_account"), ["account"], unique=False)

    op.create_table(
        "dust_marks",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("mark_id", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("value", models.store.columns.Exact(), nullable=False),
        sa.Column("marked_at", models.store.columns.Instant(), nullable=False),
        sa.Column("retry_at", models.store.columns.Instant(), nullable=True),
        sa.Column("removed_at", models.store.columns.Instant(), nullable=True),
        sa.Column("removed_by", sa.String(), nullable=True),
        sa.Column("removed_reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("mark_id"),
    )
    with op.batch_alter_table("dust_marks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dust_marks_account"), ["account"], unique=False)
        batch_op.create_index(
            "one_standing_mark_per_symbol",
            ["account", "symbol"],
            unique=True,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )

    op.create_table(
        "entry_reservations",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("notional", models.store.columns.Exact(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("account", "symbol"),
    )
    op.create_table(
        "fills",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("fill_id", sa.Integer(), nullable=False),
        sa.Column("client_order_id", sa.String(), nullable=False),
        sa.Column("trade_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("quantity", models.store.columns.Exact(), nullable=False),
        sa.Column("price", models.store.columns.Exact(), nullable=False),
        sa.Column("fee", models.store.columns.Exact(), nullable=True),
        sa.Column("fee_asset", sa.String(), nullable=True),
        sa.Column("filled_at", models.store.columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("fill_id"),
        sa.UniqueConstraint("account", "symbol", "trade_id", name="one_row_per_trade"),
    )
    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fills_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_fills_client_order_id"), ["client_order_id"], unique=False)

    op.create_table(
        "halts",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("halt_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("clears_when", sa.String(), nullable=False),
        sa.Column("halted_at", models.store.columns.Instant(), nullable=False),
        sa.Column("cleared_at", models.store.columns.Instant(), nullable=True),
        sa.Column("cleared_by", sa.String(), nullable=True),
        sa.Column("clear_reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("halt_id"),
    )
    with op.batch_alter_table("halts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_halts_account"), ["account"], unique=False)
        batch_op.create_index(
            "one_standing_halt_per_cause",
            ["account", "cause"],
            unique=True,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )

    op.create_table(
        "leases",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "orders",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("client_order_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("quantity", models.store.columns.Exact(), nullable=False),
        sa.Column("expected_price", models.store.columns.Exact(), nullable=False),
        sa.Column("holding_before", models.store.columns.Exact(), nullable=False),
        sa.Column("lease_token", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("venue_order_id", sa.String(), nullable=True),
        sa.Column("filled", models.store.columns.Exact(), nullable=False),
        sa.Column("average_price", models.store.columns.Exact(), nullable=True),
        sa.Column("fee_quote", models.store.columns.Exact(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("created_at", models.store.columns.Instant(), nullable=False),
        sa.Column("sent_at", models.store.columns.Instant(), nullable=True),
        sa.Column("updated_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("client_order_id"),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_orders_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_state"), ["state"], unique=False)
        batch_op.create_index(
            "one_undecided_order_per_symbol",
            ["account", "symbol"],
            unique=True,
            sqlite_where=sa.text("state NOT IN ('canceled', 'filled', 'partially_filled', 'rejected')"),
            postgresql_where=sa.text("state NOT IN ('canceled', 'filled', 'partially_filled', 'rejected')"),
        )

    op.create_table(
        "plans",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("made_at", models.store.columns.Instant(), nullable=False),
        sa.Column("expires_at", models.store.columns.Instant(), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("skips", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id"),
    )
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plans_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_plans_run_id"), ["run_id"], unique=False)

    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("pipeline", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("fleet", sa.String(), nullable=False),
        sa.Column("started_at", models.store.columns.Instant(), nullable=False),
        sa.Column("finished_at", models.store.columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "snapshots",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("taken_at", models.store.columns.Instant(), nullable=False),
        sa.Column("cash_total", models.store.columns.Exact(), nullable=False),
        sa.Column("equity", models.store.columns.Exact(), nullable=False),
        sa.Column("positions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id"),
    )
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_snapshots_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_snapshots_run_id"), ["run_id"], unique=False)

    op.create_table(
        "tracked_positions",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("quantity", models.store.columns.Exact(), nullable=False),
        sa.Column("value", models.store.columns.Exact(), nullable=True),
        sa.Column("entry_price", models.store.columns.Exact(), nullable=True),
        sa.Column("first_seen_at", models.store.columns.Instant(), nullable=False),
        sa.Column("last_seen_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("account", "symbol"),
    )


def downgrade() -> None:
    op.drop_table("tracked_positions")
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_snapshots_run_id"))
        batch_op.drop_index(batch_op.f("ix_snapshots_account"))

    op.drop_table("snapshots")
    op.drop_table("runs")
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plans_run_id"))
        batch_op.drop_index(batch_op.f("ix_plans_account"))

    op.drop_table("plans")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(
            "one_undecided_order_per_symbol",
            sqlite_where=sa.text("state NOT IN ('canceled', 'filled', 'partially_filled', 'rejected')"),
            postgresql_where=sa.text("state NOT IN ('canceled', 'filled', 'partially_filled', 'rejected')"),
        )
        batch_op.drop_index(batch_op.f("ix_orders_state"))
        batch_op.drop_index(batch_op.f("ix_orders_run_id"))
        batch_op.drop_index(batch_op.f("ix_orders_account"))

    op.drop_table("orders")
    op.drop_table("leases")
    with op.batch_alter_table("halts", schema=None) as batch_op:
        batch_op.drop_index(
            "one_standing_halt_per_cause",
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_halts_account"))

    op.drop_table("halts")
    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fills_client_order_id"))
        batch_op.drop_index(batch_op.f("ix_fills_account"))

    op.drop_table("fills")
    op.drop_table("entry_reservations")
    with op.batch_alter_table("dust_marks", schema=None) as batch_op:
        batch_op.drop_index(
            "one_standing_mark_per_symbol",
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_dust_marks_account"))

    op.drop_table("dust_marks")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decisions_account"))

    op.drop_table("decisions")
    op.drop_table("account_runs")
