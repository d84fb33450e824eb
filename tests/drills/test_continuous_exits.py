"""A watch over exits, over the wire: it sends once, survives faults and restarts, and hands over in the middle."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

import flows.account
from brokers.simulator.handle import RunningVenue
from flows.enforce_exits_continuously import ExitWatchRequest, watch_exits
from flows.exit_watch import Watch, onlooker
from models.alert import Severity
from models.clock import SystemClock
from models.exit_watch import ExitWatchReport, WatchEnd
from models.reasons import HaltCause, Mode
from models.store import engine
from models.store.alerts import alerts
from models.store.engine import Store
from models.store.halts import halt
from models.store.heartbeats import heartbeats
from models.store.leases import Holder, hold
from models.store.position_configs import set_config
from models.store.tables import ACCOUNT_RUNS, ORDERS, RUNS
from tests.drills.crash.test_crash import environment
from tests.drills.desk import QUOTES, Desk, left, sold, until
from tests.drills.plain import plain_tasks
from tests.drills.test_recovery import locked
from tests.forked import Forked

pytestmark = pytest.mark.wire

WITHIN = 30  # seconds; a loaded machine is slow, and nothing here waits for it without need


@dataclass
class Watching:
    """A watch that runs in this loop."""

    watch: Watch
    task: "asyncio.Task[ExitWatchReport]"

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait for something, and no longer than the watch lives."""
        await asyncio.wait_for(until(lambda: happened() or self.task.done()), WITHIN)
        if self.task.done():
            await self.task

    async def looked_again(self) -> None:
        """Wait until two more reads of prices were judged."""
        seen = self.watch.polls
        await self.until(lambda: self.watch.polls >= seen + 2)


async def begun(desk: Desk, *accounts: str, live: bool = True) -> Watching:
    """Start a watch, and wait until it has the reins."""
    desk.write_fleet()
    found: list[Watch] = []
    onlooker.set(found.append)
    request = ExitWatchRequest(
        fleet=str(desk.fleet), accounts=list(accounts), live=live, poll_seconds=0.1, max_run_seconds=WITHIN
    )
    task = asyncio.create_task(watch_exits(request))
    await asyncio.wait_for(until(lambda: bool(found) or task.done()), WITHIN)
    if task.done():
        await task
    return Watching(found[0], task)


@asynccontextmanager
async def watching(desk: Desk, *, positions: int = 2) -> AsyncIterator[Watching]:
    """Watch for the length of the block, from when every position is watched; stop it as Ctrl-C does."""
    run = await begun(desk)
    try:
        await run.until(lambda: sum(len(a.prices) for a in run.watch.accounts) >= positions)
        yield run
    finally:
        run.task.cancel()
        await asyncio.wait([run.task])


def holds(desk: Desk, *assets: str, venue: str = "binance", account: str = "platform") -> RunningVenue:
    """Start a venue whose account holds one unit of each asset, at a price of 100."""
    return desk.worth(dict.fromkeys(assets, 100), venue=venue, account=account)


async def protected(desk: Desk, run: Watching, *symbols: str, account: str = "platform", entry: int = 100) -> None:
    """Say what positions cost, and let the watch know it."""
    told = partial(set_config, account=account, changes={}, entry_price=Decimal(entry), by="ops", reason="a drill")
    async with await Store.open(desk.store_url) as store:
        for symbol in symbols:
            assert await told(store, symbol=symbol, now=SystemClock().now()) is not None
    for watched in run.watch.accounts:
        await watched.reload()


# D1
@pytest.mark.parametrize(
    ("store_url", "venue"), [("sqlite", "binance"), ("postgresql", "kraken")], indirect=["store_url"]
)
def test_a_price_that_crosses_sells_its_position_once_and_no_other(desk: Desk, venue: str) -> None:
    world, quote = holds(desk, "BTC", "ETH", venue=venue), QUOTES[venue]

    async def run() -> None:
        async with watching(desk) as watch:
            await protected(desk, watch, f"BTC/{quote}", f"ETH/{quote}")
            world.set_price(f"BTC/{quote}", 95)
            await watch.until(lambda: watch.watch.accounts[0].filled == 1)
            await watch.looked_again()

    asyncio.run(run())

    assert (sold(world), left(world), world.calls("place")) == (["BTC"], {"ETH"}, 1)
    assert ("enforce_exits_continuously", "*", "ok") in {
        (h.pipeline, h.account, h.status) for h in desk.in_store(heartbeats)
    }


