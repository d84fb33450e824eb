"""Every fault of the simulated venues at every call of a run, once and for good.

Whatever the venue answers, a run ends as compliant, blocked, failed or halted and has sold nothing that an undisturbed
run would not have sold; once the fault is gone, recovery and a second run make of it what one run would have made.
Judged by the venue's own record. The cells of one venue and operation run side by side, each on an account of its own.
"""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from brokers.simulator.fault_kinds import Fault
from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from flows.recover import recover_fleet
from models.fleet import load_fleet
from models.reasons import AccountStatus
from models.settings import Settings
from models.store.halts import clear_halts
from tasks.runtime import Runtime, open_runtime
from tests.drills.desk import NO_MINIMUMS, QUICK, QUOTES, know_the_keys
from tests.drills.plain import normalize_at, without_prefect, without_throttle
from tests.drills.record import disagreements, read_ledger, sales, undecided
from tests.drills.venues import VENUES, WORDS

pytestmark = pytest.mark.wire

T = TypeVar("T")

KEPT = {"KEEP1": "500", "KEEP2": "400"}
OTHERS = {f"OTHER{number}": "10" for number in range(20)}
REST = {"TRIM": "60", "DUST": "0.6", "AUT": None}
HOLDS = dict.fromkeys(KEPT | REST, "1.25")
SOLD = frozenset({"TRIM", "DUST"})
POLICY = QUICK | {
    "max_positions": 3,
    "max_enforcement_cycles": 2,
    "balance_fetch_max_attempts": 2,
    "refusal_backoff_hours": 0,
}
ENDS = frozenset({AccountStatus.COMPLIANT, AccountStatus.BLOCKED, AccountStatus.FAILED, AccountStatus.HALTED})
AT_ONCE = 24  # cells; more would starve each other of the second they have for an answer

SHARE = len(VENUES)  # every fault is met at every operation, at one venue each
READS_AGAIN = "kraken"  # the venue whose reads meet a fault once, too

LOST_AFTER = {"operation": "place", "skip": 1, "fault": "drop_after"}  # executed, and the answer is lost
LOST_BEFORE = {"operation": "place", "skip": 1, "fault": "refuse_before"}  # never arrived


@dataclass(frozen=True)
class Operation:
    """One call of a run, and what must go wrong before a run makes it."""

    name: str
    first: tuple[dict[str, Any], ...] = ()
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


@dataclass
class Cell:
    """One fault at one operation, and what came of it."""

    operation: Operation
    fault: Fault
    for_good: bool
    account: str
    venue: RunningVenue
    faulty: AccountStatus | None = None
    wrong: list[str] = field(default_factory=list)
    is_done: bool = False  # compliant at once, with all sold that should be: a second run has nothing to do

    def __str__(self) -> str:
        lasts = "for good" if self.for_good else "once"
        return f"{self.operation.name}: {self.fault} {lasts} ({self.faulty}): {'; '.join(self.wrong)}"


