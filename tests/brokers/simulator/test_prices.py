"""Check the price path: a pure function of seed, symbol and time, with the stated volatility."""

import math
import statistics
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from brokers.simulator.manners import VenueName
from brokers.simulator.prices import DAY_MS, PricePath
from brokers.simulator.world import Market

NOW = 1_750_000_000_000
INSTANTS = st.integers(min_value=NOW - 400 * DAY_MS, max_value=NOW + 400 * DAY_MS)


def a_path(seed: int = 7, volatility: str = "0.05", spread: str = "0") -> PricePath:
    market = Market(
        symbol="BTC/USD", price=Decimal(50000), volatility_per_day=Decimal(volatility), spread_bps=Decimal(spread)
    )
    return PricePath(seed, {"BTC/USD": market.completed(VenueName.KRAKEN)})


@given(INSTANTS)
def test_the_same_seed_and_time_give_the_same_price(at_ms: int) -> None:
    assert a_path().last("BTC/USD", at_ms) == a_path().last("BTC/USD", at_ms)


@given(INSTANTS)
def test_a_price_lies_on_its_tick(at_ms: int) -> None:
    price = a_path().last("BTC/USD", at_ms)

    assert price > 0
    assert price % Decimal("0.1") == 0


@given(INSTANTS)
def test_the_last_price_lies_between_bid_and_ask(at_ms: int) -> None:
    quote = a_path(spread="15").quote("BTC/USD", at_ms)

    assert quote.bid <= quote.last <= quote.ask


@given(INSTANTS, st.sampled_from([60_000, 3_600_000, DAY_MS]))
def test_a_candle_encloses_its_open_and_close(at_ms: int, span_ms: int) -> None:
    candle = a_path().candle("BTC/USD", at_ms, span_ms, at_ms + 2 * span_ms)

    assert candle.low <= min(candle.open, candle.close)
    assert max(candle.open, candle.close) <= candle.high


def test_the_price_does_not_move_without_volatility() -> None:
    path = a_path(volatility="0")

    assert {path.last("BTC/USD", NOW + step * DAY_MS) for step in range(50)} == {Decimal(50000)}


def test_days_move_as_much_as_the_volatility_says() -> None:
    path = a_path()
    prices = [float(path.last("BTC/USD", NOW + day * DAY_MS)) for day in range(600)]

    moves = [math.log(later / earlier) for earlier, later in pairwise(prices)]

    assert 0.035 < statistics.stdev(moves) < 0.065


def test_seeds_give_different_paths() -> None:
    assert a_path(seed=1).last("BTC/USD", NOW) != a_path(seed=2).last("BTC/USD", NOW)


def test_a_price_set_by_hand_leaves_the_past_as_it_was() -> None:
    path = a_path()
    before = path.last("BTC/USD", NOW - 1)
    path.set_price("BTC/USD", Decimal(70000), NOW)

    assert path.last("BTC/USD", NOW - 1) == before
    assert path.last("BTC/USD", NOW) == Decimal(70000)


def test_a_market_without_a_price_has_no_candles() -> None:
    path = a_path(volatility="0")
    path.set_price("BTC/USD", None, NOW)

    assert path.candle("BTC/USD", NOW + 1, 60_000, NOW + 60_001) is None
