"""Trade several symbols by signals, bar by bar, out of one cash and under one cap."""

from typing import Any

import numpy as np

from research.kernel.compiled import compiled
from research.kernel.orders import against, at_open, calm, enter, finish, leave, nothing, order, record, tell, worth
from research.kernel.path import refine, walk_bar
from research.kernel.terms import (
    CAP,
    COUNTS,
    HOLD,
    HOLDING,
    NO_VOLUME,
    TRADE,
    UNCLEAR,
    Candles,
    Finer,
    Position,
    Terms,
    Whole,
)


@compiled
def look(holdings: Any, at: int) -> Position:
    """Return the position of one symbol."""
    held = holdings[at]
    return Position(held.side, held.quantity, held.price, held.worth, held.fee, held.bar, held.time)


@compiled
def keep(holdings: Any, at: int, position: Position) -> None:
    """Write down the position of one symbol."""
    held = holdings[at]
    held.side, held.quantity, held.price = position.side, position.quantity, position.price
    held.worth, held.fee, held.bar, held.time = position.worth, position.fee, position.bar, position.time


@compiled
def simulate_together(
    bars: Candles,
    starts: Any,
    entries: Any,
    exits: Any,
    scale: Any,
    finer: Candles,
    finer_starts: Any,
    step: int,
    terms: Terms,
    grid: Any,
    equity: Any,
) -> tuple[Any, Whole, Any]:
    """Trade several symbols that share the cash and the cap; the earlier in the list, the earlier served.

    Shape: the symbols' columns one after the other, symbol s from `starts[s]` up to `starts[s + 1]`; `grid`: all times
    at which one of them has a bar.
    """
    symbols = len(starts) - 1
    trades, count, counts = np.empty(64, TRADE), np.int64(0), np.zeros(COUNTS, np.int64)
    holdings, peaks, leaving = np.zeros(symbols, HOLDING), np.zeros(symbols), np.zeros(symbols, np.bool_)
    rows, live, marks = starts[:-1] - 1, np.zeros(symbols, np.bool_), np.zeros(symbols)
    lows, highs = np.zeros(symbols), np.zeros(symbols)
    cash, slots = terms.cash, terms.cap
    for at in range(len(grid)):
        now = grid[at]
        for s in range(symbols):
            live[s] = rows[s] + 1 < starts[s + 1] and bars.time[rows[s] + 1] == now
            if not live[s]:
                continue
            rows[s] += 1
            row, held = rows[s], look(holdings, s)
            marks[s], live[s] = bars.open[row], bars.volume[row] > 0 or terms.airless
            if held.side != 0:
                leaving[s] = leaving[s] or against(entries[row - 1], exits[row - 1], held.side)
                still = bars.low[row] > lows[s] and bars.high[row] < highs[s] and now - held.time <= terms.hold
                if still and not leaving[s]:
                    live[s] = False  # nothing can happen to it
                    continue
                reason = at_open(held, marks[s], now, peaks[s], leaving[s], terms) if live[s] else HOLD
                if reason != HOLD:
                    sale = leave(held, marks[s], terms)
                    trades = record(trades, count, s, held, at, sale, reason)
                    cash, count, slots = cash + sale.cash, count + 1, slots + 1
                    keep(holdings, s, nothing())
            if not live[s] and row > starts[s] and entries[row - 1] != 0 and entries[row - 1] != held.side:
                counts[NO_VOLUME] += 1
        total = cash
        for s in range(symbols):
            total += worth(look(holdings, s), marks[s])
        for s in range(symbols):
            row = rows[s]
            entry = entries[row - 1] if live[s] and row > starts[s] else 0
            if entry == 0 or holdings[s].side != 0:
                continue
            if slots == 0:
                counts[CAP] += 1
                continue
            refused, amount = order(entry, total, cash, scale[row - 1 if scale.size > 1 else 0], terms, counts)
            if not refused:
                held = enter(float(entry), at, now, marks[s], amount, terms)
                keep(holdings, s, held)
                cash, slots = cash - held.worth - held.fee, slots - 1
                peaks[s], leaving[s] = entry * held.price, False
        for s in range(symbols):
            if live[s] and holdings[s].side != 0:
                held = look(holdings, s)
                row, peak = rows[s], peaks[s]
                high, low = bars.high[row], bars.low[row]
                walked = walk_bar(held.side, bars.open[row], high, low, bars.close[row], held.price, peak, terms)
                if walked.doubt == UNCLEAR and finer_starts[s + 1] > finer_starts[s]:
                    details = Finer(finer, finer_starts[s], finer_starts[s + 1])
                    walked = refine(walked, now, now + step, high, low, details, held, peak, terms)
                peaks[s] = walked.peak
                tell(walked, counts)
                lows[s], highs[s] = calm(held, peaks[s], terms)
                if walked.reason != HOLD:
                    sale = leave(held, held.side * walked.price, terms)
                    trades = record(trades, count, s, held, at, sale, walked.reason)
                    cash, count, slots = cash + sale.cash, count + 1, slots + 1
                    keep(holdings, s, nothing())
            if rows[s] >= starts[s]:
                marks[s] = bars.close[rows[s]]
        equity[at] = cash
        for s in range(symbols):
            equity[at] += worth(look(holdings, s), marks[s])
    for s in range(symbols):
        held, row = look(holdings, s), rows[s]
        if held.side != 0:
            trades, brought = finish(trades, count, s, held, len(grid) - 1, bars.close[row], bars.volume[row], terms)
            cash, count = cash + brought, count + 1
    equity[-1] = cash
    return trades, count, counts
