"""Where the level of a venue's allowance is kept: in the store for everybody, or in this process alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from models.clock import Clock
from models.store.engine import Store
from models.store.throttles import Rule, change_level, look_at_level
from models.throttle import Level

T = TypeVar("T")


class Book(Protocol):
    """Where the level of an allowance is kept."""

    async def change(self, budget: str, rule: Rule[T]) -> T:
        """Let a rule change the level. Raises: StoreError."""
        ...

    async def look(self, budget: str, rule: Callable[[Level, float], T]) -> T:
        """Say something of the level. Raises: StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class SharedBook:
    """Kept in the store, for every process and machine."""

    store: Store

    async def change(self, budget: str, rule: Rule[T]) -> T:
        """Let a rule change the level. Raises: StoreError."""
        return await change_level(self.store, budget, rule)

    async def look(self, budget: str, rule: Callable[[Level, float], T]) -> T:
        """Say something of the level. Raises: StoreError."""
        return await look_at_level(self.store, budget, rule)


@dataclass(frozen=True, slots=True)
class OwnBook:
    """Kept in this process alone."""

    clock: Clock
    levels: dict[str, Level] = field(default_factory=dict)

    async def change(self, budget: str, rule: Rule[T]) -> T:
        """Let a rule change the level."""
        level, said = rule(self.levels.get(budget, Level()), self.clock.elapsed().total_seconds())
        self.levels[budget] = level
        return said

    async def look(self, budget: str, rule: Callable[[Level, float], T]) -> T:
        """Say something of the level."""
        return rule(self.levels.get(budget, Level()), self.clock.elapsed().total_seconds())
