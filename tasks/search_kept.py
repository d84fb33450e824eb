"""What a search keeps as it goes: each combination's outcome, once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from models.search import Trial
from models.store.engine import Store
from models.store.studies import keep_trials, trials_of


class SearchProgress(Protocol):
    """Is told how far a search is."""

    def begins(self, strategy: str, total: int, kept: int) -> None:
        """Begin a strategy: so many evaluations, of which so many are kept from an earlier run."""

    def advances(self, evaluations: int) -> None:
        """Go on by some evaluations."""


class Silent:
    """Tells nobody."""

    def begins(self, strategy: str, total: int, kept: int) -> None:
        """Do nothing."""

    def advances(self, evaluations: int) -> None:
        """Do nothing."""


class Kept:
    """The combinations of one study: those that are kept already, and those that come."""

    def __init__(self, store: Store, study_id: str, trials: Iterable[Trial], progress: SearchProgress) -> None:
        self._store, self._study_id, self._progress = store, study_id, progress
        self._there = {(trial.fold, trial.key): trial for trial in trials}
        self._touched: set[tuple[int, str]] = set()
        self.before = 0

    @classmethod
    async def of(cls, store: Store, study_id: str, progress: SearchProgress) -> "Kept":
        """Read what is kept of a study. Raises: StoreError."""
        return cls(store, study_id, await trials_of(store, study_id), progress)

    def begins(self, strategy: str, total: int, kept: int) -> None:
        """Say how much there is to do, and how much of it an earlier run has done."""
        self._progress.begins(strategy, total, kept)

    def get(self, fold: int, key: str) -> Trial | None:
        """Return what is kept of a combination; None: it is to be evaluated."""
        found = self._there.get((fold, key))
        if found is not None and (fold, key) not in self._touched:
            self._touched.add((fold, key))
            self.before += 1
        return found

    async def keep(self, trials: Sequence[Trial]) -> None:
        """Keep what came of some combinations. Raises: StoreError."""
        await keep_trials(self._store, self._study_id, trials)
        new = {(trial.fold, trial.key): trial for trial in trials}
        self._there |= new
        self._touched |= set(new)
        self._progress.advances(len(trials))

    def of_fold(self, fold: int) -> list[Trial]:
        """Return the combinations of a fold that this search looked at, in the order of their names."""
        return [trial for at, trial in sorted(self._there.items()) if at[0] == fold and at in self._touched]

    @property
    def all(self) -> Mapping[tuple[int, str], Trial]:
        """Every combination that this search looked at, by fold and name."""
        return {at: trial for at, trial in self._there.items() if at in self._touched}