def test_a_watch_that_is_not_live_says_what_is_due_and_sends_nothing(sqlite_desk: Desk) -> None:
    binance = holds(sqlite_desk, "BTC")

    async def run() -> None:
        watch = await begun(sqlite_desk, live=False)
        account = watch.watch.accounts[0]
        await watch.until(lambda: "BTC/USDT" in account.prices)
        await protected(sqlite_desk, watch, "BTC/USDT")
        binance.set_price("BTC/USDT", 90)
        await watch.until(lambda: "BTC/USDT" in account.due)
        await watch.looked_again()
        watch.task.cancel()
        await asyncio.wait([watch.task])

    asyncio.run(run())

    assert (binance.calls("place"), left(binance)) == (0, {"BTC"})


# D1: of 115, 5 % are given back below 109.25; by the entry alone 108 is no exit
def test_a_peak_that_only_a_watch_has_seen_outlives_it(desk: Desk) -> None:
    binance = holds(desk, "BTC", "ETH")

    async def run() -> None:
        async with watching(desk) as watch:
            await protected(desk, watch, "BTC/USDT", entry=110)
            binance.set_price("BTC/USDT", 115)
            await watch.until(lambda: watch.watch.accounts[0].positions["BTC/USDT"].stored_peak == 115)
        binance.set_price("BTC/USDT", 112)
        async with watching(desk) as watch:
            binance.set_price("BTC/USDT", 108)
            await watch.until(lambda: watch.watch.accounts[0].filled == 1)

    asyncio.run(run())

    assert (sold(binance), left(binance)) == (["BTC"], {"ETH"})


# I1, incident 4
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_hand_over_while_an_exit_is_under_way_sends_it_once(desk: Desk) -> None:
    binance = holds(desk, "BTC", "ETH")
    binance.set_faults({"operation": "place", "fault": "delay_after", "seconds": 1, "times": 1})

    async def run() -> WatchEnd:
        async with watching(desk) as first:
            await protected(desk, first, "BTC/USDT", "ETH/USDT")
            binance.set_price("BTC/USDT", 90)
            await first.until(lambda: bool(binance.orders("platform")))
            second = await begun(desk)
            report = await asyncio.wait_for(first.task, WITHIN)
            binance.set_price("ETH/USDT", 90)
            await second.until(lambda: second.watch.accounts[0].filled == 1)
            second.task.cancel()
            await asyncio.wait([second.task])
        assert report.filled == 1
        return report.ended

    assert asyncio.run(run()) is WatchEnd.HANDED_OVER
    assert (sold(binance), binance.calls("place"), left(binance)) == (["BTC", "ETH"], 2, set())


# Incident 4, I1
def test_a_watch_that_was_killed_while_its_exit_was_open_is_followed_at_once_and_nothing_is_sent_twice(
    sqlite_desk: Desk,
) -> None:
    desk = sqlite_desk
    desk.policy["order_timeout_seconds"] = 60
    binance = holds(desk, "BTC", "ETH")

    async def entries_told() -> None:
        async with watching(desk) as watch:
            await protected(desk, watch, "BTC/USDT", "ETH/USDT")

    asyncio.run(entries_told())
    binance.set_fills("never")
    binance.set_price("BTC/USDT", 90)
    process = Forked(f"{__name__}:live_and_die", {"fleet": str(desk.fleet)}, env={**os.environ, **environment(desk)})
    asyncio.run(asyncio.wait_for(until(lambda: bool(binance.orders("platform"))), WITHIN))
    os.kill(process.pid, signal.SIGKILL)
    process.join(20)
    binance.set_fills("immediate")

    async def followed() -> None:
        async with watching(desk, positions=1):
            await asyncio.wait_for(until(lambda: left(binance) == {"ETH"}), WITHIN)

    asyncio.run(followed())

    assert [o.symbol for o in binance.orders("platform")] == ["BTC/USDT"]


