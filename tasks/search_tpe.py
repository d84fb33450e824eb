"""Evaluate what Optuna proposes, and give up early on what does badly on a part of the history."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from models.search import Trial, TrialState
from research.evaluate import Bench, Window, together
from research.space import Space
from research.tpe import STEPS, Proposal, Proposer
from tasks.search_kept import Kept


async def by_tpe(kept: Kept, bench: Bench, space: Space, windows: Sequence[Window], *, trials: int, seed: int) -> None:
    """Search each window on its own. Raises: ConfigError where the strategy fails; StoreError."""
    proposers = [await asyncio.to_thread(Proposer, space, trials, seed + window.fold) for window in windows]
    kept.begins(space.strategy.name, sum(one.wanted for one in proposers), 0)
    for window, proposer in zip(windows, proposers, strict=True):
        while batch := await asyncio.to_thread(proposer.batch):
            found = await asyncio.to_thread(_evaluated, kept, bench, window, proposer, batch)
            for proposal, trial in zip(batch, found, strict=True):
                proposer.tell(proposal, trial.score, pruned=trial.state is TrialState.PRUNED)
            await kept.keep(found)


def _evaluated(kept: Kept, bench: Bench, window: Window, proposer: Proposer, batch: Sequence[Proposal]) -> list[Trial]:
    """Return what came of a batch, in its order: from what is kept, else by a backtest of it."""
    found: dict[str, Trial] = {}
    for proposal in batch:
        if (trial := kept.get(window.fold, proposal.key)) is not None:
            proposer.recall(proposal, trial.steps)
            found[proposal.key] = trial
    left = {proposal: () for proposal in batch if proposal.key not in found}
    steps: dict[str, tuple[float | None, ...]] = {proposal.key: () for proposal in left}
    running = list(left)
    for fraction in STEPS:
        part = window.begin(fraction)
        scores = together(partial(_score, bench, part), running)
        for proposal, score in zip(running, scores, strict=True):
            steps[proposal.key] += (score,)
            if proposer.gives_up(proposal, steps[proposal.key]):
                found[proposal.key] = _pruned(proposal, window, score, steps[proposal.key])
        running = [proposal for proposal in running if proposal.key not in found]
    whole = together(lambda proposal: bench.trials(proposal.strategy, [window])[0], running)
    for proposal, trial in zip(running, whole, strict=True):
        found[proposal.key] = replace(trial, steps=steps[proposal.key])
    return [found[proposal.key] for proposal in batch]


def _score(bench: Bench, part: Window, proposal: Proposal) -> float | None:
    return bench.score(proposal.strategy, part)


def _pruned(proposal: Proposal, window: Window, score: float | None, steps: tuple[float | None, ...]) -> Trial:
    values = proposal.strategy.values()
    return Trial(window.fold, proposal.key, values, TrialState.PRUNED, score, {}, None, steps)
