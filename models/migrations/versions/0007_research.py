"""Research: studies and the combinations they tried"""

import sqlalchemy as sa
from alembic import op

import models.store.columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "research_studies",
        sa.Column("study_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("started_at", models.store.columns.Instant(), nullable=False),
        sa.Column("finished_at", models.store.columns.Instant(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("study_id"),
    )
    op.create_index("ix_research_studies_started_at", "research_studies", ["started_at"])
    op.create_table(
        "research_combinations",
        sa.Column("study_id", sa.String(), nullable=False),
        sa.Column("fold", sa.Integer(), nullable=False),
        sa.Column("combination", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("moments", sa.JSON(), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "fold", "combination"),
    )


def downgrade() -> None:
    for table in ("research_combinations", "research_studies"):
        op.drop_table(table)
