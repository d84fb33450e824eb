"""Exits over the wire: each reason end to end, and what must not keep a stop from being carried out, nor sell twice."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import update

from brokers.simulator.handle import RunningVenue
from flows.normalize import FleetRequest, normalize_fleet
from models.alert import Severity
from models.clock import SystemClock
from models.exits import NEVER, OwnLimit
from models.reasons import AccountStatus, ActionKind, Block, HaltCause, Mode, Outcome, Reason
from models.report import AccountReport
from models.scope import Scope
from models.store.alerts import alerts
from models.store.engine import Store
from models.store.halts import halt, standing_halts
from models.store.position_configs import set_config
from models.store.tables import TRACKED
from tests.brokers.simulator.clients import connected
from tests.drills.desk import QUOTES, Desk, codes, left, sold, until

pytestmark = pytest.mark.wire

HUNDRED = Decimal(100)


async def scanning(desk: Desk, *, live: bool = True) -> AccountReport:
    """Scan for exits once, as the schedule does."""
    desk.write_fleet()
    request = FleetRequest(fleet=str(desk.fleet), live=live)
    return (await normalize_fleet(request, pipeline="enforce_exits", scope=Scope.EXITS)).accounts[0]


def scan(desk: Desk, *, live: bool = True) -> AccountReport:
    return asyncio.run(scanning(desk, live=live))


def holds(desk: Desk, *assets: str, venue: str = "kraken", entry: Decimal | None = HUNDRED) -> RunningVenue:
    """Start a venue whose account has long held one unit of each asset, at a price of 100, bought at `entry`."""
    running = desk.worth(dict.fromkeys(assets, 100), venue=venue)
    scan(desk, live=False)
    for asset in assets if entry is not None else ():
        tells(desk, f"{asset}/{QUOTES[venue]}", entry=entry)
    return running


def tells(desk: Desk, symbol: str, *, entry: Decimal | None = None, **limits: OwnLimit) -> None:
    """Set a position's own limits, or what it cost, as a person does."""
    now = SystemClock().now()
    told = partial(set_config, account="platform", symbol=symbol, changes=limits, entry_price=entry)
    assert desk.in_store(lambda store: told(store, by="ops", reason="a drill", now=now)) is not None


def seen_earlier(desk: Desk, symbol: str, hours: float) -> None:
    """Let a position have been seen first so long ago."""
    at = SystemClock().now() - timedelta(hours=hours)
    change = update(TRACKED).where(TRACKED.c.symbol == symbol).values(first_seen_at=at)
    assert desk.in_store(lambda store: store.execute(change)) == 1


def standing(desk: Desk) -> list[tuple[str, str, Severity, int]]:
    """Return the alerts that stand: code, symbol, severity, how often."""
    found = desk.in_store(alerts)
    return sorted((a.alert.code, a.alert.symbol, a.alert.severity, a.times) for a in found)


def the_exit(report: AccountReport) -> tuple[str, str, Outcome]:
    (action,) = report.actions
    return action.kind, action.reason, action.outcome


# D1
@pytest.mark.parametrize(
    ("venue", "store_url", "entry", "prices", "kind"),
    [
        ("kraken", "sqlite", "100", ["95"], ActionKind.STOP_LOSS),
        ("binance", "postgresql", "100", ["110"], ActionKind.TAKE_PROFIT),
        ("okx", "sqlite", "110", ["115", "108"], ActionKind.TRAILING_STOP),
        ("coinbase", "postgresql", "100", ["100"], ActionKind.TIME_LIMIT),
    ],
    indirect=["store_url"],
)
def test_each_reason_sells_its_position_whole_and_no_other(
    desk: Desk, venue: str, entry: str, prices: list[str], kind: ActionKind
) -> None:
    world = holds(desk, "BTC", "ETH", venue=venue)
    quote = QUOTES[venue]
    tells(desk, f"BTC/{quote}", entry=Decimal(entry))
    world.set_price(f"ETH/{quote}", 102)
    if kind is ActionKind.TIME_LIMIT:
        seen_earlier(desk, f"BTC/{quote}", 25)
    for price in prices[:-1]:
        world.set_price(f"BTC/{quote}", price)
        assert scan(desk).actions == []
    world.set_price(f"BTC/{quote}", prices[-1])

    report, again = scan(desk), scan(desk)

    assert the_exit(report) == (kind, kind.value, Outcome.FILLED)
    assert (report.status, left(world), again.actions) == (AccountStatus.COMPLIANT, {"ETH"}, [])
    assert (world.calls("place"), standing(desk)) == (1, [])


