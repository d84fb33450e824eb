"""What is found at a venue is tracked with what it cost by the venue's own fills, or with no entry at all."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from brokers.simulator.handle import RunningVenue
from flows.adopt_positions import adopt_fleet
from flows.over_accounts import AccountsRequest
from models.adoption import Adoption, PositionSource
from models.adoption_report import AdoptedPosition, AdoptionReport
from models.order import Intent
from models.reasons import ActionKind, Mode
from models.store.alerts import alerts
from models.store.leases import hold
from models.store.position_configs import set_config
from models.store.tables import TRACKED
from tasks.runtime import Runtime, open_account
from tests.drills.desk import QUOTES, Desk
from tests.drills.venues import each_venue_on_a_store

pytestmark = pytest.mark.wire

_SETTLED_WITHIN_SECONDS = 90
_BETWEEN_LOOKS = timedelta(milliseconds=50)


def adopt(desk: Desk) -> AdoptionReport:
    desk.write_fleet()
    return asyncio.run(adopt_fleet(AccountsRequest(fleet=str(desk.fleet))))


def positions(desk: Desk) -> dict[str, AdoptedPosition]:
    (account,) = adopt(desk).accounts
    assert account.status == "ok", account.errors
    return {position.symbol: position for position in account.positions}


def opens(
    desk: Desk,
    holds: dict[str, Any],
    trades: list[tuple[Any, ...]],
    *,
    venue: str = "kraken",
    prices: dict[str, Any] | None = None,
    **world: Any,
) -> RunningVenue:
    """Open a venue whose account has traded before: (asset, side, quantity, price, hours ago[, fee])."""
    quote = QUOTES[venue]
    past = [
        {
            "symbol": f"{asset}/{quote}",
            "side": side,
            "quantity": str(quantity),
            "price": str(price),
            "hours_ago": str(hours),
            "fee": str(fee[0]) if fee else "0",
        }
        for asset, side, quantity, price, hours, *fee in trades
    ]
    prices = prices or dict.fromkeys(holds, 100)
    return desk.opens(venue, prices=prices, holds={"platform": holds}, trades={"platform": past}, **world)


# E1, E2
@each_venue_on_a_store
def test_every_venue_tells_what_a_position_cost_and_adopting_twice_changes_nothing(desk: Desk, venue: str) -> None:
    quote = QUOTES[venue]
    running = opens(
        desk,
        {"BTC": "1", "SOL": "0.51389914"},
        [
            ("BTC", "buy", 3, 30_000, 300),
            ("BTC", "sell", 3, 70_000, 290),
            ("BTC", "buy", 1, 40_000, 200),
            ("BTC", "buy", 1, 60_000, 100),
            ("BTC", "sell", 1, 90_000, 50),
            ("SOL", "buy", "0.51389914", "81.99", 20),
        ],
        venue=venue,
        prices={"BTC": 50_000, "SOL": 42},
    )

    first, tracked = positions(desk), desk.tracked()
    second = positions(desk)

    assert [p.code for p in first.values()] == [Adoption.ADOPTED] * 2
    assert {s: Decimal(str(p.entry_price)) for s, p in first.items()} == {
        f"BTC/{quote}": 50_000,
        f"SOL/{quote}": Decimal("81.99"),
    }
    assert [p.code for p in second.values()] == [Adoption.ALREADY_ADOPTED] * 2
    assert desk.tracked() == tracked
    assert tracked[f"SOL/{quote}"].quantity == Decimal("0.51389914")
    held_for = datetime.now(UTC) - (tracked[f"BTC/{quote}"].entry_at or datetime.now(UTC))
    assert timedelta(hours=199) < held_for < timedelta(hours=201)
    assert len(running.orders("platform")) == 6  # of before: none was sent


# incidents 10, 12
def test_what_the_fills_do_not_tell_is_held_without_an_entry_and_says_why(desk: Desk) -> None:
    holds = {"ETH": 1, "SOL": 1, "ADA": 1, "DOGE": "0.001", "AUT": 5}
    opens(
        desk,
        holds,
        [("ETH", "buy", "0.5", 2000, 9), ("ADA", "buy", 1, 90, 8, 1)],
        prices={**dict.fromkeys(holds, 100), "AUT": None},
    )

    report = adopt(desk)

    found = {p.symbol: p for p in report.accounts[0].positions}
    assert {s: p.code for s, p in found.items()} == {
        "ADA/USD": Adoption.ADOPTED,
        "AUT/USD": Adoption.UNVALUED,
        "DOGE/USD": Adoption.DUST,
        "ETH/USD": Adoption.FILLS_DO_NOT_ADD_UP,
        "SOL/USD": Adoption.NO_FILLS,
    }
    assert {s for s, p in found.items() if p.entry_price is not None} == {"ADA/USD"}
    assert found["ADA/USD"].entry_price == "91"  # with its fee, and not what it is worth today
    totals = report.totals
    assert totals.entry_known + totals.entry_unknown + totals.left_aside == totals.positions == len(holds)
    standing = desk.in_store(alerts)
    assert {(a.alert.code, a.alert.symbol) for a in standing} == {
        ("ENTRY_UNKNOWN", "ETH/USD"),
        ("ENTRY_UNKNOWN", "SOL/USD"),
    }
    assert report.exit_code == 2


# incident 10
def test_an_adoption_after_a_restart_keeps_the_first_sight_and_the_entry(desk: Desk) -> None:
    opens(desk, {"ETH": 2}, [("ETH", "buy", 2, "1785.89673974", 100)])
    positions(desk)
    long_ago = datetime.now(UTC) - timedelta(days=9)
    desk.in_store(lambda store: store.execute(update(TRACKED).values(first_seen_at=long_ago)))

    positions(desk)
    desk.run(live=False)

    kept = desk.tracked()["ETH/USD"]
    assert (kept.first_seen_at, kept.entry_price) == (long_ago, Decimal("1785.89673974"))
    assert kept.source is PositionSource.BROKER_EXISTING


# incident 11
def test_what_grew_is_replaced_never_added_and_its_entry_is_found_anew(desk: Desk) -> None:
    kraken = opens(desk, {"ETH": 2}, [("ETH", "buy", 2, 80, 100)])
    positions(desk)
    buy(desk, "ETH/USD", "2")
    desk.run(live=False)
    outgrown = desk.tracked()["ETH/USD"]

    found = positions(desk)["ETH/USD"]

    assert (outgrown.quantity, outgrown.entry_price, outgrown.entry_source) == (4, 80, None)
    assert (found.code, found.quantity) == (Adoption.ADOPTED, "4")
    assert Decimal(str(found.entry_price)) == (160 + 200 + kraken.fills("platform")[-1].fee) / 4


# E3
def test_a_failed_read_forgets_nothing_and_a_good_one_drops_what_is_gone(desk: Desk) -> None:
    kraken = opens(desk, {"BTC": 1, "ONDO": "15.92884793", "RENDER": 2}, [("BTC", "buy", 1, 90, 10)])
    positions(desk)
    before = desk.tracked()
    kraken.set_balances("platform", ONDO=0, RENDER=0)
    kraken.set_faults({"operation": "balance", "fault": "empty_result", "times": None})

    failed = adopt(desk).accounts[0]
    kept = desk.tracked()
    kraken.set_faults()
    good = adopt(desk).accounts[0]

    assert (failed.status, failed.gone, kept) == ("failed", [], before)
    assert good.gone == ["ONDO/USD", "RENDER/USD"]
    assert set(desk.tracked()) == {"BTC/USD"}


def test_fills_that_cannot_be_read_leave_one_symbol_unknown_and_the_others_adopted(sqlite_desk: Desk) -> None:
    binance = opens(
        sqlite_desk, {"BTC": 1, "ETH": 1}, [("BTC", "buy", 1, 90, 10), ("ETH", "buy", 1, 95, 10)], venue="binance"
    )
    binance.set_faults({"operation": "trades", "symbol": "BTC/USDT", "fault": "status", "times": None})

    found = positions(sqlite_desk)

    assert {s: p.code for s, p in found.items()} == {
        "BTC/USDT": Adoption.FILLS_UNREADABLE,
        "ETH/USDT": Adoption.ADOPTED,
    }
    binance.set_faults()
    assert positions(sqlite_desk)["BTC/USDT"].code is Adoption.ADOPTED
    assert sqlite_desk.in_store(alerts) == ()


def test_a_persons_word_stands_where_no_fill_tells_and_only_there(sqlite_desk: Desk) -> None:
    opens(sqlite_desk, {"ETH": 1, "SOL": 1}, [("SOL", "buy", 1, 70, 10)])
    positions(sqlite_desk)
    for symbol in ("ETH/USD", "SOL/USD"):
        sqlite_desk.in_store(
            lambda store, symbol=symbol: set_config(
                store,
                "platform",
                symbol,
                {},
                entry_price=Decimal(60),
                by="ann",
                reason="a transfer",
                now=datetime.now(UTC),
            )
        )

    found = positions(sqlite_desk)

    assert (found["ETH/USD"].code, found["ETH/USD"].entry_source) == (Adoption.ADOPTED_BY_HAND, "by_hand")
    assert [found[s].entry_price for s in ("ETH/USD", "SOL/USD")] == ["60", "70"]


def test_what_our_own_ledger_bought_is_told_from_what_was_there(sqlite_desk: Desk) -> None:
    opens(sqlite_desk, {"SOL": 1}, [("SOL", "buy", 1, 70, 10)], prices={"SOL": 100, "ETH": 100})
    buy(sqlite_desk, "ETH/USD", "1")

    found = positions(sqlite_desk)

    assert {s: p.source for s, p in found.items()} == {
        "ETH/USD": PositionSource.NIJA_STRATEGY,
        "SOL/USD": PositionSource.BROKER_EXISTING,
    }


def buy(desk: Desk, symbol: str, quantity: str) -> None:
    """Buy through the ledger, as a run of ours does, and wait for the end of the order."""

    async def run(runtime: Runtime) -> None:
        (account,) = runtime.fleet.choose(["platform"])
        async with (
            hold(runtime.store, "platform", runtime.holder) as lease,
            open_account(runtime, account, run_id="run", mode=Mode.LIVE) as at,
        ):
            intent = Intent(
                client_order_id="0123456789abcdef0123456789abcdef",
                account="platform",
                mode=Mode.LIVE,
                policy_version=at.policy.version,
                run_id="run",
                plan_id="plan",
                cycle=1,
                kind=ActionKind.TOP_UP,
                symbol=symbol,
                side="buy",
                quantity=Decimal(quantity),
                expected_price=Decimal(100),
                holding_before=Decimal(0),
            )
            await at.ledger.commit(lease, [intent], at.clock.now())
            await at.orders.send_once(lease, intent)
            # Its answer may be late on a loaded machine, and its outcome unknown until the venue can be asked again.
            async with asyncio.timeout(_SETTLED_WITHIN_SECONDS):
                while await at.orders.settle():
                    await at.clock.sleep(_BETWEEN_LOOKS)
            (bought,) = (await at.ledger.by_id([intent.client_order_id])).values()
            assert bought.state.is_final, bought  # refused at Coinbase, which takes no buy by its quantity

    usual = desk.policy
    desk.policy = usual | {"order_deadline_seconds": 60}  # else the venue refuses what a loaded machine sends late
    desk.at_runtime(run)
    desk.policy = usual
