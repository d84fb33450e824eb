"""Open and close positions: what is wanted, what the cash pays for, what it costs, and what is written down of it."""

from typing import Any

import numpy as np

from research.kernel.compiled import compiled
from research.kernel.path import loss, walk
from research.kernel.terms import (
    AMBIGUOUS,
    CLEARED,
    CUT,
    DUST,
    END,
    HOLD,
    NO_CASH,
    NO_SHORT,
    RESOLVED,
    SIGNAL,
    TIME,
    TOO_SMALL,
    TRADE,
    UNCLEAR,
    Position,
    Sale,
    Terms,
    Walked,
    Whole,
)


@compiled
def nothing() -> Position:
    """Return a position that is none."""
    return Position(0.0, 0.0, 0.0, 0.0, 0.0, 0, 0)


@compiled
def at_open(held: Position, price: float, now: Whole, peak: float, leaving: bool, terms: Terms) -> Whole:
    """Say why a position is left at an open, or HOLD: its limits come first, then its age, then the signal."""
    seen = held.side * price
    reason = walk(seen, seen, seen, seen, held.side * held.price, peak, terms).reason
    if reason == HOLD and now - held.time > terms.hold:
        return TIME
    return SIGNAL if reason == HOLD and leaving else reason


@compiled
def against(entry: int, leave: int, side: float) -> bool:
    """Whether a bar's signals close a position of that side; an exit is 1 for long ones, 2 for short, 3 for both."""
    return entry == -side or bool(leave & (1 if side > 0 else 2))


@compiled
def calm(held: Position, peak: float, terms: Terms) -> tuple[float, float]:
    """Return the prices between which nothing can happen to a position."""
    entry = held.side * held.price
    down = max(entry - abs(entry) * loss(entry, terms), peak - terms.trailing * abs(peak))
    up = min(entry + abs(entry) * terms.take, peak if terms.trailing < np.inf else np.inf)
    return (down, up) if held.side > 0 else (-up, -down)


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
def enter(side: float, at: Whole, time: Whole, price: float, amount: float, terms: Terms) -> Position:
    """Open a position of an amount of quote currency at a price, which the slippage makes worse."""
    price *= 1 + side * terms.slippage
    return Position(side, amount / price, price, amount, amount * terms.fee, at, time)


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
def tell(walked: Walked, counts: Any) -> None:
    """Count a bar whose order of extremes mattered."""
    if walked.doubt == UNCLEAR:
        counts[AMBIGUOUS] += 1
    elif walked.doubt == CLEARED:
        counts[RESOLVED] += 1


@compiled
def record(trades: Any, row: Whole, symbol: Whole, held: Position, at: Whole, sale: Sale, reason: Whole) -> Any:
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
def finish(
    trades: Any, row: Whole, symbol: Whole, held: Position, at: Whole, price: float, volume: float, terms: Terms
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
