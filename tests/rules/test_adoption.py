from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.adoption import Entry, EntrySource, PositionSource
from models.position import Tracked
from rules.adoption import Trade, adopt, back_to_nothing, cost_basis, entry_of, gone
from tests.builders import NOW, a_fill, a_position, a_snapshot


def price_of(*trades: Trade, quantity: int | str) -> Decimal | None:
    basis = cost_basis(trades, Decimal(quantity), base="BTC", quote="USD")
    return None if basis is None else basis.price


def test_adopting_twice_leaves_the_quantity_unchanged() -> None:  # case E1
    snapshot = a_snapshot(a_position("SOL/USD", "42.13", free="0.51389914"))
    entries = {"SOL/USD": Decimal("81.99")}

    once = adopt({}, snapshot, now=NOW, entry_prices=entries)
    twice = adopt(once, snapshot, now=NOW + timedelta(hours=1), entry_prices=entries)

    price = a_position("SOL/USD", "42.13", free="0.51389914").price
    assert price is not None
    tracked = Tracked("SOL/USD", Decimal("0.51389914"), Decimal("81.99"), NOW, once["SOL/USD"].value)
    assert twice == once == {"SOL/USD": replace(tracked, peak_price=price.value)}


def test_an_entry_price_survives_a_snapshot_without_one() -> None:  # case E1
    tracked = {"ETH/USD": Tracked("ETH/USD", Decimal(2), Decimal("1785.89673974"), NOW)}

    adopted = adopt(tracked, a_snapshot(a_position("ETH/USD", free=2)), now=NOW)

    assert adopted["ETH/USD"].entry_price == Decimal("1785.89673974")


def test_a_position_without_a_known_entry_is_tracked_without_one() -> None:
    adopted = adopt({}, a_snapshot(a_position("ETH/USD", None)), now=NOW)

    assert adopted["ETH/USD"].entry_price is None


@pytest.mark.parametrize(("price", "peak"), [("90", "100"), ("110", "110"), (None, "100")])
def test_a_peak_is_raised_by_a_read_and_never_lowered(price: str | None, peak: str) -> None:
    tracked = {"ETH/USD": Tracked("ETH/USD", Decimal(1), None, NOW, peak_price=Decimal(100))}

    adopted = adopt(tracked, a_snapshot(a_position("ETH/USD", price)), now=NOW)

    assert adopted["ETH/USD"].peak_price == Decimal(peak)


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


def test_a_fee_that_was_not_told_may_have_taken_a_little_of_what_was_bought() -> None:
    trade = Trade("buy", a_fill(1, 40_000, fee=None, fee_asset=None))

    assert price_of(trade, quantity="0.9975") == Decimal(40_000) / Decimal("0.9975")
    assert price_of(trade, quantity="0.99") is None


def test_the_trades_back_to_nothing_leave_out_what_was_bought_and_sold_before() -> None:
    newest_first = [
        Trade("buy", a_fill("0.5", trade_id="5")),
        Trade("sell", a_fill(1, trade_id="4")),
        Trade("buy", a_fill("1.5", trade_id="3")),
        Trade("sell", a_fill(7, trade_id="2")),
        Trade("buy", a_fill(7, trade_id="1")),
    ]

    found = back_to_nothing(newest_first, Decimal(1), base="BTC")

    assert found == tuple(newest_first[:3])
    assert back_to_nothing(newest_first[:2], Decimal(1), base="BTC") is None


def test_a_position_is_ours_when_every_buy_of_it_is() -> None:
    trades = [Trade("buy", a_fill(1, at=NOW), "A"), Trade("buy", a_fill(1, at=NOW - timedelta(hours=5)), "B")]

    ours, mixed = (
        entry_of(trades, Decimal(2), base="BTC", quote="USD", ours=known) for known in ({"A", "B", "C"}, {"A"})
    )

    assert ours == Entry(Decimal(40_000), EntrySource.FILLS, NOW - timedelta(hours=5), PositionSource.NIJA_STRATEGY)
    assert mixed is not None
    assert mixed.source is PositionSource.BROKER_EXISTING


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 50), st.integers(1, 900), st.booleans()), max_size=12),
    st.integers(0, 12),
)
def test_what_fills_explain_lies_between_their_prices_whatever_went_before(
    moves: list[tuple[bool, int, int, bool]], cut: int
) -> None:
    held, trades = 0, []
    for n, (buys, quantity, price, is_fee_told) in enumerate(moves):
        sold = min(held, quantity)
        held += quantity if buys else -sold
        if buys or sold:
            fill = a_fill(quantity if buys else sold, price, trade_id=str(n), fee=0 if is_fee_told else None)
            trades.append(Trade("buy" if buys else "sell", replace(fill, at=NOW + timedelta(minutes=n))))

    entry = None if held == 0 else _entry(trades, held)
    partly = None if held == 0 else _entry(trades[cut:], held)

    bought = [trade.fill.price for trade in trades if trade.side == "buy"]
    assert (entry is None) is (held == 0)
    assert entry is None or entry.price is None or min(bought) * Decimal("0.99999") <= entry.price <= max(bought)
    assert partly is None or partly == entry  # of a part of the history: the same, or nothing


def _entry(trades: list[Trade], held: int) -> Entry | None:
    history = back_to_nothing(trades[::-1], Decimal(held), base="BTC")
    return entry_of(history, Decimal(held), base="BTC", quote="USD", ours=())


def test_what_grew_has_lost_the_source_of_its_entry_and_keeps_its_price() -> None:
    before = Tracked("ETH/USD", Decimal(2), Decimal(100), NOW, entry_source=EntrySource.FILLS)

    grown, same = (
        adopt({"ETH/USD": before}, a_snapshot(a_position("ETH/USD", free=free)), now=NOW)["ETH/USD"] for free in (3, 2)
    )

    assert (grown.entry_price, grown.entry_source) == (100, None)
    assert same.entry_source is EntrySource.FILLS


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
