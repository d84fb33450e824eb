"""Encrypted keys, whose turn it is to sign with one, and when an order's time was over"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("added_at", models.store.columns.Instant(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("changed_at", models.store.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "key_turns",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("wanted_by", sa.String(), nullable=True),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("last_nonce", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("timed_out_at", models.store.columns.Instant(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_column("timed_out_at")
    op.drop_table("key_turns")
    op.drop_table("api_keys")
