"""Studies and what came of their combinations, kept as they come: a search that was killed is gone on with."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models.search import Study, StudyKind, Trial, TrialState
from models.store.engine import Store
from models.store.research_tables import COMBINATIONS, STUDIES

_CHUNK = 500  # rows of one statement: both databases bound how many values it may have


async def begin_study(store: Store, study: Study) -> Study:
    """Keep a study and return it; one of its id that is there already is returned as it is kept. Raises: StoreError."""
    row = {
        "study_id": study.study_id,
        "kind": study.kind.value,
        "strategy": study.strategy,
        "data": study.data,
        "started_at": study.started_at,
        "document": dict(study.document),
    }

    def work(connection: Connection) -> Study:
        add = (sqlite.insert if store.is_sqlite else postgresql.insert)(STUDIES).values(row)
        connection.execute(add.on_conflict_do_nothing())
        return _study(connection.execute(select(STUDIES).where(STUDIES.c.study_id == study.study_id)).one())

    return await store.write(work)


async def finish_study(store: Store, study_id: str, report: dict[str, Any], *, now: datetime) -> None:
    """Keep what came of a study; a later end replaces an earlier one. Raises: StoreError."""
    ended = update(STUDIES).where(STUDIES.c.study_id == study_id).values(finished_at=now, report=report)
    await store.execute(ended)


async def keep_trials(store: Store, study_id: str, trials: Iterable[Trial]) -> None:
    """Keep what came of combinations; one that is kept already stays as it is. Raises: StoreError."""
    rows = [_row(study_id, trial) for trial in trials]
    kind = sqlite.insert if store.is_sqlite else postgresql.insert

    def work(connection: Connection) -> None:
        for start in range(0, len(rows), _CHUNK):
            connection.execute(kind(COMBINATIONS).on_conflict_do_nothing(), rows[start : start + _CHUNK])

    if rows:
        await store.write(work)


async def trials_of(store: Store, study_id: str) -> tuple[Trial, ...]:
    """Return what is kept of a study's combinations, by fold and name. Raises: StoreError."""
    query = select(COMBINATIONS).where(COMBINATIONS.c.study_id == study_id)
    rows = await store.rows(query.order_by(COMBINATIONS.c.fold, COMBINATIONS.c.combination))
    return tuple(_trial(row) for row in rows)


async def study_of(store: Store, study_id: str) -> Study | None:
    """Return the one study whose id begins so; None: there is none, or more than one. Raises: StoreError."""
    begins = STUDIES.c.study_id.startswith(study_id, autoescape=True)
    rows = await store.rows(select(STUDIES).where(begins).limit(2))
    return _study(rows[0]) if len(rows) == 1 else None


async def studies(store: Store, *, limit: int) -> Sequence[tuple[Study, int]]:
    """Return the studies, the newest first, each with how many combinations are kept of it. Raises: StoreError."""
    kept = (
        select(func.count())
        .select_from(COMBINATIONS)
        .where(COMBINATIONS.c.study_id == STUDIES.c.study_id)
        .scalar_subquery()
    )
    query = select(STUDIES, kept.label("kept")).order_by(STUDIES.c.started_at.desc(), STUDIES.c.study_id).limit(limit)
    return [(_study(row), int(row.kept)) for row in await store.rows(query)]


async def delete_study(store: Store, study_id: str) -> bool:
    """Delete a study with its combinations; return whether there was one. Raises: StoreError."""

    def work(connection: Connection) -> bool:
        connection.execute(delete(COMBINATIONS).where(COMBINATIONS.c.study_id == study_id))
        return connection.execute(delete(STUDIES).where(STUDIES.c.study_id == study_id)).rowcount > 0

    return await store.write(work)


def _row(study_id: str, trial: Trial) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "fold": trial.fold,
        "combination": trial.key,
        "state": trial.state.value,
        "score": trial.score,
        "parameters": dict(trial.parameters),
        "metrics": dict(trial.metrics),
        "moments": None if trial.moments is None else dict(trial.moments),
        "steps": list(trial.steps),
    }


def _trial(row: Row[Any]) -> Trial:
    return Trial(
        fold=row.fold,
        key=row.combination,
        parameters=row.parameters,
        state=TrialState(row.state),
        score=row.score,
        metrics=row.metrics,
        moments=row.moments,
        steps=tuple(row.steps),
    )


def _study(row: Row[Any]) -> Study:
    return Study(
        study_id=row.study_id,
        kind=StudyKind(row.kind),
        strategy=row.strategy,
        data=row.data,
        started_at=row.started_at,
        document=row.document,
        finished_at=row.finished_at,
        report=row.report,
    )