# Law 12
def test_a_venue_that_hangs_does_not_delay_the_stops_at_another_one(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_desk.hurries()
    binance, kraken = holds(sqlite_desk, "BTC", account="one"), holds(sqlite_desk, "ETH", venue="kraken", account="two")

    async def run() -> None:
        async with watching(sqlite_desk) as watch:
            await protected(sqlite_desk, watch, "BTC/USDT", account="one")
            await protected(sqlite_desk, watch, "ETH/USD", account="two")
            one, two = watch.watch.accounts
            for operation in ("tickers", "balance"):
                kraken.set_faults({"operation": operation, "fault": "hang", "times": None})
            kraken.set_price("ETH/USD", 90)
            binance.set_price("BTC/USDT", 90)
            await watch.until(lambda: one.filled == 1)
            assert two.filled == 0
            kraken.set_faults()
            await watch.until(lambda: two.filled == 1)

    asyncio.run(run())

    assert (left(binance, "one"), left(kraken, "two")) == (set(), set())


# Law 7, incident 14
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_stop_that_is_refused_stands_as_an_alert_and_is_tried_until_it_goes_through_halted_or_not(desk: Desk) -> None:
    binance = holds(desk, "BTC", "ETH")
    binance.set_faults({"operation": "place", "fault": "auth_revoked", "times": None})

    async def run() -> set[tuple[str, str, Severity]]:
        async with watching(desk) as watch:
            await protected(desk, watch, "BTC/USDT", "ETH/USDT")
            async with await Store.open(desk.store_url) as store:
                await halted(store)
                binance.set_price("BTC/USDT", 90)
                await watch.until(lambda: watch.watch.accounts[0].failed >= 2)
                raised = {(a.alert.code, a.alert.symbol, a.alert.severity) for a in await alerts(store)}
                binance.set_faults()
                await watch.until(lambda: watch.watch.accounts[0].filled == 1)
        return raised

    raised = asyncio.run(run())

    assert raised == {("STOP_NOT_EXECUTED", "BTC/USDT", Severity.CRITICAL)}
    assert (sold(binance), desk.in_store(alerts)) == (["BTC"], ())


# Law 8
def test_a_stop_waits_for_no_longer_than_another_run_holds_the_account(sqlite_desk: Desk) -> None:
    binance = holds(sqlite_desk, "BTC", "ETH")

    async def run() -> int:
        async with watching(sqlite_desk) as watch:
            await protected(sqlite_desk, watch, "BTC/USDT", "ETH/USDT")
            with Holder(sqlite_desk.home) as other:
                async with await Store.open(sqlite_desk.store_url) as store, hold(store, "platform", other):
                    binance.set_price("BTC/USDT", 90)
                    await watch.until(lambda: watch.watch.accounts[0].failed >= 2)
                    sent = binance.calls("place")
            await watch.until(lambda: watch.watch.accounts[0].filled == 1)
        return sent

    assert asyncio.run(run()) == 0
    assert (sold(binance), sqlite_desk.in_store(alerts)) == (["BTC"], ())


# Laws 4 and 11
def test_an_exit_leaves_one_order_and_one_record_that_name_the_same_run(sqlite_desk: Desk) -> None:
    binance = holds(sqlite_desk, "BTC", "ETH")

    async def run() -> None:
        async with watching(sqlite_desk) as watch:
            await protected(sqlite_desk, watch, "BTC/USDT")
            binance.set_price("BTC/USDT", 90)
            await watch.until(lambda: watch.watch.accounts[0].filled == 1)

    asyncio.run(run())

    (order,) = sqlite_desk.in_store(lambda store: store.rows(select(ORDERS)))
    kept = sqlite_desk.in_store(lambda store: store.rows(select(ACCOUNT_RUNS).where(ACCOUNT_RUNS.c.mode != "plan")))
    ((run_id, status, report),) = [(row.run_id, row.status, row.report) for row in kept]
    ended = {r.run_id: r.finished_at for r in sqlite_desk.in_store(lambda store: store.rows(select(RUNS)))}
    assert (run_id, status, ended[run_id] is not None) == (order.run_id, "compliant", True)
    (action,) = report["actions"]
    assert (action["symbol"], action["outcome"]) == ("BTC/USDT", "filled")
    assert (action["client_order_id"], report["equity_after_usd"]) == (order.client_order_id, None)


# Law 4: no order without the ledger
def test_a_stop_that_crosses_while_the_store_is_locked_goes_out_once_when_it_is_free(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.3)
    binance = holds(desk, "BTC", "ETH")

    async def run() -> int:
        async with watching(desk) as watch:
            await protected(desk, watch, "BTC/USDT", "ETH/USDT")
            async with locked(desk.store_url):
                binance.set_price("BTC/USDT", 90)
                await watch.until(lambda: watch.watch.accounts[0].failed >= 1)
                sent = binance.calls("place")
            await watch.until(lambda: watch.watch.accounts[0].filled == 1)
        return sent

    assert asyncio.run(run()) == 0
    assert (sold(binance), binance.calls("place"), left(binance)) == (["BTC"], 1, {"ETH"})


# F1
def test_a_stop_behind_an_open_breaker_stands_as_an_alert_and_goes_out_with_the_probe(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.policy |= {"breaker_failure_threshold": 1, "breaker_recovery_seconds": 1, "balance_fetch_max_attempts": 1}
    binance = holds(desk, "BTC", "ETH")

    async def run() -> tuple[str, int]:
        async with watching(desk) as watch:
            await protected(desk, watch, "BTC/USDT", "ETH/USDT")
            binance.set_faults({"operation": "balance", "fault": "status", "status": 503, "times": None})
            asked = binance.calls("balance")
            binance.set_price("BTC/USDT", 90)
            await watch.until(lambda: watch.watch.accounts[0].failed >= 1)
            told = watch.watch.accounts[0].status
            asked = binance.calls("balance") - asked
            binance.set_faults()
            await watch.until(lambda: watch.watch.accounts[0].filled == 1)
            await watch.until(lambda: watch.watch.accounts[0].status == "ok")
        return told, asked

    assert asyncio.run(run()) == ("stop_not_executed", 1)
    assert (sold(binance), binance.calls("place"), desk.in_store(alerts)) == (["BTC"], 1, ())


# Laws 3 and 10
@pytest.mark.parametrize("lie", ["nan_numbers", "truncated", "old_times", "price_gone", "price_zero"])
def test_a_price_that_is_none_sells_nothing_and_loses_no_stop(sqlite_desk: Desk, lie: str) -> None:
    binance = holds(sqlite_desk, "BTC", "ETH")
    at_venue = {"price_gone": None, "price_zero": 0}

    async def run() -> tuple[int, bool]:
        async with watching(sqlite_desk) as watch:
            await protected(sqlite_desk, watch, "BTC/USDT", "ETH/USDT")
            if lie in at_venue:
                binance.set_price("BTC/USDT", at_venue[lie])
            else:
                binance.set_faults({"operation": "tickers", "fault": lie, "times": None})
                binance.set_price("BTC/USDT", 90)
            seen = watch.watch.polls + watch.watch.failed_polls
            await watch.until(lambda: watch.watch.polls + watch.watch.failed_polls >= seen + 3)
            before = binance.calls("place"), bool(watch.watch.accounts[0].due)
            binance.set_faults()
            binance.set_price("BTC/USDT", 90)
            await watch.until(lambda: watch.watch.accounts[0].filled == 1)
        return before

    assert asyncio.run(run()) == (0, False)
    assert (sold(binance), left(binance)) == (["BTC"], {"ETH"})


# I1, law 8
def test_a_watch_on_another_machine_takes_over_and_each_stop_is_sold_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binance = holds(desk, "BTC", "ETH")

    async def run() -> WatchEnd:
        async with watching(desk) as first:
            await protected(desk, first, "BTC/USDT", "ETH/USDT")
            binance.set_price("BTC/USDT", 90)
            monkeypatch.setenv("NIJA_HOME", str(tmp_path / "another"))
            second = await begun(desk)  # it has the reins once the first has let go
            ended = (await asyncio.wait_for(first.task, WITHIN)).ended
            binance.set_price("ETH/USDT", 90)
            await asyncio.wait_for(until(lambda: left(binance) == set()), WITHIN)
            await second.looked_again()
            second.task.cancel()
            await asyncio.wait([second.task])
        return ended

    assert asyncio.run(run()) is WatchEnd.HANDED_OVER
    assert (sold(binance), binance.calls("place")) == (["BTC", "ETH"], 2)


# I1, law 8
def test_two_watches_on_two_machines_that_see_the_same_price_sell_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binance = holds(desk, "BTC", "ETH")

    async def run() -> None:
        async with watching(desk) as first:
            monkeypatch.setenv("NIJA_HOME", str(tmp_path / "another"))
            second = await begun(desk, "platform")  # another choice of accounts, so neither follows the other
            await second.until(lambda: len(second.watch.accounts[0].prices) == 2)
            await protected(desk, first, "BTC/USDT", "ETH/USDT")
            await second.watch.accounts[0].reload()
            binance.set_price("BTC/USDT", 90)
            await first.until(lambda: first.watch.accounts[0].filled + second.watch.accounts[0].filled == 1)
            await first.looked_again()
            await second.looked_again()
            second.task.cancel()
            await asyncio.wait([second.task])

    asyncio.run(run())

    assert (sold(binance), binance.calls("place"), left(binance)) == (["BTC"], 1, {"ETH"})


async def halted(store: Store) -> None:
    """Stop the account's entries."""
    now, why = SystemClock().now(), {"detail": "2 over", "clears_when": "an operator lifts it"}
    owned = {"mode": Mode.LIVE, "policy_version": "p", "run_id": "r"}
    await halt(store, "platform", cause=HaltCause.CAP_NOT_REACHED, now=now, **owned, **why)


def live_and_die(fleet: str) -> None:
    """Be a watch in a process of its own, which is killed."""
    for name, function in plain_tasks().items():
        setattr(flows.account, name, function)
    asyncio.run(watch_exits(ExitWatchRequest(fleet=fleet, live=True, poll_seconds=0.1, max_run_seconds=WITHIN)))
