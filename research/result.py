"""What a backtest did: trades, equity at each close, and what could not be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.bars import Bars, Floats, Integers
from research.settings import BacktestSettings

Trades = npt.NDArray[np.void]  # of research.kernel.terms.TRADE


class Left(StrEnum):
    """Why a position was left, in the order of the kernel's numbers."""

    HELD = "held"
    SIGNAL = "signal"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    TIME_LIMIT = "time_limit"
    LIQUIDATED = "liquidated"  # a short position lost all that was put in
    END_OF_DATA = "end_of_data"


class Unfilled(StrEnum):
    """Why an entry signal led to no order."""

    NO_CASH = "no_cash"
    TOO_SMALL = "too_small"  # below the least amount of an order
    NO_VOLUME = "no_volume"  # nobody traded in the bar at whose open it was due
    SHORT_NOT_ALLOWED = "short_not_allowed"
    CAP_REACHED = "cap_reached"
    HELD_ALREADY = "held_already"  # the same side was held
    LAST_BAR = "last_bar"  # there is no next open


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One backtest. `time`, `equity`: one entry per bar of any symbol; equity at the bar's close, in quote.

    `trades`: in the order in which they ended; `symbol` is a position in `bars`, `pnl` is after both fees,
    `return_fraction` is of what was put in. A trade's `open` says that it was not sold: it is marked at the last close,
    without an exit fee. `ambiguous_bars`: in which the order of high and low mattered to a position and is not known;
    `resolved_bars`: where finer bars told. `cut_entries`: made smaller to what the cash paid for.
    """

    bars: tuple[Bars, ...]
    settings: BacktestSettings
    time: Integers
    equity: Floats
    trades: Trades
    unfilled: Mapping[Unfilled, int]
    ambiguous_bars: int
    resolved_bars: int
    cut_entries: int

    @property
    def gaps(self) -> int:
        """How many gaps there are in the bars of all symbols."""
        return sum(bars.gaps for bars in self.bars)

    @property
    def final_equity(self) -> float:
        """The equity after the last bar, in quote."""
        return float(self.equity[-1])

    @property
    def fees(self) -> float:
        """All fees that were paid, in quote."""
        return float(self.trades["entry_fee"].sum() + self.trades["exit_fee"].sum())

    @property
    def open_trades(self) -> int:
        """How many positions were marked at the end, not sold."""
        return int(self.trades["open"].sum())

    @property
    def exposed_bars(self) -> int:
        """In how many bars something was held, for however short a time."""
        order = np.argsort(self.trades["entry_bar"], kind="stable")
        first, last = self.trades["entry_bar"][order], self.trades["exit_bar"][order]
        seen = np.concatenate(([-1], np.maximum.accumulate(last)[:-1])) if len(last) else last
        return int(np.maximum(0, last - np.maximum(seen, first - 1)).sum())

    def table(self) -> pd.DataFrame:
        """Return the trades with symbols, sides and reasons in words, and aware times in UTC."""
        table = pd.DataFrame({name: self.trades[name] for name in self.trades.dtype.names or ()})
        table["symbol"] = [self.bars[at].symbol for at in self.trades["symbol"]]
        table["side"] = np.where(self.trades["side"] > 0, "long", "short")
        table["reason"] = [tuple(Left)[code].value for code in self.trades["reason"]]
        for name in ("entry_time", "exit_time"):
            table[name] = pd.to_datetime(self.trades[name], unit="s", utc=True)
        return table
