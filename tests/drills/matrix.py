"""The fault matrix as data: what a run does, what may go wrong at it, and where each is tried.

A cell is one fault at one operation of a run at one venue, met once or for good. `tests.drills.sweep` runs cells and
judges them; the suite runs a part of them, `make faults` all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from brokers.simulator.fault_kinds import FAULTS, Fault, Turn
from tests.drills.venues import VENUES, WORDS

LOST_AFTER = {"operation": "place", "skip": 1, "fault": "drop_after"}  # executed, and the answer is lost
LOST_BEFORE = {"operation": "place", "skip": 1, "fault": "refuse_before"}  # never arrived

ONCE, FOR_GOOD = False, True


class Place(StrEnum):
    """What the fault is at."""

    VENUE = "venue"
    STORE = "store"
    CLOCK = "clock"


@dataclass(frozen=True)
class Operation:
    """One call of a run, and what must go wrong before a run makes it."""

    name: str
    first: tuple[Mapping[str, Any], ...] = ()
    fills: str | None = None
    is_public: bool = False
    of_an_order: bool = False
    everywhere: bool = True  # else only where a venue's words name it


OPERATIONS = (
    Operation("markets", is_public=True),
    Operation("tickers", is_public=True),
    Operation("balance"),
    Operation("open_orders"),
    Operation("equity", everywhere=False),
    Operation("permissions", everywhere=False),
    Operation("place", of_an_order=True),
    Operation("order", first=(LOST_AFTER,), of_an_order=True),
    Operation("closed_orders", first=(LOST_AFTER,), everywhere=False, of_an_order=True),
    Operation("trades", first=(LOST_BEFORE,), of_an_order=True),
    Operation("cancel", fills="partial", of_an_order=True),
)


@dataclass(frozen=True)
class Sort:
    """One way to go wrong, as a rule of the simulator's fault plan, or at the call that such a rule picks.

    `alone`: it is met by everybody at the venue. `changes`: it changes the venue, and stays when the call is over.
    `at`: the only operations where it means anything; none named: all.
    """

    name: str
    rule: Mapping[str, Any] = field(default_factory=dict)
    place: Place = Place.VENUE
    alone: bool = False
    changes: bool = False
    at: tuple[str, ...] = ()

    @property
    def lasts(self) -> tuple[bool, ...]:
        """Whether it is met once, for good, or both in turn."""
        return (ONCE,) if self.changes else (ONCE, FOR_GOOD)


def _of(fault: Fault, **rule: Any) -> Sort:
    return Sort(fault.value, {"fault": fault.value, "seconds": 0.3, **rule})


def _status(number: int) -> Iterator[Sort]:
    """A status says nothing of whether the venue acted: tried both ways where a venue might."""
    terms = {"fault": "status", "status": number}
    yield Sort(f"http_{number}", terms)
    if number >= 500:
        yield Sort(f"http_{number}_after", terms | {"executed": True})


_BY_NUMBER = (418, 429, 500, 502, 524)
_OF_A_MARKET = (Fault.DELISTED, Fault.HALTED, Fault.PRICE_ZERO, Fault.PRICE_GONE)
TURNING = "TRIM"  # the asset whose market turns

ANSWERS = (
    *(_of(fault) for fault, kind in FAULTS.items() if kind.turn is Turn.NEVER and fault is not Fault.GONE_AFTER),
    *(sort for number in _BY_NUMBER for sort in _status(number)),
    Sort("refused", {"fault": "gone_after", "seconds": 0.3}, alone=True),
)
TURNS = (
    *(Sort(fault.value, {"fault": fault.value, "market": TURNING}, alone=True, changes=True) for fault in _OF_A_MARKET),
    Sort("partial_fills", {"fault": "partial_fills", "fraction": 0.4}, changes=True),
    Sort("no_fills", {"fault": "no_fills"}, changes=True),
    Sort("balance_lag", {"fault": "balance_lag", "seconds": 0.4}, alone=True, changes=True),
    Sort("balance_lag_for_good", {"fault": "balance_lag", "seconds": 60}, alone=True, changes=True),
    Sort("filled_after_cancel", {"fault": "filled_after_cancel"}, at=("cancel",)),
)
# The call is answered a little late, and meanwhile the store breaks, or the clock jumps.
_MEANWHILE = {"fault": "delay", "seconds": 0.2}
CLOCKS = tuple(
    Sort(name, _MEANWHILE, Place.CLOCK, alone=True, changes=True) for name in ("clock_ahead", "clock_behind")
)
STORES = tuple(
    Sort(name, _MEANWHILE, Place.STORE, alone=True, changes=True)
    for name in ("store_locked", "store_locked_briefly", "store_gone", "store_full")
)
AT_STORES = {"sqlite": "kraken", "postgresql": "binance"}  # one venue a kind: what stores do is no venue's affair


@dataclass(frozen=True)
class Spot:
    """Where a cell is in the matrix."""

    venue: str
    operation: Operation
    sort: Sort
    for_good: bool
    store: str = "sqlite"

    @property
    def account(self) -> str:
        """The name of the account that is the cell's own; unique at its operation.

        Keys go by it, in an environment that the venues of one process share.
        """
        return f"{self.venue}-{self.sort.name.replace('_', '-')}-{'good' if self.for_good else 'once'}"

    @property
    def shares(self) -> bool:
        """Whether its venue may serve other cells: nobody else meets its fault."""
        return not (self.operation.is_public or self.sort.alone)

    def __str__(self) -> str:
        lasts = "for good" if self.for_good else "once"
        store = f", {self.store}" if self.sort.place is Place.STORE else ""
        return f"{self.venue}{store}, {self.operation.name}: {self.sort.name} {lasts}"


def operations(venue: str) -> tuple[Operation, ...]:
    """Return the calls that a run makes at a venue."""
    return tuple(o for o in OPERATIONS if o.everywhere or o.name in WORDS[venue].calls)


def spots(venues: Iterable[str] = VENUES) -> list[Spot]:
    """Return every cell of the matrix."""
    found = [
        Spot(venue, operation, sort, for_good)
        for venue in venues
        for operation in operations(venue)
        for sort in (*ANSWERS, *TURNS, *CLOCKS)
        if not sort.at or operation.name in sort.at
        for for_good in sort.lasts
    ]
    at_stores = [
        Spot(venue, operation, sort, ONCE, store)
        for store, venue in AT_STORES.items()
        if venue in venues
        for operation in operations(venue)
        for sort in STORES
    ]
    return found + at_stores


def share(venue: str) -> list[Spot]:
    """Return the suite's part: every second pair of fault and operation, at one venue, once or for good, in turn.

    What needs a venue to itself is dear: of those pairs it is every third.
    """
    return [spot for spot in spots([venue]) if spot.store == "sqlite" and _turns_to(spot)]


def _turns_to(spot: Spot) -> bool:
    row, column = _SORTS.index(spot.sort), OPERATIONS.index(spot.operation)
    turn = row + column
    whose, how = turn % len(VENUES), spot.sort.lasts[turn // len(VENUES) % len(spot.sort.lasts)]
    left_out = (row // 2 + column) % 2 if spot.shares else (row - column) % DEAR
    return not left_out and (VENUES[whose], how) == (spot.venue, spot.for_good)


DEAR = 3
_SORTS = (*ANSWERS, *TURNS, *CLOCKS, *STORES)
