"""What the kernels are handed and hand back: plain numbers, tuples of them, and the table of trades."""

from typing import Any, NamedTuple

import numpy as np

TOUCH = 1e-12  # a limit is crossed, not touched: what is this near to it (a fraction) is a rounding of the touch
DUST = 1e-9  # of the initial cash: no order is smaller

HOLD, SIGNAL, STOP, TAKE, TRAILING, TIME, LIQUIDATED, END = range(8)  # why a position is left
NO_CASH, TOO_SMALL, NO_VOLUME, NO_SHORT, CAP, AMBIGUOUS, RESOLVED, CUT = range(8)  # what is counted
COUNTS = 8
FOREVER = 2**62  # seconds
CLEAR, UNCLEAR, CLEARED = range(3)  # doubts

Whole = int | np.int64

TRADE = np.dtype(
    [
        ("symbol", np.int64),
        ("side", np.int64),
        ("entry_bar", np.int64),
        ("entry_time", np.int64),
        ("entry_price", np.float64),
        ("exit_bar", np.int64),
        ("exit_time", np.int64),
        ("exit_price", np.float64),
        ("quantity", np.float64),
        ("entry_fee", np.float64),
        ("exit_fee", np.float64),
        ("pnl", np.float64),
        ("return_fraction", np.float64),
        ("reason", np.int64),
        ("open", np.bool_),
    ],
    align=True,
)
HOLDING = np.dtype(
    [(name, np.float64) for name in ("side", "quantity", "price", "worth", "fee")]
    + [("bar", np.int64), ("time", np.int64)]
)


class Terms(NamedTuple):
    """What is assumed, as plain numbers: no limit is infinite. Unit: as in `BacktestSettings`."""

    cash: float
    fee: float
    slippage: float
    quote: float
    fraction: float
    most: float
    minimum: float
    stop: float
    take: float
    trailing: float
    hold: int
    cap: int
    short: bool
    airless: bool  # a bar without volume can be traded in
    close_at_end: bool


class Candles(NamedTuple):
    """The columns of bars."""

    time: Any
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any


class Sparse(NamedTuple):
    """Signals, and at which bars there are any, in order."""

    entries: Any
    exits: Any
    events: Any


class Finer(NamedTuple):
    """Bars of a shorter step, and which rows of them are the symbol's."""

    bars: Candles
    first: int
    last: int


class Walked(NamedTuple):
    """What became of a position in a bar: why it is left (HOLD: it is not), where, and its peak; prices times the side.

    `doubt`: whether another order of the bar's extremes would have led elsewhere.
    """

    reason: int
    price: float
    peak: float
    doubt: int


class Position(NamedTuple):
    """What is held. `side`: 1, -1, or 0 for nothing. `worth`: what was put in, without the fee."""

    side: float
    quantity: float
    price: float
    worth: float
    fee: float
    bar: Whole
    time: Whole


class Sale(NamedTuple):
    """What a position left brings: its price, its fee, and what the cash grows by."""

    price: float
    fee: float
    cash: float
