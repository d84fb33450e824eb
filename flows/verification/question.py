"""A question to the deployed code, and its answer: what was expected beside what was found."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.verification.bench import Bench


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the rule holds, and what was found."""

    holds: bool
    found: str


@dataclass(frozen=True, slots=True)
class Question:
    """One rule that must hold at every venue. `name` is public; `ask` acts at a bench of its own."""

    name: str
    ask: Callable[[Bench], Awaitable[Answer]]


def compared(words: str, found: Mapping[str, tuple[Any, Any]]) -> Answer:
    """Answer from what was (found, expected) by name: `words` where all agree, else every difference."""
    wrong = [
        f"{name}: expected {_told(want)}, found {_told(got)}" for name, (got, want) in found.items() if got != want
    ]
    return Answer(not wrong, "; ".join(wrong) or words)


def _told(value: Any) -> str:
    if isinstance(value, set | frozenset):
        return ", ".join(sorted(map(str, value))) or "nothing"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "nothing"
    return str(value)
