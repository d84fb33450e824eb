"""Propose combinations by Optuna: those near to what did well, and give up early on what does badly on a part.

Everything is decided by the seed and by the scores, in a fixed order. So a search that was stopped is gone on with by
asking once more and answering what is known already from what was kept.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import Trial as Asked
from optuna.trial import TrialState

from research.parameters import Value
from research.space import MOST_OF_A_GRID, Axis, Space, key_of
from research.strategies.base import Strategy

BATCH = 4  # proposals that are evaluated at once, on any machine: another number would be another search
STEPS = (0.25, 0.5)  # parts of the history on which a combination has to stand its ground
_STARTUP = 10  # proposals at random, before anything is learnt
_ASKED_AT_MOST = 25  # times as many proposals as are wanted: in a small space most come again

logging.getLogger("optuna").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A combination to evaluate, and Optuna's own handle of it."""

    asked: Asked
    strategy: Strategy

    @property
    def key(self) -> str:
        """What names the combination."""
        return key_of(self.strategy)


class Proposer:
    """Proposes until so many different combinations were looked at, or nothing new comes."""

    def __init__(self, space: Space, wanted: int, seed: int) -> None:
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=_STARTUP)
        self._study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
        self._space = space
        is_small = space.size is not None and space.size <= MOST_OF_A_GRID
        self.wanted = min(wanted, sum(1 for _ in space.combinations())) if is_small else wanted
        self._seen: dict[str, float | None] = {}
        self._asked = 0

    def batch(self) -> list[Proposal]:
        """Return the next combinations, none of them looked at before; none: it is over."""
        found: dict[str, Proposal] = {}
        while len(found) < min(BATCH, self.wanted - len(self._seen)) and self._asked < self.wanted * _ASKED_AT_MOST:
            self._asked += 1
            asked = self._study.ask()
            values = {axis.name: _suggested(asked, axis) for axis in self._space.axes}
            built = self._space.at(values)
            if built is None:  # it does not go together: as bad as can be
                self._study.tell(asked, state=TrialState.PRUNED)
                continue
            proposal = Proposal(asked, built)
            if proposal.key in self._seen:
                self._tell(asked, self._seen[proposal.key])
            elif proposal.key in found:
                self._study.tell(asked, state=TrialState.FAIL)  # its first copy tells what comes of it
            else:
                found[proposal.key] = proposal
        return list(found.values())

    def recall(self, proposal: Proposal, steps: Sequence[float | None]) -> None:
        """Tell the scores on the parts of a combination that was evaluated before."""
        for number, score in enumerate(steps, 1):
            if score is not None:
                proposal.asked.report(score, number)

    def gives_up(self, proposal: Proposal, scores: Sequence[float | None]) -> bool:
        """Say whether a combination is worse on the last of the parts than half of those before it."""
        score = scores[-1]
        if score is None:  # too short to trade in says nothing against it
            return False
        proposal.asked.report(score, len(scores))
        return proposal.asked.should_prune()

    def tell(self, proposal: Proposal, score: float | None, *, pruned: bool = False) -> None:
        """Say what came of a combination. None: it never traded."""
        self._seen[proposal.key] = None if pruned else score
        self._tell(proposal.asked, None if pruned else score)

    def _tell(self, asked: Asked, score: float | None) -> None:
        if score is None or not math.isfinite(score):
            self._study.tell(asked, state=TrialState.PRUNED)
        else:
            self._study.tell(asked, score)


def _suggested(asked: Asked, axis: Axis) -> Value:
    if not axis.values:
        return asked.suggest_float(axis.name, axis.low, axis.high)
    if len(axis.values) == 1:
        return axis.values[0]
    ordered = sorted(axis.values)  # by its place: what stands beside it is like it
    return ordered[asked.suggest_int(axis.name, 0, len(ordered) - 1)]
