from datetime import timedelta
from decimal import Decimal

import pytest

from models.market import Price
from models.position import Position
from models.reasons import NoPrice
from rules.valuation import value_holdings
from tests.builders import NOW, a_holding, a_market, a_price


def value_one(price: Price | None, *, active: bool = True) -> Position:
    (position,) = value_holdings(
        [a_holding("BTC", "0.5")],
        quote="USD",
        markets={"BTC/USD": a_market("BTC/USD", active=active)},
        prices={} if price is None else {"BTC/USD": price},
        now=NOW,
        max_price_age=timedelta(seconds=300),
    )
    return position


def test_a_holding_is_worth_quantity_times_price() -> None:
    assert value_one(a_price("50000")).value == Decimal(25_000)


def test_an_inactive_market_with_a_price_still_values_its_holding() -> None:
    assert value_one(a_price("50000"), active=False).value == Decimal(25_000)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (None, NoPrice.NO_TICKER),
        (a_price(0), NoPrice.NOT_POSITIVE),
        (a_price(-1), NoPrice.NOT_POSITIVE),
        (a_price("NaN"), NoPrice.NOT_FINITE),
        (a_price("sNaN"), NoPrice.NOT_FINITE),
        (a_price("Infinity"), NoPrice.NOT_FINITE),
        (a_price(1, at=NOW - timedelta(seconds=301)), NoPrice.STALE),
        (a_price(1, at=NOW + timedelta(seconds=61)), NoPrice.STALE),
        (a_price(1, at=NOW.replace(tzinfo=None)), NoPrice.STALE),
    ],
)
def test_a_holding_without_a_usable_price_is_kept_with_the_reason(price: Price | None, reason: NoPrice) -> None:
    position = value_one(price)

    assert (position.value, position.no_price) == (None, reason)


@pytest.mark.parametrize("seconds", [-300, 0, 60])
def test_a_price_within_its_age_and_the_clocks_skew_is_used(seconds: int) -> None:
    assert value_one(a_price(1, at=NOW + timedelta(seconds=seconds))).no_price is None


def test_an_asset_without_a_market_is_unvalued_even_where_a_price_is_known() -> None:
    (position,) = value_holdings(
        [a_holding("AUT", 5)],
        quote="USD",
        markets={},
        prices={"AUT/USD": a_price(1)},
        now=NOW,
        max_price_age=timedelta(seconds=300),
    )

    assert position.no_price is NoPrice.NO_MARKET


def test_cash_and_what_is_not_there_are_no_positions_and_the_rest_is_sorted() -> None:
    holdings = [a_holding("SOL", 0, locked=2), a_holding("USD", 900), a_holding("ETH", 0), a_holding("BTC", 1)]

    positions = value_holdings(
        holdings, quote="USD", markets={}, prices={}, now=NOW, max_price_age=timedelta(seconds=300)
    )

    assert [p.symbol for p in positions] == ["BTC/USD", "SOL/USD"]
