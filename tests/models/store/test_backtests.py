"""Finished backtests are kept as they were, and the newest of what was tested is found however it was written."""

from datetime import timedelta

from models.backtest import Backtested, KeptBacktest
from models.store.backtests import backtest, backtests, backtests_of, keep_backtest
from models.store.engine import Store
from tests.builders import NOW

CROSS = Backtested("sma-cross", {"fast": 10, "slow": 50}, "kraken", "BTC/USD", "1h")


def a_backtest(tested: Backtested = CROSS, *, hours: int = 0, sharpe: float | None = 1.5) -> KeptBacktest:
    return KeptBacktest(
        tested=tested,
        measured_at=NOW + timedelta(hours=hours),
        since=NOW - timedelta(days=30),
        until=NOW,
        bars=720,
        settings={"fee_fraction": 0.002},
        figures={"sharpe": sharpe, "return_fraction": 0.1},
        verdict="GOOD",
        points=75,
        trades=40,
        equity=((1, 10_000.0), (2, 10_001.5)),
    )


async def test_what_is_kept_is_read_back_as_it_was(store: Store) -> None:
    number = await keep_backtest(store, a_backtest(sharpe=None))

    found = await backtest(store, number)

    assert found is not None
    assert (found.tested, found.figures, found.equity) == (
        CROSS,
        {"sharpe": None, "return_fraction": 0.1},
        found.equity,
    )
    assert found.equity == ((1, 10_000.0), (2, 10_001.5))
    assert await backtest(store, number + 1) is None


async def test_the_newest_of_each_is_found_by_what_was_tested(store: Store) -> None:
    other = Backtested("sma-cross", {"fast": 10, "slow": 60}, "kraken", "BTC/USD", "1h")
    for hours, sharpe in ((0, 1.0), (1, 2.0)):
        await keep_backtest(store, a_backtest(hours=hours, sharpe=sharpe))
    await keep_backtest(store, a_backtest(other, sharpe=3.0))

    as_floats = Backtested("sma-cross", {"slow": 50.0, "fast": 10.0}, "kraken", "BTC/USD", "1h")
    never = Backtested("rsi", {}, "kraken", "BTC/USD", "1h")
    found = await backtests_of(store, [as_floats, never], since=NOW)
    later = await backtests_of(store, [as_floats], since=NOW + timedelta(hours=1))

    assert {key: [one.figures["sharpe"] for one in kept] for key, kept in found.items()} == {CROSS.key: [2.0, 1.0]}
    assert {key: [one.figures["sharpe"] for one in kept] for key, kept in later.items()} == {CROSS.key: [2.0]}
    assert [kept.figures["sharpe"] for kept in await backtests(store, limit=2)] == [3.0, 2.0]
