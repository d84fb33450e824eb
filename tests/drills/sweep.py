"""Run cells of the fault matrix and judge each by the venue's own record.

Every cell is a run into its fault, then the fault is lifted, then recovery and a second run: together they must have
done what one undisturbed run would have done. The cells of one venue and operation run side by side, each on an account
of its own; a fault that everybody would meet has a venue to itself.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from flows.recover import recover_fleet
from models.errors import StoreError
from models.fleet import load_fleet
from models.reasons import AccountStatus
from models.settings import Settings
from models.store import engine
from models.store.halts import clear_halts
from tasks.runtime import Runtime, open_runtime
from tests.drills.breakage import breakage
from tests.drills.desk import NO_MINIMUMS, QUICK, QUOTES, know_the_keys
from tests.drills.judged import HOLDS, KEPT, OTHERS, REST, Cell, judge_after_the_fault, judge_in_the_end
from tests.drills.matrix import TURNING, Spot
from tests.drills.plain import normalize_at

POLICY = QUICK | {
    "max_positions": 3,
    "max_enforcement_cycles": 2,
    "balance_fetch_max_attempts": 2,
    "refusal_backoff_hours": 0,
    "breaker_failure_threshold": 1000,  # cells share a venue: none may meet another's breaker
}
# A market that turns leaves its holding unvalued, which would rightly be kept and another sold in its stead: where one
# does, the same is sold for being small, and nothing for the cap.
NO_CAP = {"max_positions": 5, "minimum_position_usd": "100", "consolidation_threshold_usd": "100"}
ENDS = frozenset({AccountStatus.COMPLIANT, AccountStatus.BLOCKED, AccountStatus.FAILED, AccountStatus.HALTED})
LOCK_SECONDS = 1  # how long a locked store is waited for; it is locked much longer, or much shorter
AT_ONCE = 24  # cells; more would starve each other of the second they have for an answer
# Once the fault is gone a slow machine is no fault: neither an answer nor an order comes too late then.
PATIENCE_SECONDS, ENOUGH_SECONDS = 1.0, 15.0
NO_HURRY = {"order_deadline_seconds": 30, "late_order_seconds": 30, "order_timeout_seconds": 30}


Stores = Callable[[str], Awaitable[str]]  # makes an empty store of a kind; returns its address


def sweep(spots: Sequence[Spot], home: Path, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    """Run cells with their faults, lift all faults, recover, and run again. Return every cell with what was wrong.

    On a loaded machine a venue that is well may answer too late: what did nothing wrong and only came to no good end is
    run once more.
    """
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", LOCK_SECONDS)
    cells = _swept(spots, home, stores, monkeypatch)
    late = [cell for cell in cells if cell.unfinished and not cell.wrong]
    again = _swept([cell.spot for cell in late], home, stores, monkeypatch)
    told = {str(cell.spot): str(cell) for cell in late}
    for cell in again:
        cell.at_first = told[str(cell.spot)]
    return [cell for cell in cells if str(cell.spot) not in told] + again


def _swept(spots: Sequence[Spot], home: Path, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    with ExitStack() as stack:
        cells = [cell for group in _groups(spots) for cell in _started(stack, group)]
        for cell in cells:
            know_the_keys(monkeypatch, cell.venue, cell.account)
        gc.freeze()  # everything imported by now: the collector would walk through it again and again
        try:
            asyncio.run(_sweep(cells, home, stores))
        finally:
            gc.unfreeze()
    return cells


def _groups(spots: Sequence[Spot]) -> list[list[Spot]]:
    """Put those together that share a venue."""
    shared: dict[tuple[str, str], list[Spot]] = {}
    for spot in spots:
        if spot.shares:
            shared.setdefault((spot.venue, spot.operation.name), []).append(spot)
    return [*shared.values(), *([spot] for spot in spots if not spot.shares)]


def _started(stack: ExitStack, group: Sequence[Spot]) -> list[Cell]:
    """Start the venue of a group, with the faults of all its cells."""
    operation = group[0].operation
    # What should stay comes first: of a list torn in two it is the half that is seen.
    prices = KEPT | (OTHERS if operation.is_public else {}) | REST
    running = stack.enter_context(RunningVenue(_world(group[0].venue, [spot.account for spot in group], prices)))
    running.set_faults(*(rule for spot in group for rule in _rules(spot)))
    if operation.fills:
        running.set_fills(operation.fills, fraction="0.4")
    return [Cell(spot, running, breakage(spot)) for spot in group]


def _rules(spot: Spot) -> list[dict[str, Any]]:
    operation, sort = spot.operation, spot.sort
    owner = {} if operation.is_public else {"account": spot.account}
    fault = {**sort.rule, "operation": operation.name, "times": None if spot.for_good else 1, **owner}
    if "market" in fault:
        fault["market"] = f"{fault['market']}/{QUOTES[spot.venue]}"
    return [*({**rule, "account": spot.account} for rule in operation.first), fault]


def _world(venue: str, accounts: Iterable[str], prices: Mapping[str, str | None]) -> World:
    quote = QUOTES[venue]
    markets = [{"symbol": f"{asset}/{quote}", "price": price, **NO_MINIMUMS} for asset, price in prices.items()]
    owned = {name: {"balances": {quote: "1000", **HOLDS}} for name in accounts}
    return World.model_validate({"venue": venue, "markets": markets, "accounts": owned})


async def _sweep(cells: Sequence[Cell], home: Path, stores: Stores) -> None:
    """Run the cells of each venue side by side, and the venues too; those of one venue share a runtime, as a fleet."""
    venues = {id(cell.venue): [c for c in cells if c.venue is cell.venue] for cell in cells}
    at_once, alone = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)

    async def bounded(group: Sequence[Cell]) -> None:
        async with alone:
            await _Group(group, home, await stores(group[0].spot.store), at_once).run()

    await asyncio.gather(*(bounded(group) for group in venues.values()))


class _Group:
    """The cells of one venue."""

    def __init__(self, cells: Sequence[Cell], home: Path, store_url: str, bound: asyncio.Semaphore) -> None:
        self._cells, self._home, self._store_url, self._bound = cells, home, store_url, bound
        self._venue = cells[0].venue
        self._breakage = cells[0].breakage

    async def run(self) -> None:
        await self._each(self._cells, _run_into_the_fault, PATIENCE_SECONDS)
        for cell in self._cells:
            met = {(a.operation, a.fault) for a in self._venue.applied_faults() if a.account in {cell.account, None}}
            if (cell.spot.operation.name, cell.spot.sort.rule["fault"]) not in met:
                cell.unfinished.append("the fault was never met")
        await self._mend()
        left = [cell for cell in self._cells if not cell.is_done]
        await self._each(left, _recover, ENOUGH_SECONDS)
        await self._each(left, _run_again, ENOUGH_SECONDS)

    async def _each(
        self, cells: Sequence[Cell], act: Callable[[Runtime, Cell], Awaitable[None]], patience: float
    ) -> None:
        async def one(runtime: Runtime, cell: Cell) -> None:
            async with self._bound:
                try:
                    await act(runtime, cell)
                except Exception as error:  # noqa: BLE001 - a run that raises is what the matrix is looking for
                    cell.wrong.append(f"raised {error!r}")

        if not cells:
            return
        settings = Settings(home=self._home, database_url=self._store_url, venue_timeout_seconds=patience)
        fleet = load_fleet(self._fleet_file(NO_HURRY if act is _run_again else {}), {})
        async with AsyncExitStack() as stack:
            clock = None if self._breakage is None else self._breakage.clock
            runtime = await stack.enter_async_context(open_runtime(settings, fleet, clock))
            if self._breakage is not None and act is _run_into_the_fault:
                await self._breakage.wait_for(self._venue, runtime.store)
            await asyncio.gather(*(one(runtime, cell) for cell in cells))

    async def _mend(self) -> None:
        """Make venue, store and clock well again."""
        venue, symbol = self._venue, f"{TURNING}/{QUOTES[self._venue.world.venue]}"
        venue.when_called(None)
        venue.set_faults()
        venue.set_balance_lag(0)
        if any(cell.spot.sort.changes for cell in self._cells):
            venue.set_market(symbol, "online")
            venue.set_price(symbol, REST[TURNING])
            for cell in self._cells:
                venue.set_fills("immediate", account=cell.account)
        venue.set_fills("immediate", symbol=symbol)
        venue.set_fills("immediate")
        await until_it_listens(venue)
        if self._breakage is not None:
            await self._breakage.over()

    def _fleet_file(self, changes: Mapping[str, Any]) -> Path:
        name = str(self._venue.world.venue)
        turns = any("market" in cell.spot.sort.rule for cell in self._cells)
        policies = {"all": {**POLICY, **(NO_CAP if turns else {}), **changes}}
        row = {"kind": "user", "venue": name, "policy": "all", "quote": QUOTES[name], "url": self._venue.url}
        rows = [{"id": cell.account, **row} for cell in self._cells]
        path = self._home / f"{self._venue.url.rpartition(':')[2]}.yaml"
        path.write_text(yaml.safe_dump({"version": 1, "policies": policies, "accounts": rows}), encoding="utf-8")
        return path


async def until_it_listens(venue: RunningVenue) -> None:
    """Wait until a venue that had gone is back."""
    host, port = venue.url.removeprefix("http://").split(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


async def _run_into_the_fault(runtime: Runtime, cell: Cell) -> None:
    try:
        report = await normalize_at(runtime, cell.account)
    except StoreError:  # the run could not be written down: the command ends before it touched anything
        cell.faulty = AccountStatus.FAILED
        return
    cell.faulty = report.status
    if report.status not in ENDS:
        cell.wrong.append(f"ended {report.status}")
    if any(error.code == "INTERNAL_ERROR" for error in report.errors):
        cell.wrong.append("INTERNAL_ERROR")
    await judge_after_the_fault(runtime, cell)


async def _recover(runtime: Runtime, cell: Cell) -> None:
    recovery = await recover_fleet(runtime, runtime.fleet.choose([cell.account]))
    if recovery.exit_code:
        cell.unfinished.append(f"recovery left {recovery.accounts[0]}")


async def _run_again(runtime: Runtime, cell: Cell) -> None:
    if cell.faulty is AccountStatus.HALTED:  # what an operator does once the venue is well again
        now = runtime.clock.now()
        await clear_halts(runtime.store, cell.account, by="drill", reason="the fault is gone", now=now)
    report = await normalize_at(runtime, cell.account)
    said = [f"{error.code} {error.symbol or ''}" for error in report.errors]
    if report.status is not AccountStatus.COMPLIANT:
        cell.unfinished.append(f"the second run ended {report.status} {said}")
    await judge_in_the_end(runtime, cell)
