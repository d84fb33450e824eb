"""What went wrong once, replayed: each test is named after what happened, and numbered as in the list of incidents."""

import asyncio
import json
from decimal import Decimal

import pytest
from sqlalchemy import delete

from brokers.simulator.orders import Status
from models.reasons import AccountStatus, Block, Mode, Outcome, Reason
from models.store.engine import Store
from models.store.tables import FILLS, ORDERS, SNAPSHOTS, TRACKED
from tests.brokers.simulator.clients import connected
from tests.drills.desk import Desk, codes, left, sold
from tests.drills.venues import each_venue_on_a_store

pytestmark = pytest.mark.wire

TEN = {f"P{i}": 100 + 10 * i for i in range(10)}


# incident 1
@pytest.mark.parametrize("operation", ["balance", "tickers"])
def test_rate_limiting_did_not_make_an_account_look_smaller(desk: Desk, operation: str) -> None:
    kraken = desk.worth(TEN, faults=[{"operation": operation, "fault": "rate_limited", "times": None}])

    report, answer = desk.run(), desk.entry("P0/USD")

    assert (report.status, report.positions_before) == (AccountStatus.BLOCKED, None)
    assert (answer.allowed, answer.reasons) == (False, [Block.POSITIONS_UNREADABLE])
    assert kraken.calls("place") == 0


# incident 1
def test_prices_that_were_missing_did_not_lower_the_count(desk: Desk) -> None:
    kraken = desk.worth(TEN, faults=[{"operation": "tickers", "fault": "missing_rows", "fraction": 0.3}])

    report = desk.run()

    unpriced = {symbol.split("/")[0] for symbol in report.unvalued}
    assert 0 < len(unpriced) < 10
    assert report.positions_before == 10
    assert unpriced <= left(kraken)
    assert len(sold(kraken)) == 2


# incident 1
def test_holdings_missing_from_the_balance_stopped_the_account(desk: Desk) -> None:
    kraken = desk.worth(TEN, faults=[{"operation": "balance", "fault": "missing_rows", "times": None}])

    report = desk.run()

    assert (report.status, codes(report)) == (AccountStatus.BLOCKED, {"EQUITY_MISMATCH"})
    assert kraken.calls("place") == 0


# incident 2
def test_the_tracker_said_two_and_the_venue_seven(desk: Desk) -> None:
    desk.policy["max_positions"] = 5
    prices = {f"P{i}": 100 for i in range(8)}
    kraken = desk.opens(prices=prices, holds={"platform": {"P0": 1, "P1": 1}})
    desk.run()
    kraken.set_balances("platform", **{f"P{i}": 1 for i in range(2, 7)})

    assert len(desk.tracked()) == 2
    assert desk.entry("P7/USD").reasons == [Block.CAP_REACHED]


# incident 2
def test_a_purchase_still_waiting_at_the_venue_holds_its_slot(desk: Desk) -> None:
    desk.policy["max_positions"] = 2
    kraken = desk.opens(prices={"BTC": 1000, "ETH": 500, "SOL": 100}, holds={"platform": {"BTC": 1}})

    async def bid() -> None:
        async with connected(kraken) as client:
            await client.create_order("ETH/USD", "limit", "buy", 0.1, 400)

    asyncio.run(bid())

    assert desk.entry("SOL/USD").reasons == [Block.CAP_REACHED]


# incident 3
def test_dollars_in_the_place_of_base_units_sold_nothing(desk: Desk) -> None:
    wrong = {"error": [], "result": {"ZUSD": _entry("1000"), "XXBT": _entry("16.92"), "XETH": _entry("1")}}
    balance = {"operation": "balance", "fault": "status", "status": 200, "body": json.dumps(wrong), "times": None}
    kraken = desk.opens(
        prices={"BTC": 50_000, "ETH": 2500},
        holds={"platform": {"BTC": "0.0003384", "ETH": 1}},  # 16.92 dollars' worth of BTC
        faults=[balance],
    )
    desk.policy["max_positions"] = 1

    report = desk.run()

    assert (report.status, codes(report)) == (AccountStatus.BLOCKED, {"EQUITY_MISMATCH"})
    assert kraken.calls("place") == 0


