"""Judge an entry, and an account's day, by its risk limits. Pure: a limit is crossed, not touched."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from models.reasons import Block, HaltCause
from models.risk import RiskDay, RiskLimits


def entry_blocks(
    amount: Decimal, *, exposure: Decimal, positions: int, day: RiskDay | None, limits: RiskLimits
) -> tuple[Block, ...]:
    """Return every limit that an entry of `amount` would cross, or that is crossed already.

    `exposure`: what the account's positions are worth now; `positions`: how many there are, this one not among them.
    `day` None: nothing is known of the account's day yet.
    """
    blocks = [] if amount > 0 else [Block.SIZE_LIMIT]
    if limits.position is not None and amount > limits.position:
        blocks.append(Block.SIZE_LIMIT)
    if limits.exposure is not None and exposure + amount > limits.exposure:
        blocks.append(Block.EXPOSURE_LIMIT)
    if limits.positions is not None and positions >= limits.positions:
        blocks.append(Block.POSITIONS_LIMIT)
    tripped = () if day is None else tuple(trips(day, limits))
    if HaltCause.DAILY_LOSS in tripped:
        blocks.append(Block.DAILY_LOSS)
    if HaltCause.DRAWDOWN in tripped:
        blocks.append(Block.DRAWDOWN)
    return tuple(blocks)


def trips(day: RiskDay, limits: RiskLimits) -> Iterator[HaltCause]:
    """Yield every cause for which the account must stop entering."""
    if limits.daily_loss is not None and -day.gain > limits.daily_loss:
        yield HaltCause.DAILY_LOSS
    if limits.drawdown_fraction is not None and day.drawdown_fraction > limits.drawdown_fraction:
        yield HaltCause.DRAWDOWN


def day_after(before: RiskDay | None, equity: Decimal, today: date) -> RiskDay:
    """Return the account's day once `equity` was read on `today` (UTC).

    A new day begins with what the last one ended with, so that a loss over midnight is not lost sight of.
    """
    if before is None:
        return RiskDay(today, equity, equity, equity)
    peak = max(before.peak, equity)
    if today > before.day:
        return RiskDay(today, before.equity, peak, equity)
    return RiskDay(before.day, before.began_with, peak, equity)
