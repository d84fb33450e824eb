"""Evaluate every combination of a grid, piece by piece: what is kept already is left out."""

import asyncio
from collections.abc import Sequence

from models.clock import Clock
from research.evaluate import Bench, Window, together
from research.space import Space, key_of
from research.strategies.base import Strategy
from tasks.search_kept import Kept

_SECONDS_A_PIECE = 0.7  # what is lost at most when a search is killed, and how often a file is written to
_FIRST_PIECE = 4  # combinations
_LONGEST_PIECE = 2000

_Left = tuple[Strategy, list[Window]]


async def by_grid(kept: Kept, bench: Bench, space: Space, windows: Sequence[Window], clock: Clock) -> None:
    """Evaluate a space on each window. Raises: ConfigError where the strategy fails; StoreError."""
    todo: list[_Left] = []
    total = 0
    for strategy in await asyncio.to_thread(list, space.combinations()):
        key = key_of(strategy)
        left = [window for window in windows if kept.get(window.fold, key) is None]
        total += len(windows)
        if left:
            todo.append((strategy, left))
    kept.begins(space.strategy.name, total, total - sum(len(left) for _, left in todo))
    at, piece = 0, _FIRST_PIECE
    while at < len(todo):
        begun = clock.now()
        found = await asyncio.to_thread(together, lambda one: bench.trials(*one), todo[at : at + piece])
        await kept.keep([trial for trials in found for trial in trials])
        at += piece
        took = max((clock.now() - begun).total_seconds(), 0.001)
        piece = max(1, min(_LONGEST_PIECE, piece * 4, round(piece * _SECONDS_A_PIECE / took)))
