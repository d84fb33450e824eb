"""Trade the same crosses by Nija, by vectorbt and by backtesting.py, and compare them trade for trade.

Same bars, same costs, same fills: at the next open, everything put in (or a fixed amount), what is open at the end is
marked. The number of trades must be the same and the final equity within 1e-9 of it, or this exits with 1.

    make bench-research
"""

import sys
from collections.abc import Callable

import numpy as np
from bars import a_walk
from foreign import CASH, Foreign, VectorBt, backtesting_py
from rich.console import Console
from rich.table import Table

from research.bars import Bars
from research.engine import run
from research.grid import cross
from research.result import Result
from research.settings import AtEnd, BacktestSettings, Limits, Sizing
from research.signals import CLOSE_SHORT, Signals

NEAR = 1e-9
MINUTES, PAIRS = 100_000, ((10, 100), (20, 300), (50, 1000), (200, 5000))
FEE, SLIPPAGE = 0.002, 0.001


def main() -> int:
    """Compare and print; return how many comparisons failed."""
    bars = a_walk(MINUTES)
    table = Table(title=f"{MINUTES:,} bars of a minute, {len(PAIRS)} pairs of averages")
    for name in ("against", "what", "pair", "trades", "theirs", "final equity", "off by"):
        table.add_column(name, justify="left" if name in {"against", "what"} else "right")
    failed = 0
    for against, what, ours, theirs in comparisons(bars):
        for pair in PAIRS:
            mine, other = ours(pair), theirs(pair)
            off = abs(mine.final_equity / other.final_equity - 1)
            trades = len(mine.trades) - (0 if other.counts_open else mine.open_trades)
            good = trades == other.trades and off < NEAR
            failed += not good
            table.add_row(
                against,
                what,
                f"{pair[0]}/{pair[1]}",
                str(trades),
                str(other.trades),
                f"{mine.final_equity:.6f}",
                f"{off:.1e}",
                style="" if good else "red",
            )
    Console(width=110).print(table)
    return failed


Pair = tuple[int, int]
Comparison = tuple[str, str, Callable[[Pair], Result], Callable[[Pair], Foreign]]


def comparisons(bars: Bars) -> list[Comparison]:
    """Return who is compared at what, and how both are run."""
    vector, costs, free = VectorBt(bars), {"fee": FEE, "slippage": SLIPPAGE}, {"fee": FEE, "slippage": 0.0}
    joined = _joined(bars)
    limits = Limits(stop_loss_fraction=0.01, take_profit_fraction=0.015)

    def by_vectorbt(**how: object) -> Callable[[Pair], Foreign]:
        return lambda pair: vector.crosses([pair], **how)[0]

    return [
        ("vectorbt", "long", _ours(bars, costs, short=False), by_vectorbt(**costs)),
        ("vectorbt", "short", _ours(bars, costs, long=False), by_vectorbt(**costs, direction="shortonly")),
        ("vectorbt", "long and short", _ours(bars, costs), by_vectorbt(**costs, direction="both")),
        (
            "vectorbt",
            "long, 500 each, no slippage",
            _ours(bars, free, short=False, sizing=Sizing.of_quote(500)),
            by_vectorbt(**free, size=500.0, size_type="value"),
        ),
        (
            "backtesting.py",
            "long, no slippage",
            _ours(bars, free, short=False),
            lambda pair: backtesting_py(bars, pair, fee=FEE),
        ),
        (
            "backtesting.py",
            "the same, stop 1 %, target 1.5 %",
            _ours(joined, free, short=False, limits=limits),
            lambda pair: backtesting_py(joined, pair, fee=FEE, stop=0.01, target=0.015),
        ),
    ]


def _ours(
    bars: Bars, costs: dict[str, float], *, long: bool = True, short: bool = True, **more: object
) -> Callable[[Pair], Result]:
    settings = BacktestSettings(
        initial_cash=CASH,
        fee_fraction=costs["fee"],
        slippage_fraction=costs["slippage"],
        allow_short=short,
        at_end=AtEnd.MARK,
        **more,
    )

    def trade(pair: Pair) -> Result:
        entry = cross(bars, *pair)
        if long:
            return run(bars, Signals.of(entry), settings)
        return run(bars, Signals.of(np.minimum(entry, 0), np.where(entry > 0, CLOSE_SHORT, 0)), settings)

    return trade


def _joined(bars: Bars) -> Bars:
    """Return the bars, each opening where the last one closed: there, limits of the signal's close are ours too."""
    opens = np.concatenate((bars.open[:1], bars.close[:-1]))
    return Bars.of(
        bars.symbol,
        bars.time,
        open=opens,
        high=np.maximum(bars.high, opens),
        low=np.minimum(bars.low, opens),
        close=bars.close,
        volume=bars.volume,
    )


if __name__ == "__main__":
    sys.exit(min(main(), 1))