# D2, incident 10
def test_without_an_entry_price_a_position_is_held_with_one_alert_and_its_age_still_counts(desk: Desk) -> None:
    kraken = holds(desk, "BTC", entry=None)
    kraken.set_price("BTC/USD", 1)

    held = [scan(desk) for _ in range(2)]
    raised = standing(desk)
    seen_earlier(desk, "BTC/USD", 25)
    sold_then = scan(desk)

    assert [(r.status, r.actions, codes(r)) for r in held] == [(AccountStatus.COMPLIANT, [], {"ENTRY_UNKNOWN"})] * 2
    assert raised == [("ENTRY_UNKNOWN", "BTC/USD", Severity.WARNING, 2)]
    assert the_exit(sold_then) == (ActionKind.TIME_LIMIT, Reason.TIME_LIMIT, Outcome.FILLED)
    assert (left(kraken), standing(desk)) == (set(), [])


# Law 7, incident 14
def test_a_halt_does_not_keep_a_stop_back_and_stands_after_it(desk: Desk) -> None:
    kraken = holds(desk, "BTC", "ETH")
    now = SystemClock().now()

    async def stop(store: Store) -> None:
        await halt(
            store,
            "platform",
            mode=Mode.LIVE,
            policy_version="p",
            run_id="r",
            cause=HaltCause.CAP_NOT_REACHED,
            detail="2 over",
            clears_when="an operator lifts it",
            now=now,
        )

    desk.in_store(stop)
    kraken.set_price("BTC/USD", 90)

    report = scan(desk)

    assert (sold(kraken), report.status, codes(report)) == (["BTC"], AccountStatus.COMPLIANT, {"HALTED"})
    assert Block.HALTED in desk.entry("ETH/USD").reasons
    assert len(desk.in_store(standing_halts)) == 1


# I1, incident 4
def test_three_scans_over_one_pending_exit_send_one_order(desk: Desk) -> None:
    desk.policy["order_timeout_seconds"] = 60
    binance = holds(desk, "BTC", "ETH", venue="binance")
    binance.set_fills("never", symbol="BTC/USDT")
    binance.set_price("BTC/USDT", 90)
    _interrupted(desk, lambda: bool(binance.orders("platform")))
    binance.set_price("ETH/USDT", 90)

    second, third = scan(desk), scan(desk)
    pending = standing(desk)
    binance.set_fills("immediate")
    last = scan(desk)

    assert (second.status, codes(second)) == (AccountStatus.BLOCKED, {"ORDER_UNDECIDED", "STOP_NOT_EXECUTED"})
    assert [a.symbol for a in second.actions] == ["ETH/USDT"]  # another one's stop did not wait for it
    assert pending == [("STOP_NOT_EXECUTED", "BTC/USDT", Severity.CRITICAL, 2)]
    assert (third.actions, last.status, left(binance), standing(desk)) == ([], AccountStatus.COMPLIANT, set(), [])
    assert [o.symbol for o in binance.orders("platform")] == ["BTC/USDT", "ETH/USDT"]


