"""Judge watched positions on each new price, and say when a peak is worth writing down. Pure."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from models.exit_watch import Watched
from models.exits import ExitSignal
from rules.adoption import higher
from rules.exits import judge_exit, peak_of

PEAK_STEP_FRACTION = Decimal("0.001")  # a peak that rose by more is written down at once

FIRST_RETRY_SECONDS = 0.25
LAST_RETRY_SECONDS = 30.0  # of a stop: it is tried for ever
LAST_IDLE_RETRY_SECONDS = 300.0  # of what no stop stands behind: dust that cannot be sold


def judge_watched(watched: Watched, price: Decimal, now: datetime) -> tuple[Watched, ExitSignal | None]:
    """Return the position with its new peak, and what sets its exit off at this price; None: it is held on to."""
    signal = judge_exit(
        price,
        entry_price=watched.entry_price,
        peak_price=watched.peak_price,
        first_seen_at=watched.first_seen_at,
        now=now,
        limits=watched.limits,
    )
    if watched.peak_price is not None and price <= watched.peak_price:
        return watched, signal
    return replace(watched, peak_price=price), signal


def reloaded(known: Watched | None, stored: Watched) -> Watched:
    """Return a position as the store has it now, with the peak that was seen meanwhile where it is the same one."""
    if known is None or known.first_seen_at != stored.first_seen_at:
        return stored
    return replace(stored, peak_price=higher(known.peak_price, stored.peak_price))


def is_worth_writing(watched: Watched, *, is_due: bool) -> bool:
    """Tell whether a peak is to be written down: it rose a good deal, or `is_due` and it rose at all."""
    peak, stored = watched.peak_price, watched.stored_peak
    if peak is None or stored is None:
        return peak is not None
    return peak > stored * (1 + PEAK_STEP_FRACTION) or (is_due and peak > stored)


def stop_price(watched: Watched) -> Decimal | None:
    """Return the price below which a stop sells: the higher of stop loss and trailing stop; None: no stop protects it.

    A position of unknown entry has none: nobody guesses what it cost.
    """
    if watched.entry_price is None:
        return None
    limits, found = watched.limits, []
    if limits.stop_loss_fraction is not None:
        found.append(watched.entry_price * (1 - limits.stop_loss_fraction))
    if limits.trailing_stop_fraction is not None:
        peak = peak_of(watched.peak_price, watched.entry_price, watched.entry_price)
        found.append(peak * (1 - limits.trailing_stop_fraction))
    return max(found, default=None)


def retry_seconds(failed: int, *, is_urgent: bool) -> float:
    """Return how long an exit that failed so many times in a row rests before it is tried again."""
    longest = LAST_RETRY_SECONDS if is_urgent else LAST_IDLE_RETRY_SECONDS
    return float(min(FIRST_RETRY_SECONDS * 2.0 ** min(failed - 1, 20), longest))
