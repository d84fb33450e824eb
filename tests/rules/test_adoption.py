from datetime import timedelta
from decimal import Decimal

import pytest

from models.position import Tracked
from rules.adoption import Trade, adopt, cost_basis, gone
from tests.builders import NOW, a_fill, a_position, a_snapshot


def price_of(*trades: Trade, quantity: int | str) -> Decimal | None:
    basis = cost_basis(trades, Decimal(quantity), base="BTC", quote="USD")
    return None if basis is None else basis.price


def test_adopting_twice_leaves_the_quantity_unchanged() -> None:  # case E1
    snapshot = a_snapshot(a_position("SOL/USD", "42.13", free="0.51389914"))
    entries = {"SOL/USD": Decimal("81.99")}

    once = adopt({}, snapshot, now=NOW, entry_prices=entries)
    twice = adopt(once, snapshot, now=NOW + timedelta(hours=1), entry_prices=entries)

    assert (
        twice
        == once
        == {"SOL/USD": Tracked("SOL/USD", Decimal("0.51389914"), Decimal("81.99"), NOW, once["SOL/USD"].value)}
    )


def test_an_entry_price_survives_a_snapshot_without_one() -> None:  # case E1
    tracked = {"ETH/USD": Tracked("ETH/USD", Decimal(2), Decimal("1785.89673974"), NOW)}

    adopted = adopt(tracked, a_snapshot(a_position("ETH/USD", free=2)), now=NOW)

    assert adopted["ETH/USD"].entry_price == Decimal("1785.89673974")


def test_a_position_without_a_known_entry_is_tracked_without_one() -> None:
    adopted = adopt({}, a_snapshot(a_position("ETH/USD", None)), now=NOW)

    assert adopted["ETH/USD"].entry_price is None


def test_adoption_replaces_a_quantity_and_keeps_the_first_time_seen() -> None:
    tracked = {"ETH/USD": Tracked("ETH/USD", Decimal(5), None, NOW - timedelta(days=3))}

    adopted = adopt(tracked, a_snapshot(a_position("ETH/USD", free=2)), now=NOW)

    assert (adopted["ETH/USD"].quantity, adopted["ETH/USD"].entry_price) == (Decimal(2), None)
    assert adopted["ETH/USD"].first_seen_at == NOW - timedelta(days=3)


def test_two_buys_average() -> None:  # case E2
    buys = [Trade("buy", a_fill(1, 40_000)), Trade("buy", a_fill(1, 60_000))]

    assert price_of(*buys, quantity=2) == 50_000


def test_a_sale_leaves_the_average() -> None:  # case E2
    assert price_of(Trade("buy", a_fill(2, 50_000)), Trade("sell", a_fill(1, 70_000)), quantity=1) == 50_000


def test_a_fee_in_quote_is_part_of_the_cost() -> None:  # case E2
    assert price_of(Trade("buy", a_fill(1, 50_000, fee=50)), quantity=1) == 50_050


def test_without_fills_the_cost_is_unknown() -> None:  # case E2
    assert price_of(quantity=1) is None


@pytest.mark.parametrize("quantity", ["0.9", "1.1"])
def test_fills_that_do_not_explain_the_quantity_leave_the_cost_unknown(quantity: str) -> None:
    assert price_of(Trade("buy", a_fill(1, 50_000)), quantity=quantity) is None


def test_a_sale_of_what_was_never_bought_leaves_the_cost_unknown() -> None:
    assert price_of(Trade("sell", a_fill(1)), Trade("buy", a_fill(2)), quantity=1) is None


def test_a_fee_in_base_makes_what_is_left_dearer() -> None:
    trade = Trade("buy", a_fill(1, 50_000, fee="0.2", fee_asset="BTC"))

    assert price_of(trade, quantity="0.8") == 62_500


@pytest.mark.parametrize(("fee", "asset"), [(None, None), ("0.01", "BNB"), ("1", None)])
def test_a_fee_that_cannot_be_counted_is_said_to_be_missing(fee: str | None, asset: str | None) -> None:
    basis = cost_basis([Trade("buy", a_fill(fee=fee, fee_asset=asset))], Decimal(1), base="BTC", quote="USD")

    assert basis is not None
    assert (basis.price, basis.fees_complete) == (40_000, False)


def test_fills_are_taken_in_the_order_of_their_times() -> None:
    trades = [
        Trade("sell", a_fill(1, 60_000, at=NOW)),
        Trade("buy", a_fill(1, 40_000, at=NOW - timedelta(hours=2))),
        Trade("buy", a_fill(1, 50_000, at=NOW + timedelta(hours=1))),
    ]

    assert price_of(*trades, quantity=1) == 50_000


def test_what_a_successful_read_no_longer_shows_is_gone() -> None:  # case E3
    tracked = ["ONDO/USD", "RENDER/USD", "BTC/USD"]

    assert gone(tracked, a_snapshot(a_position("BTC/USD"))) == ("ONDO/USD", "RENDER/USD")


def test_a_failed_read_removes_nothing() -> None:  # case E3
    assert gone(["ONDO/USD", "BTC/USD"], None) == ()


def test_an_unvalued_holding_is_not_gone() -> None:
    assert gone(["AUT/USD"], a_snapshot(a_position("AUT/USD", None))) == ()