def test_a_peak_outlives_a_restart_and_not_its_position(sqlite_desk: Desk) -> None:
    kraken = holds(sqlite_desk, "BTC", "ETH")
    tells(sqlite_desk, "BTC/USD", entry=Decimal(110))
    kraken.set_price("BTC/USD", 115)
    scan(sqlite_desk)
    kraken.set_price("BTC/USD", 112)
    scan(sqlite_desk)
    peak = sqlite_desk.tracked()["BTC/USD"].peak_price
    kraken.set_balances("platform", BTC=0)
    scan(sqlite_desk)
    kraken.set_balances("platform", BTC=1)
    kraken.set_price("BTC/USD", 108)  # 6 % below the peak of the position that is gone

    report = scan(sqlite_desk)

    assert peak == 115
    assert (report.actions, sqlite_desk.tracked()["BTC/USD"].peak_price) == ([], 108)
    assert codes(report) == {"ENTRY_UNKNOWN"}  # nor is what the old one cost the cost of this one


def test_a_position_s_own_limits_win_over_the_policy_s(sqlite_desk: Desk) -> None:
    kraken = holds(sqlite_desk, "BTC", "ETH", "SOL")
    tells(sqlite_desk, "BTC/USD", stop_loss=NEVER, trailing_stop=NEVER)
    tells(sqlite_desk, "ETH/USD", stop_loss=Decimal("0.01"))
    for symbol, price in (("BTC/USD", 50), ("ETH/USD", 98), ("SOL/USD", 98)):
        kraken.set_price(symbol, price)

    report = scan(sqlite_desk)

    assert (sold(kraken), left(kraken)) == (["ETH"], {"BTC", "SOL"})
    assert report.status is AccountStatus.COMPLIANT


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_stop_that_cannot_be_carried_out_is_escalated_once_and_tried_until_it_is(desk: Desk) -> None:
    kraken = holds(desk, "BTC", "ETH")
    kraken.set_market("BTC/USD", "halted")
    for symbol in ("BTC/USD", "ETH/USD"):
        kraken.set_price(symbol, 90)

    first, second = scan(desk), scan(desk)
    raised = standing(desk)
    kraken.set_market("BTC/USD", "online")
    last = scan(desk)

    assert [r.status for r in (first, second, last)] == [AccountStatus.FAILED] * 2 + [AccountStatus.COMPLIANT]
    (error,) = [e for e in second.errors if e.code == "STOP_NOT_EXECUTED"]
    assert (error.symbol, "market_inactive" in error.message) == ("BTC/USD", True)
    assert raised == [("STOP_NOT_EXECUTED", "BTC/USD", Severity.CRITICAL, 2)]
    assert (sold(kraken), standing(desk)) == (["ETH", "BTC"], [])


# Incident 14
@pytest.mark.parametrize(
    ("venue", "store_url"), [("kraken", "sqlite"), ("bybit", "postgresql")], indirect=["store_url"]
)
def test_a_stop_that_the_venue_refuses_stops_no_other_and_is_tried_again_by_the_next_scan(
    desk: Desk, venue: str
) -> None:
    world, quote = holds(desk, "BTC", "ETH", "SOL", venue=venue), QUOTES[venue]
    world.set_faults({"operation": "place", "symbol": f"BTC/{quote}", "fault": "auth_revoked", "times": None})
    for asset in ("BTC", "ETH", "SOL"):
        world.set_price(f"{asset}/{quote}", 90)

    refused = scan(desk)
    raised, tried = standing(desk), world.calls("place")
    world.set_faults()
    scan(desk)

    assert {a.symbol: a.outcome for a in refused.actions} == {
        f"BTC/{quote}": Outcome.REJECTED,
        f"ETH/{quote}": Outcome.FILLED,
        f"SOL/{quote}": Outcome.FILLED,
    }
    assert (refused.status, tried) == (AccountStatus.FAILED, 3)
    assert raised == [("STOP_NOT_EXECUTED", f"BTC/{quote}", Severity.CRITICAL, 1)]
    assert (left(world), standing(desk)) == (set(), [])


