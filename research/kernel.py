"""Trade one symbol's bars by signals, bar by bar. docs/research.md ("How a bar is traded") has the rules by number.

All that is compiled together stands in this file: numba knows a kept kernel to be stale only by its own source file.
Both sides of a trade share one path: a price is looked at as `side * price`, so that up is always in the position's
favour.
"""

from typing import Any, NamedTuple

import numpy as np

from research.compiled import compiled

TOUCH = 1e-12  # a limit is crossed, not touched: what is this near to it (a fraction) is a rounding of the touch
DUST = 1e-9  # of the initial cash: no order is smaller

HOLD, SIGNAL, STOP, TAKE, TRAILING, TIME, LIQUIDATED, END = range(8)  # why a position is left
NO_CASH, TOO_SMALL, NO_VOLUME, NO_SHORT, CAP, AMBIGUOUS, RESOLVED, CUT = range(8)  # what is counted
COUNTS = 8
FOREVER = 2**62  # seconds
CLEAR, UNCLEAR, CLEARED = range(3)  # doubts

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
    bar: int
    time: int


class Sale(NamedTuple):
    """What a position left brings: its price, its fee, and what the cash grows by."""

    price: float
    fee: float
    cash: float


@compiled
def below(price: float, level: float) -> bool:
    """Whether it crossed the level downwards. No level: minus infinity."""
    return bool(level - price > TOUCH * abs(price))


@compiled
def above(price: float, level: float) -> bool:
    """Whether it crossed the level upwards. No level: infinity."""
    return bool(price - level > TOUCH * abs(price))


@compiled
def loss(entry: float, terms: Terms) -> float:
    """Return the stop loss of a position: a short one is closed by the venue once what was put in is lost."""
    return terms.stop if entry > 0 else min(terms.stop, 1.0)


@compiled
def walk(first: float, bad: float, good: float, last: float, entry: float, peak: float, terms: Terms) -> Walked:
    """Lead a position through one bar: open, the worse extreme, the better one, close. All prices times the side."""
    size = abs(entry)
    stop = entry - size * loss(entry, terms)
    left = LIQUIDATED if entry < 0 and terms.stop > 1 else STOP
    take = entry + size * terms.take
    peak = max(peak, first)
    trail = peak - terms.trailing * abs(peak)
    if below(first, stop):
        return Walked(left, first, peak, CLEAR)
    if above(first, take):
        return Walked(TAKE, first, peak, CLEAR)
    if below(first, trail):
        return Walked(TRAILING, first, peak, CLEAR)
    stops_first = stop >= trail or not above(trail, stop)
    down = stop if stops_first else trail
    risen = max(peak, good)
    raised = risen - terms.trailing * abs(risen)
    if below(bad, down):
        unsure = above(good, take) or above(raised, down)
        return Walked(left if stops_first else TRAILING, down, peak, UNCLEAR if unsure else CLEAR)
    if above(good, take):
        return Walked(TAKE, take, risen, CLEAR)
    if below(last, raised):
        return Walked(TRAILING, raised, risen, CLEAR)
    return Walked(HOLD, 0.0, risen, UNCLEAR if below(bad, raised) else CLEAR)


@compiled
def walk_bar(
    side: float, first: float, high: float, low: float, last: float, entry: float, peak: float, terms: Terms
) -> Walked:
    """Lead a position through one bar by its prices."""
    if side > 0:
        return walk(first, low, high, last, entry, peak, terms)
    return walk(-first, -high, -low, -last, -entry, peak, terms)


@compiled
def first_from(times: Any, low: int, high: int, start: int) -> int:
    """Return the first row, of those from `low` up to `high`, whose time is not before `start`.

    It is searchsorted, which takes seconds to compile.
    """
    while low < high:
        middle = (low + high) // 2
        if times[middle] < start:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def extremes(first: int, last: int, bars: Candles, terms: Terms) -> tuple[float, float]:
    """Return the highest and lowest price that was traded in some rows; none: minus infinity, infinity."""
    top, bottom = -np.inf, np.inf
    for at in range(first, last):
        if bars.volume[at] > 0 or terms.airless:
            top, bottom = max(top, bars.high[at]), min(bottom, bars.low[at])
    return top, bottom


