"""`nija size`: the size that volatility makes, by the venue's own candles, and the same in an entry check."""

import asyncio
import time

import pytest

from brokers.simulator.handle import RunningVenue
from models.clock import SystemClock
from models.history import Series, Timeframe
from models.store.counters import counts
from models.store.engine import Store
from tests.cli.command import Nija, Ran
from tests.cli.test_normalize import Is, check_fields, is_amount, is_any, is_text
from tests.models.store.history import HOUR, a_walk, keep

pytestmark = pytest.mark.wire

SIZE: dict[str, Is] = {
    "account": is_text,
    "symbol": is_text,
    "asked_usd": is_amount,
    "size_usd": is_amount,
    "method": is_text,
    "reason": is_text,
    "flagged": lambda value: isinstance(value, bool),
    "volatility_fraction": is_any,
    "volatility_unknown": is_any,
    "source": is_text,
    "candles": is_any,
    "as_of": is_any,
    "portfolio_usd": is_any,
    "detail": is_text,
}


def url_of(nija: Nija) -> str:
    nija.home.mkdir(exist_ok=True)
    return f"sqlite:///{nija.home / 'nija.db'}"


def knows_a_wild_market(nija: Nija) -> None:
    """Keep some hours of SOL/USD that move by some 4 % each."""

    async def kept() -> None:
        async with await Store.open(url_of(nija)) as store:
            walk = a_walk(30, end=int(time.time()) // HOUR * HOUR)
            walk["close"] = [100 * 1.04 ** (n % 2) for n in range(30)]
            walk["high"], walk["low"], walk["open"] = 105.0, 99.0, 100.0
            await keep(store, walk, Series("kraken", "SOL/USD", Timeframe(HOUR)))

    asyncio.run(kept())


def counted(nija: Nija) -> dict[str, int]:
    async def read() -> dict[str, int]:
        async with await Store.open(url_of(nija)) as store:
            return await counts(store, now=SystemClock().now(), days=2)

    return asyncio.run(read())


def ask(nija: Nija, command: str, symbol: str, usd: str = "100", *more: str) -> Ran:
    return nija(command, "--account", "second", "--symbol", symbol, "--usd", usd, "--json", *more)


def test_a_wild_market_gets_less_and_an_entry_check_says_the_same_and_counts_it(
    offline: Nija, kraken: RunningVenue
) -> None:
    offline.serves(kraken, "second", max_positions=9)
    knows_a_wild_market(offline)

    answered, checked = ask(offline, "size", "SOL/USD", "20"), ask(offline, "entry-check", "SOL/USD", "20")

    assert (answered.code, checked.code) == (0, 0)
    size = answered.report
    check_fields(size, SIZE)
    assert (size["size_usd"], size["reason"], size["flagged"]) == ("15.00", "moderate_volatility", False)
    assert float(size["volatility_fraction"]) == pytest.approx(0.04, abs=0.001)
    assert (checked.report["size"]["size_usd"], checked.report["usd"]) == ("15.00", "20.00")
    happened = counted(offline)
    assert (happened["sized_entries"], happened["volatility_adjustments"]) == (1, 1)


def test_without_candles_the_size_is_the_smaller_one_and_it_is_flagged(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "second", max_positions=9, sizing_method="inverse_volatility")

    answered, checked = ask(offline, "size", "SOL/USD", "20"), ask(offline, "entry-check", "SOL/USD", "20")

    assert answered.report["size_usd"] == "10.00"
    assert (answered.report["flagged"], answered.report["volatility_unknown"]) == (True, "not_stored")
    assert float(answered.report["portfolio_usd"]) > 0
    assert checked.report["size"]["reason"] == "volatility_unknown"
    assert "sized_entries" not in counted(offline)


def test_inverse_volatility_makes_a_calm_entry_larger_but_never_more_than_its_part(
    offline: Nija, kraken: RunningVenue
) -> None:
    knows_a_wild_market(offline)
    offline.serves(kraken, "second", sizing_method="inverse_volatility", sizing_cap_fraction="0.5")
    larger = ask(offline, "size", "SOL/USD", "20").report

    offline.serves(kraken, "second", sizing_method="inverse_volatility", sizing_cap_fraction="0.01")
    capped = ask(offline, "size", "SOL/USD", "20").report

    assert larger["reason"] == "scaled"
    assert float(larger["size_usd"]) == pytest.approx(20 * 0.10 / float(larger["volatility_fraction"]), abs=0.01)
    assert capped["reason"] == "capped"
    assert float(capped["size_usd"]) == pytest.approx(float(capped["portfolio_usd"]) / 100, abs=0.01)


def test_what_is_no_market_of_the_account_is_refused(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "second")

    assert ask(offline, "size", "SOL/EUR").complaint == (
        "CONFIG_ERROR --symbol: 'SOL/EUR' is no market of second (allowed: BASE/USD)"
    )
