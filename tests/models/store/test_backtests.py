"""Finished backtests are kept as they were, and the newest of what was tested is found however it was written."""

from datetime import timedelta

from models.backtest import Backtested, KeptBacktest
from models.store.backtests import backtest, backtests, keep_backtest, newest_backtests
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
    found = await newest_backtests(store, [as_floats, never])

    assert {key: kept.figures["sharpe"] for key, kept in found.items()} == {CROSS.key: 2.0}
    assert [kept.figures["sharpe"] for kept in await backtests(store, limit=2)] == [3.0, 2.0]
