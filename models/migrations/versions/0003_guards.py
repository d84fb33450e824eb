"""Circuit breakers, allowances, frozen symbols, and balances with their age"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "breakers",
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("successes", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("recovery_seconds", sa.Float(), nullable=False),
        sa.Column("state_since", sa.Float(), nullable=False),
        sa.Column("healthy_since", sa.Float(), nullable=True),
        sa.Column("probe_by", sa.String(), nullable=True),
        sa.Column("probe_expires_at", sa.Float(), nullable=True),
        sa.Column("total_calls", sa.Integer(), nullable=False),
        sa.Column("total_failures", sa.Integer(), nullable=False),
        sa.Column("last_success", sa.Float(), nullable=True),
        sa.Column("last_failure", sa.Float(), nullable=True),
        sa.Column("last_error_code", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "address", "account", "direction"),
    )
    op.create_table(
        "throttles",
        sa.Column("budget", sa.String(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("grants", sa.JSON(), nullable=False),
        sa.Column("closed_until", sa.Float(), nullable=False),
        sa.Column("closed_for", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("budget"),
    )
    op.create_table(
        "freezes",
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", models.store.columns.Instant(), nullable=False),
        sa.Column("thaws_at", models.store.columns.Instant(), nullable=True),
        sa.Column("updated_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("account", "symbol"),
    )
    op.create_table(
        "balances",
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("cash_free", models.store.columns.Exact(), nullable=True),
        sa.Column("cash_total", models.store.columns.Exact(), nullable=True),
        sa.Column("equity", models.store.columns.Exact(), nullable=True),
        sa.Column("read_at", models.store.columns.Instant(), nullable=True),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("last_error_code", sa.String(), nullable=True),
        sa.Column("last_error_at", models.store.columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("account"),
    )
    # A person may mark what no read has valued yet.
    with op.batch_alter_table("dust_marks") as table:
        table.alter_column("value", existing_type=models.store.columns.Exact(), nullable=True)


def downgrade() -> None:
    op.execute("UPDATE dust_marks SET value = '0' WHERE value IS NULL")
    with op.batch_alter_table("dust_marks") as table:
        table.alter_column("value", existing_type=models.store.columns.Exact(), nullable=False)
    for table in ("balances", "freezes", "throttles", "breakers"):
        op.drop_table(table)
