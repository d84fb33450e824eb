"""Run one trial of the chaos drill: into its faults and its kill, then recovery and a run without; judge the record."""

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from flows.recover import recover_fleet
from models.fleet import load_fleet
from models.reasons import AccountStatus
from models.report import AccountReport
from models.settings import Settings
from models.store.halts import clear_halts
from tasks.runtime import Runtime, open_runtime
from tests.drills.desk import NO_MINIMUMS, QUOTES, know_the_keys
from tests.drills.doomed import doomed
from tests.drills.judged import OTHERS
from tests.drills.plain import normalize_at
from tests.drills.record import disagreements, read_ledger, sales, undecided
from tests.drills.sweep import ENDS, NO_HURRY, until_it_listens
from tests.drills.trial import Owner, Trial

PATIENCE_SECONDS, ENOUGH_SECONDS = 0.7, 15.0  # for an answer, with the faults and without
MOST_SECONDS = 120.0  # for a whole trial: nothing in it waits for as long
AGAIN_SECONDS, AGAIN_TIMES = 0.3, 10  # a breaker that the faults opened lets nobody pass for a moment


@dataclass
class Ordeal:
    """A trial that was run, and what came of it."""

    trial: Trial
    wrong: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    venues: dict[str, RunningVenue] = field(default_factory=dict)

    def venue(self, owner: Owner) -> RunningVenue:
        """Return the venue of an account."""
        return self.venues[owner.venue]


async def run_trial(trial: Trial, home: Path, store_url: str, patch: pytest.MonkeyPatch) -> Ordeal:
    """Run one trial; what is wrong is in the result."""
    ordeal = Ordeal(trial)
    with ExitStack() as stack:
        for name in dict.fromkeys(owner.venue for owner in trial.owners):
            ordeal.venues[name] = stack.enter_context(RunningVenue(_world(trial, name)))
        for owner in trial.owners:
            know_the_keys(patch, ordeal.venue(owner), owner.name)
        runs = _Runs(ordeal, home, store_url)
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await runs.into_the_faults()
                await runs.mended()
        except TimeoutError:
            ordeal.wrong.append(f"no end within {MOST_SECONDS:.0f} s")
        except Exception as error:  # noqa: BLE001 - a run that raises is what is looked for
            ordeal.wrong.append(f"raised {error!r}")
        ordeal.orders = sum(len(ordeal.venue(owner).orders(owner.name)) for owner in trial.owners)
    return ordeal


def _world(trial: Trial, venue: str) -> World:
    owners = [owner for owner in trial.owners if owner.venue == venue]
    quote = QUOTES[venue]
    prices = OTHERS | {asset: price for owner in owners for asset, price in owner.prices.items()}
    markets = [{"symbol": f"{asset}/{quote}", "price": price, **NO_MINIMUMS} for asset, price in prices.items()]
    accounts = {owner.name: {"balances": {quote: "1000", **owner.holds}} for owner in owners}
    return World.model_validate({"venue": venue, "markets": markets, "accounts": accounts})


class _Runs:
    """The runs of one trial, each as a process of its own would make it."""

    def __init__(self, ordeal: Ordeal, home: Path, store_url: str) -> None:
        self._ordeal, self._trial, self._home, self._store_url = ordeal, ordeal.trial, home, store_url
        self._fleet = self._fleet_file("fleet", {})

    def _fleet_file(self, name: str, changes: Mapping[str, Any]) -> Path:
        rows = [
            {"id": o.name, "kind": "user", "venue": o.venue, "policy": "all", "quote": QUOTES[o.venue]}
            | {"url": self._ordeal.venue(o).url}
            for o in self._trial.owners
        ]
        document = {"version": 1, "policies": {"all": {**self._trial.policy, **changes}}, "accounts": rows}
        path = self._home / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    async def into_the_faults(self) -> None:
        """Run with every fault in place, until the end or the kill."""
        for name, venue in self._ordeal.venues.items():
            here = {owner.name for owner in self._trial.owners if owner.venue == name}
            venue.set_faults(*(rule for rule in self._trial.rules if rule.get("account") in {None, *here}))
        kill = self._trial.kill
        if kill is None:
            await self._in_process(_normalize)
        elif kill.for_real:
            await self._killed(kill.at_call)
        else:
            await self._canceled(kill.at_call)
        for venue in self._ordeal.venues.values():
            self._ordeal.met.update(str(applied.fault) for applied in venue.applied_faults())
        self._judge_sales("at first: ")

    async def mended(self) -> None:
        """Lift every fault, recover, run again, and judge."""
        for venue in self._ordeal.venues.values():
            venue.when_called(None)
            venue.set_faults()
            for owner in self._trial.owners:
                venue.set_fills("immediate", account=owner.name)
            venue.set_fills("immediate")
        await asyncio.gather(*(until_it_listens(venue) for venue in self._ordeal.venues.values()))
        await self._in_process(_recover, ENOUGH_SECONDS)
        self._fleet = self._fleet_file("without-hurry", NO_HURRY)
        await self._in_process(_run_again, ENOUGH_SECONDS)

    async def _in_process(self, act: "Act", patience: float = PATIENCE_SECONDS) -> None:
        settings = Settings(
            home=self._home,
            database_url=self._store_url,
            venue_timeout_seconds=patience,
            connect_cool_down_seconds=0,
        )
        async with open_runtime(settings, load_fleet(self._fleet, {})) as runtime:
            await asyncio.gather(*(act(runtime, self._ordeal, owner) for owner in self._trial.owners))

    async def _canceled(self, at_call: int) -> None:
        """Cancel the run at a call, as Ctrl-C does: it may clean up behind itself."""
        run = asyncio.create_task(self._in_process(_normalize))
        loop = asyncio.get_running_loop()
        self._at_call(at_call, lambda: loop.call_soon_threadsafe(run.cancel))
        try:
            await run
        except asyncio.CancelledError:
            if not run.cancelled():
                raise
            self._ordeal.kills["canceled"] += 1

    async def _killed(self, at_call: int) -> None:
        """Run in a process of its own, and kill it at a call: nothing is cleaned up."""
        places = {"HOME": str(self._home), "DATABASE_URL": self._store_url, "FLEET": str(self._fleet)}
        spans = {"VENUE_TIMEOUT_SECONDS": str(PATIENCE_SECONDS), "CONNECT_COOL_DOWN_SECONDS": "0"}
        environment = {f"NIJA_{name}": value for name, value in (places | spans).items()}
        environment |= {name: value for name, value in os.environ.items() if name.startswith("NIJA_T")}
        process = doomed(environment)
        started = threading.Event()

        def kill() -> None:
            started.wait()
            os.kill(process.pid, signal.SIGKILL)

        self._at_call(at_call, kill)
        process.start()
        started.set()
        await asyncio.to_thread(process.join, MOST_SECONDS)
        if process.exitcode == -signal.SIGKILL:
            self._ordeal.kills["SIGKILL"] += 1
        elif process.exitcode != 0:
            self._ordeal.wrong.append(f"the process ended with {process.exitcode}")

    def _at_call(self, nth: int, act: Callable[[], object]) -> None:
        """Act once, when the venues have met so many calls: on a venue's thread, before the call has its effect."""
        lock, seen = threading.Lock(), 0

        def called(_rule: object) -> None:
            nonlocal seen
            with lock:
                seen += 1
                is_it = seen == nth
            if is_it:
                act()

        for venue in self._ordeal.venues.values():
            venue.when_called(called)

    def _judge_sales(self, when: str) -> None:
        for owner in self._trial.owners:
            self._ordeal.wrong += [f"{when}{fault}" for fault in wrong_sales(self._ordeal, owner)]


