"""The tables of research: studies, and every combination that they tried."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from models.store.columns import Instant


class StudyRow(SQLModel, table=True):
    """One search over a strategy's parameters; its id is a hash of all that decides what comes of it."""

    __tablename__ = "research_studies"
    __table_args__ = (Index("ix_research_studies_started_at", "started_at"),)

    study_id: str = Field(primary_key=True)
    kind: str  # optimize | walk_forward
    strategy: str
    data: str
    started_at: datetime = Field(sa_type=Instant, nullable=False)
    finished_at: datetime | None = Field(sa_type=Instant, nullable=True)
    document: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    report: dict[str, Any] | None = Field(sa_type=JSON, nullable=True)


class CombinationRow(SQLModel, table=True):
    """What came of one combination of parameters. `fold`: of a walk-forward, from 1 on; 0: the whole history."""

    __tablename__ = "research_combinations"

    study_id: str = Field(primary_key=True)
    fold: int = Field(primary_key=True)
    combination: str = Field(primary_key=True)
    state: str  # done | pruned
    score: float | None
    parameters: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    metrics: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    moments: dict[str, Any] | None = Field(sa_type=JSON, nullable=True)
    steps: list[float | None] = Field(sa_type=JSON, nullable=False)


STUDIES = SQLModel.metadata.tables["research_studies"]
COMBINATIONS = SQLModel.metadata.tables["research_combinations"]
