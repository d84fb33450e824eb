"""What a search over a strategy's parameters keeps: a study, and what came of each combination that it tried.

Ratios and returns are fractions and floats: what is studied is never sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class SearchMethod(StrEnum):
    """How a search chooses what to try."""

    GRID = "grid"  # every combination
    TPE = "tpe"  # Optuna's Tree-structured Parzen Estimator: what did well is looked at more closely


class StudyKind(StrEnum):
    """What a study is for."""

    OPTIMIZE = "optimize"
    WALK_FORWARD = "walk_forward"


class TrialState(StrEnum):
    """What became of a combination."""

    DONE = "done"
    PRUNED = "pruned"  # given up on a part of the history, where others did better


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one combination. `fold`: of a walk-forward, from 1 on; 0: the whole history.

    `key` names the combination among those of its study. `score`: what is sought, larger is better; None: it has none,
    as nothing was traded. `moments`: sums of its returns, by which the search is judged. `steps`: its scores on parts
    of the history, of a search that prunes.
    """

    fold: int
    key: str
    parameters: Mapping[str, float]
    state: TrialState
    score: float | None
    metrics: Mapping[str, float | None]
    moments: Mapping[str, Any] | None = None
    steps: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """One search: the same bars, strategy, space and settings are the same study, and it is gone on with.

    `document`: what it was asked for, as plain data; `report`: what came of it, once it was finished.
    """

    study_id: str
    kind: StudyKind
    strategy: str
    data: str
    started_at: datetime
    document: Mapping[str, Any]
    finished_at: datetime | None = None
    report: Mapping[str, Any] | None = None
