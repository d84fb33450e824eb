"""Trade one symbol by signals, bar by bar; where nothing can happen, many bars at a stride."""

from typing import Any

import numpy as np

from research.kernel.compiled import compiled
from research.kernel.orders import against, at_open, calm, enter, finish, leave, nothing, order, record, tell
from research.kernel.path import refine, walk_bar
from research.kernel.terms import (
    COUNTS,
    FOREVER,
    HOLD,
    NO_VOLUME,
    TRADE,
    UNCLEAR,
    Candles,
    Finer,
    Position,
    Sparse,
    Terms,
    Whole,
)


@compiled
def wait(at: int, events: Any, due: int, entries: Any, cash: float, equity: Any) -> tuple[int, int]:
    """Write the equity of the bars from this one on before whose open nothing is wanted.

    Return the bar after them, and which event is due there. An event is a bar with a signal; it is due at the next one.
    """
    while due < len(events) and (events[due] + 1 < at or entries[events[due]] == 0):
        due += 1
    end = min(events[due] + 1, len(equity)) if due < len(events) else len(equity)
    equity[at:end] = cash
    return end, due


@compiled
def rest(
    at: int,
    bars: Candles,
    signals: Sparse,
    due: int,
    held: Position,
    low: float,
    high: float,
    until: Whole,
    base: float,
    units: float,
    equity: Any,
) -> tuple[int, int]:
    """Write the equity of the bars from this one on in which nothing can happen to a position; else as `wait`."""
    events, last, end = signals.events, len(equity), at
    watched = low > -np.inf or high < np.inf or until < bars.time[-1]
    while due < len(events) and events[due] + 1 < at:
        due += 1
    while True:
        bound = min(events[due] + 1, last) if due < len(events) else last
        if watched:
            while end < bound and bars.low[end] > low and bars.high[end] < high and bars.time[end] <= until:
                end += 1
            if end < bound:
                break
        end = bound
        if end == last or against(signals.entries[end - 1], signals.exits[end - 1], held.side):
            break
        due += 1
    for row in range(at, end):
        equity[row] = base + units * bars.close[row]
    return end, due


@compiled
def simulate(
    bars: Candles, signals: Sparse, scale: Any, finer: Candles, step: int, terms: Terms, equity: Any
) -> tuple[Any, Whole, Any]:
    """Trade one symbol; write the equity at each close. Return the trades, how many there are, and what was counted.

    Shape: `scale`: what the base of a size is multiplied with, by the bar of the signal; one number where it is always
    the same. `finer`: empty where there are none.
    """
    trades, counts = np.empty(64, TRADE), np.zeros(COUNTS, np.int64)
    count, alone = np.int64(0), np.int64(0)  # a literal would compile all that it is handed to once more
    details = Finer(finer, 0, len(finer.time))
    limited = terms.stop < np.inf or terms.take < np.inf or terms.trailing < np.inf
    timed = (
        terms.hold < FOREVER
    )  # columns that nothing depends on are left alone: to fetch them costs more than all else
    held, cash, peak, leaving = nothing(), terms.cash, 0.0, False
    base, units, low, high = cash, 0.0, 0.0, 0.0  # equity is base + units * close; between low and high all is calm
    at = due = 0
    while at < len(equity):
        if held.side == 0:
            at, due = wait(at, signals.events, due, signals.entries, cash, equity)
        elif not leaving:
            until = held.time + terms.hold
            at, due = rest(at, bars, signals, due, held, low, high, until, base, units, equity)
        if at == len(equity):
            break
        entry = signals.entries[at - 1]
        leaving = held.side != 0 and (leaving or against(entry, signals.exits[at - 1], held.side))
        if terms.airless or bars.volume[at] > 0:
            price = bars.open[at]
            now = bars.time[at] if timed else np.int64(0)
            if held.side != 0:
                reason = at_open(held, price, now, peak, leaving, terms)
                if reason != HOLD:
                    sale = leave(held, price, terms)
                    trades = record(trades, count, alone, held, at, sale, reason)
                    held, cash, count = nothing(), cash + sale.cash, count + 1
            if held.side == 0 and entry != 0:
                refused, amount = order(entry, cash, cash, scale[at - 1 if scale.size > 1 else 0], terms, counts)
                if not refused:
                    held = enter(float(entry), at, now, price, amount, terms)
                    cash, peak, leaving = cash - held.worth - held.fee, entry * held.price, False
            if held.side < 0 or (held.side > 0 and limited):
                high, low = bars.high[at], bars.low[at]
                walked = walk_bar(held.side, price, high, low, bars.close[at], held.price, peak, terms)
                if walked.doubt == UNCLEAR and details.last > 0:
                    start = bars.time[at]
                    walked = refine(walked, start, start + step, high, low, details, held, peak, terms)
                peak = walked.peak
                tell(walked, counts)
                if walked.reason != HOLD:
                    sale = leave(held, held.side * walked.price, terms)
                    trades = record(trades, count, alone, held, at, sale, walked.reason)
                    held, cash, count = nothing(), cash + sale.cash, count + 1
        elif entry != 0 and entry != held.side:
            counts[NO_VOLUME] += 1
        low, high = calm(held, peak, terms)
        base = cash + held.worth - held.side * held.quantity * held.price
        units = held.side * held.quantity
        equity[at] = base + units * bars.close[at]
        at += 1
    if held.side != 0:
        trades, brought = finish(trades, count, alone, held, len(equity) - 1, bars.close[-1], bars.volume[-1], terms)
        equity[-1], count = cash + brought, count + 1
    return trades, count, counts
