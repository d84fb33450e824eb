"""Studies: kept as they go, and what was kept is not kept again."""

from dataclasses import replace
from datetime import timedelta

from models.search import Study, StudyKind, Trial, TrialState
from models.store.engine import Store
from models.store.studies import begin_study, delete_study, finish_study, keep_trials, studies, study_of, trials_of
from tests.builders import NOW

STUDY = Study("ab12", StudyKind.OPTIMIZE, "sma-cross", "BTC/USDT 1h", NOW, {"space": [1, 2.5]})


def a_trial(number: int, fold: int = 0) -> Trial:
    key = f"fast={number}"
    moments = {"count": [3], "total": [0.1 + 0.2]}
    return Trial(
        fold, key, {"fast": number}, TrialState.DONE, 1 / 3 + number, {"return": 0.1, "sortino": None}, moments
    )


async def test_a_study_is_begun_once_and_gone_on_with(store: Store, other: Store) -> None:
    first = await begin_study(store, STUDY)
    await keep_trials(store, "ab12", [a_trial(n) for n in range(1200)])

    again = await begin_study(other, replace(STUDY, started_at=NOW + timedelta(days=1)))
    await keep_trials(other, "ab12", [replace(a_trial(7), score=99.0), a_trial(7, fold=2)])

    assert first == again == STUDY
    kept = await trials_of(store, "ab12")
    assert len(kept) == 1201
    assert a_trial(7) in kept, "what is kept stays as it is, to the last digit"
    pruned = Trial(0, "fast=9999", {"fast": 9999}, TrialState.PRUNED, None, {}, None, (0.5, -1.0))
    await keep_trials(store, "ab12", [pruned])
    assert pruned in await trials_of(store, "ab12")


async def test_a_study_is_found_by_the_beginning_of_its_id_and_deleted_with_all_of_it(store: Store) -> None:
    await begin_study(store, STUDY)
    await begin_study(store, replace(STUDY, study_id="ab99", started_at=NOW + timedelta(hours=1)))
    await keep_trials(store, "ab12", [a_trial(1), a_trial(2)])
    await finish_study(store, "ab12", {"verdict": "overfit"}, now=NOW)

    found = await study_of(store, "ab1")

    assert found is not None
    assert (found.finished_at, found.report) == (NOW, {"verdict": "overfit"})
    assert await study_of(store, "ab") is None
    assert await study_of(store, "a%") is None
    assert [(study.study_id, kept) for study, kept in await studies(store, limit=9)] == [("ab99", 0), ("ab12", 2)]
    assert await delete_study(store, "ab12")
    assert not await delete_study(store, "ab12")
    assert await trials_of(store, "ab12") == ()