@pytest.mark.parametrize("venue", VENUES)
def test_no_fault_makes_a_run_sell_what_it_should_not(
    venue: str, tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_prefect(monkeypatch)
    without_throttle(monkeypatch)
    with ExitStack() as stack:
        cells = [cell for operation in _operations(venue) for cell in _cells(stack, venue, operation)]
        _know_the_keys(cells, monkeypatch)
        asyncio.run(_sweep(cells, tmp_path, sqlite_template))

    wrong = [str(cell) for cell in cells if cell.wrong]
    assert not wrong, "\n".join(wrong)
    assert {cell.operation.name for cell in cells} == {operation.name for operation in _operations(venue)}


def _operations(venue: str) -> list[Operation]:
    return [o for o in OPERATIONS if o.everywhere or o.name in WORDS[venue].calls]


def _kinds(venue: str, operation: Operation) -> list[tuple[Fault, bool]]:
    """Return the faults to put to an operation, each with whether it lasts.

    The suite meets every fault at every operation, each pair at one venue in turn; with FAULTS=all at all of them.
    """
    share = 1 if os.environ.get("FAULTS") == "all" else SHARE
    turn = VENUES.index(venue) + OPERATIONS.index(operation)
    mine = [fault for place, fault in enumerate(Fault) if (place + turn) % share == 0]
    return [(fault, for_good) for fault in mine for for_good in _lasts(venue, operation)]


def _lasts(venue: str, operation: Operation) -> tuple[bool, ...]:
    """Say whether a fault is met once, for good, or both in turn. A read is made again by the same code everywhere."""
    return (False, True) if venue == READS_AGAIN or operation.of_an_order else (True,)


def _cells(stack: ExitStack, venue: str, operation: Operation) -> list[Cell]:
    """Start the venue, or one a cell where the operation is nobody's in particular."""
    kinds = _kinds(venue, operation)
    names = [f"{fault.replace('_', '-')}-{'good' if for_good else 'once'}" for fault, for_good in kinds]
    groups = [[name] for name in names] if operation.is_public else [names]
    venues = {}
    for group in groups:
        # What should stay comes first: of a list torn in two it is the half that is seen.
        prices = KEPT | (OTHERS if operation.is_public else {}) | REST
        running = stack.enter_context(RunningVenue(_world(venue, group, prices)))
        venues |= dict.fromkeys(group, running)
    cells = [
        Cell(operation, fault, for_good, name, venues[name])
        for (fault, for_good), name in zip(kinds, names, strict=True)
    ]
    for running in dict.fromkeys(venues.values()):
        running.set_faults(*(rule for cell in cells if cell.venue is running for rule in _rules(cell, operation)))
        if operation.fills:
            running.set_fills(operation.fills, fraction="0.4")
    return cells


def _rules(cell: Cell, operation: Operation) -> list[dict[str, Any]]:
    fault = {"operation": operation.name, "fault": cell.fault, "times": None if cell.for_good else 1, "seconds": 0.3}
    owner = {} if operation.is_public else {"account": cell.account}
    return [*({**rule, "account": cell.account} for rule in operation.first), {**fault, **owner}]


def _world(venue: str, accounts: Iterable[str], prices: Mapping[str, str | None]) -> World:
    quote = QUOTES[venue]
    markets = [{"symbol": f"{asset}/{quote}", "price": price, **NO_MINIMUMS} for asset, price in prices.items()]
    owned = {name: {"balances": {quote: "1000", **HOLDS}} for name in accounts}
    return World.model_validate({"venue": venue, "markets": markets, "accounts": owned})


def _know_the_keys(cells: Sequence[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    for cell in cells:
        know_the_keys(monkeypatch, cell.venue, cell.account)


async def _sweep(cells: Sequence[Cell], home: Path, template: Path) -> None:
    """Run every cell with its fault, lift all faults, recover, and run every cell again."""
    await _each(cells, home, template, _run_into_the_fault)
    for cell in cells:
        met = {(a.operation, a.fault) for a in cell.venue.applied_faults() if a.account in {cell.account, None}}
        if (cell.operation.name, cell.fault) not in met:
            cell.wrong.append("the fault was never met")
    for venue in {id(cell.venue): cell.venue for cell in cells}.values():
        venue.set_faults()
        venue.set_fills("immediate")
    await _each([cell for cell in cells if not cell.is_done], home, template, _recover_and_run_again)


async def _each(
    cells: Sequence[Cell], home: Path, template: Path, act: Callable[[Runtime, Cell], Awaitable[None]]
) -> None:
    """Act on every cell; those that share a venue share its runtime, as a fleet does."""
    bound = asyncio.Semaphore(AT_ONCE)

    async def one(runtime: Runtime, cell: Cell) -> None:
        async with bound:
            await act(runtime, cell)

    async def group(venue: RunningVenue) -> None:
        mine = [cell for cell in cells if cell.venue is venue]
        store = home / f"{venue.url.rpartition(':')[2]}.db"
        if not store.exists():
            shutil.copy(template, store)
        settings = Settings(home=home, database_url=f"sqlite:///{store}", venue_timeout_seconds=1)
        async with open_runtime(settings, load_fleet(_fleet_file(home, mine), {})) as runtime:
            await asyncio.gather(*(one(runtime, cell) for cell in mine))

    alone = asyncio.Semaphore(AT_ONCE)

    async def bounded(venue: RunningVenue) -> None:
        async with alone:
            await group(venue)

    await asyncio.gather(*(bounded(v) for v in {id(cell.venue): cell.venue for cell in cells}.values()))


def _fleet_file(home: Path, cells: Sequence[Cell]) -> Path:
    venue = cells[0].venue
    name = str(venue.world.venue)
    rows = [
        {"id": c.account, "kind": "user", "venue": name, "policy": "all", "quote": QUOTES[name], "url": venue.url}
        for c in cells
    ]
    path = home / f"{cells[0].account}.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "policies": {"all": POLICY}, "accounts": rows}), encoding="utf-8")
    return path


async def _run_into_the_fault(runtime: Runtime, cell: Cell) -> None:
    report = await normalize_at(runtime, cell.account)
    cell.faulty = report.status
    if report.status not in ENDS:
        cell.wrong.append(f"ended {report.status}")
    if any(error.code == "INTERNAL_ERROR" for error in report.errors):
        cell.wrong.append("INTERNAL_ERROR")
    cell.wrong += [f"at first: {fault}" for fault in _wrong_sales(cell)]
    if report.status is AccountStatus.COMPLIANT:
        cell.is_done = not _differences(cell, await _ledger(runtime, cell))


async def _recover_and_run_again(runtime: Runtime, cell: Cell) -> None:
    recovery = await recover_fleet(runtime, runtime.fleet.choose([cell.account]))
    if recovery.exit_code:
        cell.wrong.append(f"recovery left {recovery.accounts[0]}")
    if cell.faulty is AccountStatus.HALTED:  # what an operator does once the venue is well again
        now = runtime.clock.now()
        await clear_halts(runtime.store, cell.account, by="drill", reason="the fault is gone", now=now)
    report = await normalize_at(runtime, cell.account)
    said = [f"{error.code} {error.symbol or ''}" for error in report.errors]
    if report.status is not AccountStatus.COMPLIANT:
        cell.wrong.append(f"the second run ended {report.status} {said}")
    cell.wrong += _differences(cell, await _ledger(runtime, cell))


async def _ledger(runtime: Runtime, cell: Cell) -> dict[str, Any]:
    async with runtime.store.reading() as connection:
        return await read_ledger(connection, cell.account)


def _differences(cell: Cell, ledger: dict[str, Any]) -> list[str]:
    quote = QUOTES[cell.venue.world.venue]
    wrong = _wrong_sales(cell)
    sold = sales(cell.venue, cell.account)
    wrong += [f"{asset} was not sold whole" for asset in SOLD if sold.get(f"{asset}/{quote}") != Decimal(HOLDS[asset])]
    wrong += [f"{symbol} has no known end" for symbol in undecided(ledger)]
    return wrong + disagreements(cell.venue, ledger, cell.account)


def _wrong_sales(cell: Cell) -> list[str]:
    """Return what the venue sold that it should not have: another symbol, or more of one than was held."""
    quote = QUOTES[cell.venue.world.venue]
    wrong = []
    for symbol, quantity in sales(cell.venue, cell.account).items():
        asset = symbol.removesuffix(f"/{quote}")
        if asset not in SOLD or quantity > Decimal(HOLDS[asset]):
            wrong.append(f"{quantity} {asset} was sold")
    return wrong
