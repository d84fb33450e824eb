"""Dust and its blacklist, by their acceptance cases."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.dust import DustMark
from models.reasons import AccountStatus, ActionKind, Mode, Outcome, Reason
from models.store.dust import mark, mark_by_hand, remove_mark, standing_marks
from models.store.engine import Store
from tests.drills.desk import Desk, codes, left, sold

pytestmark = pytest.mark.wire

TOO_MUCH = {"min_quantity": "1000"}  # more than anybody here holds: such a market sells nothing of it
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


# A1
async def test_a_mark_survives_a_restart_and_the_removal_of_another(store_url: str) -> None:
    marks = {
        f"{asset}/USD": DustMark(f"{asset}/USD", Reason.BELOW_MINIMUM_QUANTITY, Decimal(value), NOW)
        for asset, value in {"DUST": "0.50", "TINY": "0.25"}.items()
    }
    async with await Store.open(store_url) as store:
        await mark(store, "platform", marks, mode=Mode.LIVE, policy_version="v")
        await remove_mark(store, "platform", "TINY/USD", by="operator", reason="a drill", now=NOW)

    async with await Store.open(store_url) as reopened:
        assert await standing_marks(reopened, "platform") == {"DUST/USD": marks["DUST/USD"]}


# A1
def test_what_cannot_be_sold_is_listed_and_still_is_in_the_next_run(desk: Desk) -> None:
    sizes = {"DUST": TOO_MUCH, "TINY": TOO_MUCH}
    kraken = desk.worth({"DUST": "0.50", "TINY": "0.25", "BTC": 1000}, sizes=sizes)
    first = desk.run()

    second = desk.run()

    assert first.blacklisted == second.blacklisted == ["DUST/USD", "TINY/USD"]
    assert (second.status, second.actions) == (AccountStatus.COMPLIANT, [])
    assert kraken.calls("place") == 0


# A2
def test_dust_is_strictly_below_the_threshold(desk: Desk) -> None:
    values = {"AAA": "0.50", "BBB": "0.25", "CCC": 10, "DDD": "0.75", "EEE": 50, "ONE": "1.00"}
    desk.worth(values)

    report = desk.run(live=False)

    assert report.dust == ["AAA/USD", "BBB/USD", "DDD/USD"]
    assert report.positions_before == 3
    assert {a.symbol: a.kind for a in report.actions}["ONE/USD"] is ActionKind.CLOSE_SMALL


A3_PRICES = {"BTC": 50_000, "ETH": 2_500, "DOGE": "0.15"}
A3_HELD = {"BTC": "0.0001", "ETH": "0.0002", "DOGE": 5}


# A3
def test_dust_is_a_matter_of_value_and_not_of_quantity(desk: Desk) -> None:
    kraken = desk.opens(prices=A3_PRICES, holds={"platform": A3_HELD})

    report = desk.run()

    assert report.dust == ["DOGE/USD", "ETH/USD"]
    assert {o.symbol: o.filled for o in kraken.orders("platform")} == {
        "ETH/USD": Decimal("0.0002"),
        "DOGE/USD": Decimal(5),
        "BTC/USD": Decimal("0.0001"),  # five dollars: no dust, but below the minimum position
    }


# A3
def test_a_dry_run_sends_no_order(desk: Desk) -> None:
    kraken = desk.opens(prices=A3_PRICES, holds={"platform": A3_HELD})

    report = desk.run(live=False)

    assert {a.outcome for a in report.actions} == {Outcome.PLANNED}
    assert (kraken.calls("place"), kraken.calls("cancel")) == (0, 0)
    assert left(kraken) == {"BTC", "ETH", "DOGE"}


# A4
def test_dust_takes_no_slot(desk: Desk) -> None:
    desk.policy["max_positions"] = 3
    kraken = desk.worth({"BTC": 1000, "DUST1": "0.30", "ETH": 500, "DUST2": "0.50", "SOL": 100})

    report = desk.run()

    assert report.positions_before == 3
    assert left(kraken) == {"BTC", "ETH", "SOL"}


# A5
def test_less_than_a_lot_step_is_marked_and_more_is_sold_down_to_it(desk: Desk) -> None:
    step = {"lot_step": "0.01", "min_quantity": "0.01"}
    kraken = desk.opens(
        prices={"LESS": 100, "MORE": 10},
        holds={"platform": {"LESS": "0.005", "MORE": "0.055"}},
        sizes={"LESS": step, "MORE": step},
    )

    report = desk.run()

    assert [(o.symbol, o.filled) for o in kraken.orders("platform")] == [("MORE/USD", Decimal("0.05"))]
    assert report.blacklisted == ["LESS/USD", "MORE/USD"]  # what is left of MORE is less than a step too


# A1
def test_what_an_operator_put_on_the_blacklist_is_neither_sold_nor_offered_and_counts_once_it_grew(
    sqlite_desk: Desk,
) -> None:
    binance = sqlite_desk.worth(
        {"DUST": "0.50", "TINY": "0.25", "BTC": 1000}, venue="binance", sizes={"TINY": TOO_MUCH}
    )
    why = {"by": "operator", "reason": "a drill", "mode": Mode.LIVE, "policy_version": "v", "now": NOW}
    for symbol in ("DUST/USDT", "TINY/USDT"):
        assert sqlite_desk.in_store(lambda store, s=symbol: mark_by_hand(store, "platform", s, **why))

    left_alone = sqlite_desk.run()
    offers_asked = binance.calls("dust_offer")
    binance.set_price("DUST/USDT", "1.50")
    grown = sqlite_desk.run(live=False)

    assert (left_alone.status, left_alone.actions) == (AccountStatus.COMPLIANT, [])
    assert (left_alone.blacklisted, offers_asked) == (["DUST/USDT", "TINY/USDT"], 0)
    assert (grown.positions_after, codes(grown), grown.actions) == (2, {"DUST_REGREW"}, [])


# A6
def test_dust_that_grew_counts_again_with_an_alert(desk: Desk) -> None:
    kraken = desk.worth({"DUST": "0.50", "BTC": 1000}, sizes={"DUST": TOO_MUCH})
    before = desk.run()
    kraken.set_price("DUST/USD", "1.50")

    after = desk.run()

    assert (before.positions_after, after.positions_after) == (1, 2)
    assert "DUST_REGREW" in codes(after)
    assert sold(kraken) == []