Act = Callable[[Runtime, Ordeal, Owner], Awaitable[None]]


async def _normalize(runtime: Runtime, ordeal: Ordeal, owner: Owner) -> None:
    _judge_end(ordeal, await normalize_at(runtime, owner.name))


def _judge_end(ordeal: Ordeal, report: AccountReport) -> None:
    if report.status not in ENDS:
        ordeal.wrong.append(f"{report.account} ended {report.status}")
    if any(error.code == "INTERNAL_ERROR" for error in report.errors):
        ordeal.wrong.append(f"{report.account}: INTERNAL_ERROR")


async def _recover(runtime: Runtime, ordeal: Ordeal, owner: Owner) -> None:
    for _ in range(AGAIN_TIMES):
        recovery = await recover_fleet(runtime, runtime.fleet.choose([owner.name]))
        if "BREAKER_OPEN" not in {error.code for error in recovery.accounts[0].errors}:
            break
        await asyncio.sleep(AGAIN_SECONDS)
    if recovery.exit_code:
        ordeal.wrong.append(f"{owner.name}: recovery left {recovery.accounts[0]}")


async def _run_again(runtime: Runtime, ordeal: Ordeal, owner: Owner) -> None:
    for _ in range(AGAIN_TIMES):
        now = runtime.clock.now()  # what an operator does once the venue is well again
        await clear_halts(runtime.store, owner.name, by="drill", reason="the faults are gone", now=now)
        report = await normalize_at(runtime, owner.name)
        _judge_end(ordeal, report)
        if "BREAKER_OPEN" not in {error.code for error in report.errors}:
            break
        await asyncio.sleep(AGAIN_SECONDS)
    if report.status is not AccountStatus.COMPLIANT:
        said = [f"{error.code} {error.symbol or ''}: {error.message}" for error in report.errors]
        ordeal.wrong.append(f"{owner.name}: the second run ended {report.status} {said}")
    async with runtime.store.reading() as connection:
        ledger = await read_ledger(connection, owner.name)
    ordeal.wrong += [f"{owner.name}: {fault}" for fault in disagreements(ordeal.venue(owner), ledger, owner.name)]
    ordeal.wrong += [f"{owner.name}: {symbol} has no known end" for symbol in undecided(ledger)]
    ordeal.wrong += wrong_sales(ordeal, owner)
    sold, quote = sales(ordeal.venue(owner), owner.name), QUOTES[owner.venue]
    for asset, quantity in ordeal.trial.to_be_sold(owner).items():
        if sold.get(f"{asset}/{quote}") != quantity:
            ordeal.wrong.append(f"{owner.name}: {asset} was not sold whole: {sold.get(f'{asset}/{quote}')}")


def wrong_sales(ordeal: Ordeal, owner: Owner) -> list[str]:
    """Return what the venue sold of an account that it should not have: another symbol, or more than was held."""
    going, quote = ordeal.trial.to_be_sold(owner), QUOTES[owner.venue]
    return [
        f"{owner.name}: {quantity} {symbol} was sold"
        for symbol, quantity in sales(ordeal.venue(owner), owner.name).items()
        if quantity > going.get(symbol.removesuffix(f"/{quote}"), Decimal(0))
    ]
