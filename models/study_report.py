"""Studies as they are kept, for whoever lists them: typed, as JSON."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class StudyReport(BaseModel):
    """One study; `kept`: evaluations. `outcome` None: it was not finished."""

    model_config = ConfigDict(frozen=True)

    study_id: str
    kind: str
    strategy: str
    data: str
    started_at: datetime
    finished_at: datetime | None
    kept: int
    outcome: str | None
    asked: dict[str, Any]


class StudiesReport(BaseModel):
    """The newest studies, the newest first."""

    model_config = ConfigDict(frozen=True)

    studies: list[StudyReport]


class CombinationReport(BaseModel):
    """What came of one combination; `fold` 0: on the whole history."""

    model_config = ConfigDict(frozen=True)

    fold: int
    state: str
    score: float | None
    parameters: dict[str, int | float]
    metrics: dict[str, int | float | None]


class CombinationsReport(BaseModel):
    """A study with all of its combinations, the best first."""

    model_config = ConfigDict(frozen=True)

    study: StudyReport
    combinations: list[CombinationReport]