@compiled
def walk_finer(first: int, last: int, bars: Candles, side: float, entry: float, peak: float, terms: Terms) -> Walked:
    """Lead a position through the finer bars of some rows, up to the one in which it is left."""
    doubt = CLEARED
    for at in range(first, last):
        if bars.volume[at] > 0 or terms.airless:
            walked = walk_bar(side, bars.open[at], bars.high[at], bars.low[at], bars.close[at], entry, peak, terms)
            peak = walked.peak
            if walked.doubt == UNCLEAR:
                doubt = UNCLEAR
            if walked.reason != HOLD:
                return Walked(walked.reason, walked.price, peak, doubt)
    return Walked(HOLD, 0.0, peak, doubt)


@compiled
def refine(
    walked: Walked,
    start: int,
    end: int,
    high: float,
    low: float,
    finer: Finer,
    held: Position,
    peak: float,
    terms: Terms,
) -> Walked:
    """Lead a position through the finer bars of a bar instead, where they reach as far up and down as the bar itself."""
    first = first_from(finer.bars.time, finer.first, finer.last, start)
    last = first_from(finer.bars.time, first, finer.last, end)
    top, bottom = extremes(first, last, finer.bars, terms)
    off = above(top, high) or below(top, high) or above(bottom, low) or below(bottom, low)
    if bottom > top or off:
        return walked
    return walk_finer(first, last, finer.bars, held.side, held.price, peak, terms)


@compiled
def at_open(held: Position, price: float, now: int, peak: float, leaving: bool, terms: Terms) -> int:
    """Say why a position is left at an open, or HOLD: its limits come first, then its age, then the signal."""
    seen = held.side * price
    reason = walk(seen, seen, seen, seen, held.side * held.price, peak, terms).reason
    if reason == HOLD and now - held.time > terms.hold:
        return TIME
    return SIGNAL if reason == HOLD and leaving else reason


@compiled
def against(entry: int, leave: int, side: float) -> bool:
    """Whether a bar's signals close a position of that side; an exit is 1 for long ones, 2 for short ones, 3 for both."""
    return entry == -side or bool(leave & (1 if side > 0 else 2))


@compiled
def worth(held: Position, price: float) -> float:
    """Return what a position is worth at a price: what was put in, and what was won since."""
    return held.worth + held.side * held.quantity * (price - held.price)


@compiled
def leave(held: Position, price: float, terms: Terms) -> Sale:
    """Close a position at a price, which the slippage makes worse."""
    price *= 1 - held.side * terms.slippage
    fee = held.quantity * price * terms.fee
    return Sale(price, fee, worth(held, price) - fee)


@compiled
def order(side: int, total: float, cash: float, scale: float, terms: Terms, counts: Any) -> tuple[bool, float]:
    """Return whether an order is refused, else for how much quote currency it is; count what befell it.

    A rounding below the least amount, or above what the cash pays for, is none.
    """
    least = max(terms.minimum, DUST * terms.cash) * (1 - DUST)
    payable = cash / (1 + terms.fee)
    if side < 0 and not terms.short:
        counts[NO_SHORT] += 1
    elif payable < least or total <= 0:
        counts[NO_CASH] += 1
    else:
        wanted = min(scale * (terms.quote + terms.fraction * total), terms.most * total)
        if wanted >= least:
            counts[CUT] += wanted > payable * (1 + DUST)
            return False, min(wanted, payable)
        counts[TOO_SMALL] += 1
    return True, 0.0


@compiled
def tell(walked: Walked, counts: Any) -> None:
    """Count a bar whose order of extremes mattered."""
    if walked.doubt == UNCLEAR:
        counts[AMBIGUOUS] += 1
    elif walked.doubt == CLEARED:
        counts[RESOLVED] += 1


@compiled
def enter(side: float, at: int, time: int, price: float, amount: float, terms: Terms) -> Position:
    """Open a position of an amount of quote currency at a price, which the slippage makes worse."""
    price *= 1 + side * terms.slippage
    return Position(side, amount / price, price, amount, amount * terms.fee, at, time)