# incident 4
def test_one_position_was_sold_once_by_one_run_after_the_other(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
    lag = "1.5"  # the balance still shows what is sold already
    binance = desk.worth({"BTC": 1000, "ETH": 500}, venue="binance", balance_lag_seconds=lag)

    desk.normalize()
    desk.normalize()

    assert sold(binance) == ["ETH"]
    assert left(binance) == {"BTC"}


# incident 4
def test_every_order_and_fill_says_whose_it_is_and_whether_money_was_real(desk: Desk) -> None:
    desk.worth({"BTC": 1000, "ETH": 5})
    desk.run()

    async def rows(store: Store) -> list[tuple[str, str, str]]:
        async with store.reading() as connection:
            return [
                (table.name, row.account, row.mode)
                for table in (ORDERS, FILLS)
                for row in await connection.execute(table.select())
            ]

    assert desk.in_store(rows) == [("orders", "platform", Mode.LIVE), ("fills", "platform", Mode.LIVE)]


# incident 5
def test_a_position_that_was_sold_in_part_is_still_tracked_with_what_is_left(desk: Desk) -> None:
    desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    binance = desk.worth(
        {"BTC": 1000, "ETH": 500}, venue="binance", fills=[{"mode": "partial", "fraction": "0.4", "cancel_rest": True}]
    )

    report = desk.run()

    assert binance.balances("platform")["ETH"] == Decimal("0.6")
    assert desk.tracked()["ETH/USDT"].quantity == Decimal("0.6")
    assert (report.status, report.positions_after) == (AccountStatus.HALTED, 2)


# incident 6
def test_a_fault_that_refused_every_sale_raised_an_alarm(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
    refusal = {"operation": "place", "fault": "error", "code": "EGeneral:Invalid arguments", "times": None}
    kraken = desk.worth({"BTC": 1000, "ETH": 500, "SOL": 100}, faults=[refusal])

    report = desk.run()

    assert report.status is AccountStatus.HALTED
    assert {"ZERO_PROGRESS", "CAP_NOT_REACHED"} <= codes(report)
    assert {a.outcome for a in report.actions} == {Outcome.REJECTED}
    assert left(kraken) == {"BTC", "ETH", "SOL"}


# incident 7
@each_venue_on_a_store
def test_twenty_awkward_quantities_were_all_sold_at_the_first_try(desk: Desk, venue: str) -> None:
    steps = ("1", "0.1", "0.01", "0.00001")
    assets = {f"A{i}": steps[i % len(steps)] for i in range(20)}
    world = desk.opens(
        venue,
        prices=dict.fromkeys(assets, 3),
        holds={"platform": dict.fromkeys(assets, "1.23456789")},
        sizes={asset: {"lot_step": step, "min_quantity": step} for asset, step in assets.items()},
    )

    report = desk.run()

    assert {call.outcome for call in world.call_log() if call.operation == "place"} == {"ok"}
    assert sorted(sold(world)) == sorted(assets)
    assert report.status is AccountStatus.COMPLIANT
    assert {str(o.filled) for o in world.orders("platform")} == {"1", "1.2", "1.23", "1.23456"}


# incident 7
@each_venue_on_a_store
def test_what_an_open_order_held_was_freed_before_it_was_sold(desk: Desk, venue: str) -> None:
    desk.policy["max_positions"] = 1
    world = desk.worth({"BTC": 1000, "ETH": 500}, venue=venue)
    symbol = world.world.markets[1].symbol

    async def offer() -> None:
        async with connected(world) as client:
            await client.create_order(symbol, "limit", "sell", 0.7, 900)

    asyncio.run(offer())

    report = desk.run()

    assert [(o.status, o.filled) for o in world.orders("platform")] == [(Status.CANCELED, 0), (Status.FILLED, 1)]
    assert report.status is AccountStatus.COMPLIANT


# incident 8
def test_a_holding_that_could_not_be_sold_was_not_tried_in_every_cycle(desk: Desk) -> None:
    kraken = desk.worth({"BTC": 1000, "OLD": "1.72"}, sizes={"OLD": {"min_quantity": 10}})

    reports = [desk.run(), desk.run(), desk.run()]

    assert kraken.calls("place") == 0
    assert [r.blacklisted for r in reports] == [["OLD/USD"]] * 3


# incident 8
def test_a_sale_that_the_venue_refused_was_tried_once_and_then_rested(desk: Desk) -> None:
    refusal = {"operation": "place", "fault": "error", "code": "EGeneral:Invalid arguments:volume minimum not met"}
    kraken = desk.worth({"BTC": 1000, "OLD": "1.72"}, faults=[{**refusal, "times": None}])

    reports = [desk.run(), desk.run(), desk.run()]

    assert kraken.calls("place") == 1
    assert [s.reason for s in reports[2].skipped] == [Reason.REFUSED_BEFORE]


# incident 8
def test_a_price_that_went_missing_was_no_signal_to_sell(desk: Desk) -> None:
    kraken = desk.worth({"BTC": 1000, "ETH": 500})
    desk.run()
    kraken.set_price("ETH/USD", None)

    report = desk.run()

    assert (report.unvalued, report.actions, report.positions_after) == (["ETH/USD"], [], 2)
    assert left(kraken) == {"BTC", "ETH"}


# incident 9
def test_six_of_eight_slots_were_dust(desk: Desk) -> None:
    dust = {f"D{i}": f"0.{90 - i}" for i in range(6)}
    desk.worth(dust | {"BTC": 1000, "ETH": 500}, sizes={asset: {"min_quantity": 10} for asset in dust})

    report = desk.run()

    assert (report.holdings_after, report.positions_after) == (8, 2)
    assert desk.entry("BTC/USD").allowed


# incident 9
@pytest.mark.parametrize(("price", "counted"), [("1.24", 1), ("1.25", 2)])
def test_dust_at_the_threshold_did_not_flicker(desk: Desk, price: str, counted: int) -> None:
    kraken = desk.worth({"BTC": 1000, "OLD": "0.90"}, sizes={"OLD": {"min_quantity": 10}})
    desk.run()
    kraken.set_price("OLD/USD", price)

    assert desk.run().positions_after == counted


# incident 11
def test_a_restart_did_not_double_what_is_tracked(desk: Desk) -> None:
    held = {"SOL": "0.51389914", "ETH": "0.25"}
    kraken = desk.opens(prices={"SOL": "81.99", "ETH": 2500}, holds={"platform": held})
    first_seen = []

    for _ in range(3):
        desk.run()
        first_seen.append({symbol: t.first_seen_at for symbol, t in desk.tracked().items()})

    assert {s.split("/")[0]: t.quantity for s, t in desk.tracked().items()} == {
        asset: kraken.balances("platform")[asset] for asset in held
    }
    assert first_seen[0] == first_seen[2]


# incident 12
def test_four_were_found_and_each_was_told_why_it_stayed(desk: Desk) -> None:
    kraken = desk.opens(
        prices={"OLD": "0.50", "AUT": None, "CAND": 9, "SOL": 4},
        holds={"platform": {"OLD": 1, "AUT": 5, "CAND": 1, "SOL.S": 1}},
        sizes={"OLD": {"min_quantity": 10}},
    )
    desk.run()

    report = desk.run()

    assert {s.symbol: s.reason for s in report.skipped} == {
        "OLD/USD": Reason.BLACKLISTED,
        "AUT/USD": Reason.UNVALUED,
        "CAND/USD": Reason.CONSOLIDATION_CANDIDATE,
        "SOL/USD": Reason.LOCKED_AT_VENUE,
    }
    assert set(desk.tracked()) == {s.symbol for s in report.skipped}
    assert kraken.calls("place") == 0


# incident 13
def test_a_local_record_that_was_empty_did_not_hide_what_the_venue_holds(desk: Desk) -> None:
    kraken = desk.worth(TEN)
    desk.run(live=False)

    async def lose_the_record(store: Store) -> None:
        async with store.writing() as connection:
            await connection.execute(delete(TRACKED))

    desk.in_store(lose_the_record)
    report = desk.run()

    assert report.positions_before == 10
    assert sold(kraken) == ["P0", "P1"]
    assert len(desk.tracked()) == 8


# incident 19
def test_arb_was_not_read_as_ar_and_busd(desk: Desk) -> None:
    kraken = desk.worth({"ARB": "0.50", "AR": 20, "BUSD": 30})

    report = desk.run()

    assert [(o.symbol, o.status) for o in kraken.orders("platform")] == [("ARB/USD", Status.FILLED)]
    assert left(kraken) == {"AR", "BUSD"}
    assert report.dust == ["ARB/USD"]


# incident 19
def test_xbt_and_xdg_are_btc_and_doge_everywhere_in_the_report(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
    kraken = desk.worth({"BTC": 5, "DOGE": "0.50", "ETH": 400, "XRP": 300})

    report = desk.run()

    assert sorted(a.symbol for a in report.actions) == ["BTC/USD", "DOGE/USD", "XRP/USD"]
    pairs = {c.params["pair"] for c in kraken.call_log() if c.operation == "place"}
    assert pairs == {"XXBTZUSD", "XDGUSD", "XXRPZUSD"}
    assert left(kraken) == {"ETH"}


# incident 19
def test_a_coin_without_a_market_was_named_and_left_alone(desk: Desk) -> None:
    kraken = desk.opens(prices={"BTC": 1000}, holds={"platform": {"BTC": 1, "AUT": 5}})

    report = desk.run()

    assert report.unvalued == ["AUT/USD"]
    assert report.positions_after == 2
    assert left(kraken) == {"BTC", "AUT"}


# incident 23
@each_venue_on_a_store
def test_markets_that_could_not_be_fetched_were_not_made_up(desk: Desk, venue: str) -> None:
    world = desk.worth(TEN, venue=venue, faults=[{"operation": "markets", "fault": "status", "times": None}])

    report = desk.run()

    assert (report.status, report.positions_before, report.equity_before_usd) == (AccountStatus.BLOCKED, None, None)
    assert world.calls("place") == 0


# incident 23
def test_every_price_says_where_it_came_from_and_when(desk: Desk) -> None:
    desk.worth({"BTC": 1000, "AUT": None})
    desk.run()

    async def positions(store: Store) -> list[dict[str, str]]:
        async with store.reading() as connection:
            return list((await connection.execute(SNAPSHOTS.select())).one().positions)

    unpriced, priced = desk.in_store(positions)
    assert (unpriced["price"], unpriced["price_source"], unpriced["no_price"]) == (None, None, "no_ticker")
    assert (Decimal(priced["price"]), priced["price_source"]) == (1000, "ticker.last")
    assert priced["priced_at"]


def _entry(total: str) -> dict[str, str]:
    return {"balance": total, "hold_trade": "0"}
