"""Count slots against the cap and rank what takes them, over every account of one owner. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from models.dust import DustMark
from models.policy import Policy
from models.position import Position, Snapshot
from rules.dust import is_dust


@dataclass(frozen=True, slots=True)
class Place:
    """One position in a ranking: where it is and what it is worth in quote units."""

    account: str
    symbol: str
    value: Decimal


def excess(count: int, cap: int) -> int:
    """Return how many positions are over the cap; `count` is summed over every account of the owner."""
    return max(0, count - cap)


def ranking(places: Iterable[Place]) -> tuple[Place, ...]:
    """Order places from the first to keep to the first to go: the largest value first.

    Of equal values the alphabetically first symbol is kept, then the alphabetically first account, so every account of
    an owner comes to the same order from the same data.
    """
    return tuple(sorted(places, key=lambda p: (-p.value, p.symbol, p.account)))


def takes_slot(position: Position, *, policy: Policy, mark: DustMark | None = None, is_pending: bool = False) -> bool:
    """Tell whether a position counts towards the cap: everything but dust, the unvalued and the undecided included."""
    return position.value is None or is_pending or not is_dust(position.value, policy, mark)


def slots_taken(
    snapshot: Snapshot,
    policy: Policy,
    *,
    marks: Mapping[str, DustMark] | None = None,
    pending: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the symbols that count towards the cap, sorted."""
    known = marks or {}
    return tuple(
        sorted(
            p.symbol
            for p in snapshot.positions
            if takes_slot(p, policy=policy, mark=known.get(p.symbol), is_pending=p.symbol in pending)
        ),
    )
