"""What a venue, a clock or a store may do to an order between its intent and its end.

Each drill judges by the venue's own record: a symbol is sold once, and the ledger says what the venue says.
"""

import asyncio
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import update

from brokers.account import AccountClient
from brokers.capabilities import Late
from brokers.ledger import Ledger
from brokers.simulator.handle import RunningVenue
from brokers.venues import capabilities_of
from flows.recover import recover_fleet
from models.clock import SystemClock
from models.order import VenueOrder
from models.reasons import AccountStatus, OrderState
from models.report import AccountReport, RecoveryReport
from models.settings import load_settings
from models.store import engine
from models.store.engine import Store
from models.store.halts import clear_halts
from models.store.tables import LEASES
from tasks.runtime import open_runtime, read_fleet
from tests.drills.crash.dying import Moment, start
from tests.drills.crash.test_crash import environment
from tests.drills.desk import QUOTES, Desk, codes
from tests.drills.plain import normalize, normalize_at, plain_desk
from tests.drills.record import disagreements, ledger_rows, sales, undecided
from tests.drills.venues import VENUES, WORDS, each_name_on_a_store, each_venue

pytestmark = pytest.mark.wire

# Each venue meets clocks that jumped either way, before or after its order arrived, in turn.
JUMPS = [(name, (-1, 1)[i % 2], bool(i // 2 % 2)) for i, name in enumerate(VENUES)]
PRICES = {"KEEP": 500, "ETH": 60, "DUST": "0.6"}


@pytest.fixture
def desk(sqlite_desk: Desk) -> Desk:
    return sqlite_desk


@pytest.fixture
def either_store(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with plain_desk(tmp_path, store_url, monkeypatch) as desk:
        yield desk


def opened(desk: Desk, name: str, **world: Any) -> RunningVenue:
    """Start a venue where DUST is too small, and ETH is one more than the cap allows."""
    desk.policy["max_positions"] = 1
    return desk.worth(PRICES, venue=name, **world)


# --- clocks


@pytest.mark.parametrize(("name", "hours", "before"), JUMPS)
def test_a_clock_that_jumped_neither_delays_nor_hastens_a_recovery(
    desk: Desk, name: str, hours: int, before: bool
) -> None:
    venue = opened(desk, name)
    died = start(environment(desk), Moment("AccountClient.place", before=before))
    died.join(20)
    began = time.monotonic()

    recovery = recovered(desk, ShiftedClock(timedelta(hours=hours)))

    assert recovery.exit_code == 0
    assert time.monotonic() - began < 10
    assert {o.state for o in recovery.accounts[0].orders} <= {OrderState.FILLED, OrderState.CANCELED}
    assert_sold_once(desk, venue, normalize(desk)[0])


@pytest.mark.parametrize(("name", "hours"), [(name, hours) for name, hours, _ in JUMPS])
def test_a_run_whose_clock_is_wrong_sells_what_it_should_or_nothing(desk: Desk, name: str, hours: int) -> None:
    desk.policy["max_enforcement_cycles"] = 1
    venue = opened(desk, name)

    report = run_by(desk, ShiftedClock(timedelta(hours=hours)))

    assert (report.status is AccountStatus.COMPLIANT) == bool(sales(venue))
    assert desk.recover().exit_code == 0
    desk.in_store(lambda store: clear_halts(store, "platform", by="drill", reason="clock set", now=datetime.now(UTC)))
    assert_sold_once(desk, venue, normalize(desk)[0])


@each_venue
def test_an_order_that_left_too_late_is_void(desk: Desk, name: str, tmp_path: Path) -> None:
    """The process stands still between its commit and its request; meanwhile another one takes the account over."""
    venue = opened(desk, name)
    stopped = start(environment(desk), Moment("AccountClient.place", before=True, by=signal.SIGSTOP))
    when(lambda: is_stopped(stopped.pid), lambda: None).join()
    desk.in_store(lease_expired)

    recovery = desk.recover()
    os.kill(stopped.pid, signal.SIGCONT)
    stopped.join(20)
    of_the_late_one = venue.orders("platform")

    assert recovery.exit_code == 0
    # A venue that takes late orders is not even asked: the adapter holds the late one back.
    assert (venue.calls("place", "platform") > 0) == (capabilities_of(name).late is Late.REFUSED)
    assert of_the_late_one == []
    assert_sold_once(desk, venue, normalize(desk)[0])


# --- the venue


@each_venue
def test_an_order_that_the_venue_lists_seconds_later_is_found(desk: Desk, name: str) -> None:
    venue = opened(desk, name)
    venue.set_faults({"operation": "place", "fault": "drop_after"}, *WORDS[name].not_listed)
    listed = threading.Timer(2.2, venue.set_faults)

    listed.start()
    report = normalize(desk)[0]
    listed.join()

    assert_sold_once(desk, venue, report)


@each_venue
def test_an_order_that_nothing_shows_for_a_while_is_found(desk: Desk, name: str) -> None:
    venue = opened(desk, name, balance_lag_seconds="2")
    venue.set_faults(
        {"operation": "place", "fault": "drop_after"},
        *WORDS[name].not_listed,
        {"operation": "trades", "fault": "empty_result", "times": None},
    )
    listed = threading.Timer(1.5, venue.set_faults)

    listed.start()
    report = normalize(desk)[0]
    listed.join()

    assert_sold_once(desk, venue, report)


@each_venue
def test_an_order_that_only_its_trade_shows_stays_undecided(desk: Desk, name: str) -> None:
    """Even the holding looks untouched, because somebody bought as much meanwhile."""
    venue = opened(desk, name)
    venue.set_faults({"operation": "place", "fault": "drop_after"}, *WORDS[name].not_listed, *WORDS[name].not_by_id)
    bought = when(lambda: bool(venue.fills("platform")), lambda: venue.set_balances("platform", DUST=1))

    report = normalize(desk)[0]
    bought.join()

    assert "ORDER_UNDECIDED" in codes(report)
    assert f"DUST/{QUOTES[name]}" in undecided(ledger_rows(desk.store_url))
    venue.set_faults()
    assert desk.recover().exit_code == 0
    assert disagreements(venue, ledger_rows(desk.store_url)) == []


@each_venue
def test_an_order_that_was_accepted_and_vanished_is_closed_and_sold_by_another(desk: Desk, name: str) -> None:
    venue = opened(desk, name)
    venue.set_faults({"operation": "place", "fault": "status", "status": 200, "body": WORDS[name].accepted})

    report = normalize(desk)[0]

    rows = ledger_rows(desk.store_url).values()
    assert sorted(r.state for r in rows if r.symbol.startswith("DUST")) == [OrderState.CANCELED, OrderState.FILLED]
    assert_sold_once(desk, venue, report)


@each_venue
def test_a_vanished_order_that_still_holds_the_funds_stays_undecided(desk: Desk, name: str) -> None:
    venue = opened(desk, name)
    venue.set_fills("never")
    hidden = [{"operation": "open_orders", "fault": "empty_result", "times": None}]
    venue.set_faults(
        {"operation": "place", "fault": "drop_after"}, *WORDS[name].not_listed, *WORDS[name].not_by_id, *hidden
    )

    report = normalize(desk)[0]

    assert "ORDER_UNDECIDED" in codes(report)
    venue.set_fills("immediate")
    venue.set_faults()
    assert desk.recover().exit_code == 0
    assert_sold_once(desk, venue, normalize(desk)[0])


@each_venue
def test_a_cancel_that_was_acknowledged_and_came_too_late(desk: Desk, name: str) -> None:
    venue = opened(desk, name)
    venue.set_fills("never")
    venue.set_faults(
        {"operation": "cancel", "fault": "status", "status": 200, "body": WORDS[name].canceled, "times": None}
    )
    filled = when(lambda: venue.calls("cancel", "platform") > 0, lambda: venue.set_fills("immediate"))

    report = normalize(desk)[0]
    filled.join()

    assert len(venue.orders("platform")) == 2
    assert_sold_once(desk, venue, report)


@each_venue
def test_what_a_canceled_order_left_is_sold_once_more_and_no_more(desk: Desk, name: str) -> None:
    venue = opened(desk, name)
    venue.set_fills("partial", fraction="0.4")
    rest = when(lambda: venue.calls("cancel", "platform") > 1, lambda: venue.set_fills("immediate"))

    report = normalize(desk)[0]
    rest.join()

    states = sorted(r.state for r in ledger_rows(desk.store_url).values())
    assert states == [OrderState.FILLED] * 2 + [OrderState.PARTIALLY_FILLED] * 2
    assert_sold_once(desk, venue, report)


@each_venue
def test_a_balance_that_lags_behind_the_fills_sells_nothing_in_their_stead(desk: Desk, name: str) -> None:
    """While the balance lags the ranking changes: a plan on it would trim KEEP."""
    venue = opened(desk, name, balance_lag_seconds="1.5")
    symbol = f"ETH/{QUOTES[name]}"
    dearer = when(lambda: symbol in sales(venue), lambda: venue.set_price(symbol, 900))

    report = normalize(desk)[0]
    dearer.join()

    assert len(venue.orders("platform")) == 2
    assert_sold_once(desk, venue, report)


def test_one_order_that_cannot_be_looked_up_does_not_keep_the_others(desk: Desk) -> None:
    venue = opened(desk, "binance")
    unreadable = {"operation": "order", "fault": "html", "symbol": "DUST/USDT", "times": None}
    venue.set_faults({"operation": "place", "fault": "drop_after", "times": 2}, unreadable)

    report = normalize(desk)[0]

    states = {row.symbol: row.state for row in ledger_rows(desk.store_url).values()}
    assert report.status is AccountStatus.BLOCKED
    assert states == {"DUST/USDT": OrderState.UNKNOWN, "ETH/USDT": OrderState.FILLED}
    venue.set_faults()
    assert desk.recover().exit_code == 0
    assert_sold_once(desk, venue, normalize(desk)[0])


@each_venue
def test_a_venue_that_forgets_a_fill_it_has_shown_is_not_believed(
    desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.policy["order_timeout_seconds"] = 5
    venue = opened(desk, name)
    venue.set_fills("partial", fraction="0.4", after_seconds=1)
    true, shown = AccountClient.orders_by_id, Counter[str]()

    async def orders_by_id(self: AccountClient, ids: Any) -> dict[str, VenueOrder]:
        found = await true(self, ids)
        shown.update(found.keys())
        forgotten = {i: replace(o, state=OrderState.OPEN, filled=Decimal(0)) for i, o in found.items()}
        return {i: forgotten[i] if shown[i] == 2 else order for i, order in found.items()}

    monkeypatch.setattr(AccountClient, "orders_by_id", orders_by_id)

    report = normalize(desk)[0]

    assert min(shown.values()) > 2
    assert_sold_once(desk, venue, report)


# --- two at once, and the store


@each_name_on_a_store
def test_two_recoveries_at_once_close_every_order_once(either_store: Desk, name: str) -> None:
    desk = either_store
    venue = opened(desk, name)
    died = start(environment(desk), Moment("AccountClient.place", nth=2))
    died.join(20)

    async def both() -> tuple[RecoveryReport, RecoveryReport]:
        settings = load_settings()
        fleet = read_fleet(settings, None)
        async with open_runtime(settings, fleet) as one, open_runtime(settings, fleet) as other:
            return await asyncio.gather(*(recover_fleet(r, fleet.accounts) for r in (one, other)))

    recoveries = asyncio.run(both())

    assert 0 in {r.exit_code for r in recoveries}
    assert {e.code for r in recoveries for e in r.accounts[0].errors} <= {"LEASE_HELD"}
    assert_sold_once(desk, venue, normalize(desk)[0])


@pytest.mark.parametrize("name", ["kraken", "binance"])
def test_no_order_leaves_while_the_store_is_locked(
    either_store: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = either_store
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.3)
    venue = opened(desk, name)

    with monkeypatch.context() as patched:
        around(patched, Ledger, "about_to_send", lambda: locked(desk.store_url))
        report = normalize(desk)[0]

    assert (report.status, codes(report) & {"STORE_LOCKED"}) == (AccountStatus.FAILED, {"STORE_LOCKED"})
    assert venue.calls("place", "platform") == 0
    assert desk.recover().exit_code == 0
    assert_sold_once(desk, venue, normalize(desk)[0])


@pytest.mark.parametrize("name", ["kraken", "binance"])
def test_an_answer_that_could_not_be_recorded_is_found(
    either_store: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = either_store
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.3)
    venue = opened(desk, name)

    with monkeypatch.context() as patched:
        for recording in ("seen", "accepted"):
            around(patched, Ledger, recording, lambda: gone(desk.store_url))
        report = normalize(desk)[0]

    assert report.status is AccountStatus.FAILED
    assert venue.calls("place", "platform") == 1
    assert desk.recover().exit_code == 0
    assert_sold_once(desk, venue, normalize(desk)[0])


def test_a_recovery_of_one_account_is_not_stopped_by_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.policy["max_positions"] = 1
    venue = desk.opens(prices=PRICES, holds={"alice": dict.fromkeys(PRICES, 1), "bob": dict.fromkeys(PRICES, 1)})
    for _ in range(2):
        died = start(environment(desk) | {"NIJA_HOME": str(desk.home)}, Moment("Orders.settle", before=True))
        died.join(20)
    broken = AccountClient.orders_by_id

    async def orders_by_id(self: AccountClient, *args: Any) -> Any:
        if self.account == "alice":
            raise RuntimeError("a fault of ours")
        return await broken(self, *args)

    monkeypatch.setattr(AccountClient, "orders_by_id", orders_by_id)

    recovery = desk.recover()

    assert recovery.exit_code == 3
    assert [e.code for a in recovery.accounts if a.account == "alice" for e in a.errors] == ["INTERNAL_ERROR"]
    assert venue.fills("alice")


# --- helpers


class ShiftedClock(SystemClock):
    """A clock whose hour is wrong; spans are right."""

    def __init__(self, shift: timedelta) -> None:
        self._shift = shift

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift


def recovered(desk: Desk, clock: SystemClock) -> RecoveryReport:
    async def run() -> RecoveryReport:
        settings = load_settings()
        async with open_runtime(settings, read_fleet(settings, None), clock) as runtime:
            return await recover_fleet(runtime, runtime.fleet.accounts)

    return asyncio.run(run())


def run_by(desk: Desk, clock: SystemClock) -> AccountReport:
    async def run() -> AccountReport:
        desk.write_fleet()
        settings = load_settings()
        async with open_runtime(settings, read_fleet(settings, None), clock) as runtime:
            return await normalize_at(runtime, "platform")

    return asyncio.run(run())


def assert_sold_once(desk: Desk, venue: RunningVenue, report: AccountReport) -> None:
    quote = QUOTES[venue.world.venue]
    ledger = ledger_rows(desk.store_url)
    assert report.status is AccountStatus.COMPLIANT, report.errors
    assert sales(venue) == {f"DUST/{quote}": Decimal(1), f"ETH/{quote}": Decimal(1)}
    assert undecided(ledger) == []
    assert disagreements(venue, ledger) == []


def when(happened: Callable[[], bool], act: Callable[[], object]) -> threading.Thread:
    """Act at the venue as soon as its record shows something."""

    def wait() -> None:
        end = time.monotonic() + 20
        while not happened() and time.monotonic() < end:
            time.sleep(0.005)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def lease_expired(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(update(LEASES).values(holder="elsewhere:1:gone", expires_at=0.0))


def around(patched: pytest.MonkeyPatch, owner: type[Any], method: str, trouble: Callable[[], Any]) -> None:
    """Let every call of a method meet trouble with the store."""
    true = getattr(owner, method)

    async def troubled(self: Any, *args: Any, **kwargs: Any) -> Any:
        async with trouble():
            return await true(self, *args, **kwargs)

    patched.setattr(owner, method, troubled)


@asynccontextmanager
async def locked(store_url: str) -> AsyncIterator[None]:
    """Hold what every writer needs, as another process would."""
    if store_url.startswith("sqlite"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    other = await asyncpg.connect(store_url)
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await other.close()


@asynccontextmanager
async def gone(store_url: str) -> AsyncIterator[None]:
    """Take the store away: its server throws everybody out; SQLite has no server, and is locked."""
    if store_url.startswith("sqlite"):
        async with locked(store_url):
            yield
        return
    name = store_url.split("?", maxsplit=1)[0].rpartition("/")[2]
    server = await asyncpg.connect(store_url.replace(f"/{name}?", "/postgres?"))
    try:
        await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await server.close()