@compiled
def record(trades: Any, row: int, symbol: int, held: Position, at: int, sale: Sale, reason: int) -> Any:
    """Write a trade down, but for its times; return the table, twice as long where it was full."""
    if row == len(trades):
        longer = np.empty(2 * len(trades), TRADE)
        for old in range(row):  # a slice would do, and would take 3 s more to compile
            longer[old] = trades[old]
        trades = longer
    trade = trades[row]
    trade.symbol, trade.side = symbol, held.side
    trade.entry_bar, trade.entry_price = held.bar, held.price
    trade.exit_bar, trade.exit_price = at, sale.price
    trade.quantity, trade.entry_fee, trade.exit_fee = held.quantity, held.fee, sale.fee
    trade.pnl = sale.cash - held.worth - held.fee
    trade.return_fraction = trade.pnl / held.worth
    trade.reason, trade.open = reason, False
    return trades


@compiled
def nothing() -> Position:
    """Return a position that is none."""
    return Position(0.0, 0.0, 0.0, 0.0, 0.0, 0, 0)


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
def calm(held: Position, peak: float, terms: Terms) -> tuple[float, float]:
    """Return the prices between which nothing can happen to a position."""
    entry = held.side * held.price
    down = max(entry - abs(entry) * loss(entry, terms), peak - terms.trailing * abs(peak))
    up = min(entry + abs(entry) * terms.take, peak if terms.trailing < np.inf else np.inf)
    return (down, up) if held.side > 0 else (-up, -down)


@compiled
def finish(
    trades: Any, row: int, symbol: int, held: Position, at: int, price: float, volume: float, terms: Terms
) -> Any:
    """Write down a position that is open when the data ends; return the table and what it brings.

    It is marked, not sold, where that is asked for, and where the last bar cannot be traded in.
    """
    reason = np.int64(END)
    if terms.close_at_end and (volume > 0 or terms.airless):
        sale = leave(held, price, terms)
        return record(trades, row, symbol, held, at, sale, reason), sale.cash
    value = worth(held, price)
    trades = record(trades, row, symbol, held, at, Sale(price, 0.0, value), reason)
    trades[row].open = True
    return trades, value


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
    until: int,
    base: float,
    units: float,
    equity: Any,
) -> tuple[int, int]:
    """Write the equity of the bars from this one on in which nothing can happen to a position; return as `wait` does."""
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
) -> tuple[Any, int, Any]:
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
) -> tuple[Any, int, Any]:
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


@compiled
def deviations(closes: Any, periods: int, found: Any) -> None:
    """Write the population's deviation of the newest `periods` - 1 simple returns at each close that has as many."""
    returns = periods - 1
    for at in range(returns, len(closes)):
        mean = 0.0
        for back in range(at - returns, at):
            mean += closes[back + 1] / closes[back] - 1
        mean /= returns
        square = 0.0
        for back in range(at - returns, at):
            square += (closes[back + 1] / closes[back] - 1 - mean) ** 2
        found[at] = np.sqrt(square / returns)


@compiled
def crosses(closes: Any, fast: int, slow: int, same: float, entries: Any) -> None:
    """Write 1 where the mean of the newest `fast` closes rises above that of the `slow` ones, -1 where it falls below.

    Means are equal within `same`, a fraction of the larger. The sums run along; what they gather of rounding stays far
    below that.
    """
    entries[: min(slow, len(entries))] = 0
    if len(closes) < slow:
        return
    quick = steady = 0.0
    for at in range(slow):
        steady += closes[at]
        if at >= slow - fast:
            quick += closes[at]
    left, right = quick * slow, steady * fast  # compared without dividing
    sides, newest = entries[slow - 1 :], closes[slow:]
    quick_left, steady_left = closes[slow - fast :], closes[: len(closes) - slow]  # what drops out of the sums
    sides[0] = (left - right > same * left) - (right - left > same * left)
    for at in range(len(newest)):
        quick += newest[at] - quick_left[at]
        steady += newest[at] - steady_left[at]
        left = quick * slow
        apart, margin = left - steady * fast, same * left
        sides[at + 1] = (apart > margin) - (-apart > margin)
    for at in range(len(newest), 0, -1):  # from which side it is to where it comes to it
        if sides[at] == sides[at - 1]:
            sides[at] = 0
    sides[0] = 0