# Incident 14
def test_a_stop_that_hangs_keeps_no_other_from_leaving(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIJA_VENUE_TIMEOUT_SECONDS", "60")
    binance = holds(desk, "BTC", "ETH", venue="binance")
    binance.set_faults({"operation": "place", "symbol": "BTC/USDT", "fault": "hang", "times": None})
    binance.set_price("BTC/USDT", 90)
    binance.set_price("ETH/USDT", 90)

    async def run() -> bool:
        running = asyncio.create_task(scanning(desk))
        await asyncio.wait_for(until(lambda: "ETH" in sold(binance) or running.done()), 30)
        was_hanging = not running.done()
        running.cancel()
        await asyncio.wait([running])
        return was_hanging

    assert asyncio.run(run())
    assert sold(binance) == ["ETH"]


# Incident 14
def test_an_order_that_cannot_be_canceled_keeps_no_other_stop_back(desk: Desk) -> None:
    binance = holds(desk, "BTC", "ETH", venue="binance")

    async def ask() -> None:
        async with connected(binance) as client:
            await client.create_order("BTC/USDT", "limit", "sell", 1, 200)

    asyncio.run(ask())
    binance.set_faults({"operation": "cancel", "fault": "rate_limited", "times": None})
    binance.set_price("BTC/USDT", 80)
    binance.set_price("ETH/USDT", 90)

    report = scan(desk)
    binance.set_faults()
    scan(desk)

    assert "ETH/USDT" in {a.symbol for a in report.actions if a.outcome is Outcome.FILLED}
    assert (report.status, "STOP_NOT_EXECUTED" in codes(report)) == (AccountStatus.FAILED, True)
    assert (left(binance), standing(desk)) == (set(), [])


def test_an_open_breaker_keeps_a_stop_back_and_the_alert_stands(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"breaker_failure_threshold": 1, "breaker_recovery_seconds": 3600}
    binance = holds(sqlite_desk, "BTC", "ETH", venue="binance")
    binance.set_faults({"operation": "place", "fault": "refuse_before", "times": None})
    binance.set_price("BTC/USDT", 90)

    scan(sqlite_desk)
    tried = binance.calls("place")
    binance.set_price("ETH/USDT", 90)
    report = scan(sqlite_desk)

    assert (report.status, binance.calls("place")) == (AccountStatus.BLOCKED, tried)
    assert {"BREAKER_OPEN", "STOP_NOT_EXECUTED"} <= codes(report)
    assert [row[:2] for row in standing(sqlite_desk)] == [
        ("STOP_NOT_EXECUTED", "BTC/USDT"),
        ("STOP_NOT_EXECUTED", "ETH/USDT"),
    ]


# Incident 8
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_price_that_is_missing_is_no_signal(desk: Desk) -> None:
    kraken = holds(desk, "BTC", "ETH")
    seen_earlier(desk, "BTC/USD", 1000)
    kraken.set_price("BTC/USD", None)

    held = scan(desk)
    kraken.set_price("BTC/USD", 100)
    scan(desk)

    assert (held.actions, held.unvalued, [s.reason for s in held.skipped]) == ([], ["BTC/USD"], [Reason.UNVALUED])
    assert sold(kraken) == ["BTC"]


def test_a_stop_does_not_wait_for_what_a_key_may_do(sqlite_desk: Desk) -> None:
    binance = holds(sqlite_desk, "BTC", "ETH", venue="binance")
    binance.set_faults({"operation": "permissions", "fault": "maintenance", "times": None})
    binance.set_price("BTC/USDT", 90)

    report = scan(sqlite_desk)

    assert (sold(binance), report.status, codes(report)) == (["BTC"], AccountStatus.COMPLIANT, {"MAINTENANCE"})


def _interrupted(desk: Desk, happened: Callable[[], bool]) -> None:
    """Start a scan and stop it in the middle, as soon as something has happened."""

    async def run() -> None:
        running = asyncio.create_task(scanning(desk))
        await until(lambda: happened() or running.done())
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())
