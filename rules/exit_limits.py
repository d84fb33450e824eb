"""Say which exit limits hold for one position, and what it cost: a person's own word, else the policy's. Pure."""

from datetime import timedelta
from decimal import Decimal

from models.adoption import EntrySource
from models.exits import ExitLimits, OwnLimit, PositionConfig
from models.policy import Policy
from models.position import Tracked


def limits_in_force(policy: Policy, own: PositionConfig | None = None) -> ExitLimits:
    """Return the limits of one position: its own where a person has set any, the policy's for the rest."""
    told = own or PositionConfig("", "")
    policy_hours = None if policy.max_hold_hours is None else Decimal(str(policy.max_hold_hours))
    hours = _first(told.max_hold_hours, policy_hours)
    return ExitLimits(
        stop_loss_fraction=_first(told.stop_loss, policy.stop_loss_fraction),
        take_profit_fraction=_first(told.take_profit, policy.take_profit_fraction),
        trailing_stop_fraction=_first(told.trailing_stop, policy.trailing_stop_fraction),
        longest_hold=None if hours is None else timedelta(hours=float(hours)),
    )


def entry_in_force(tracked: Tracked, own: PositionConfig | None = None) -> Decimal | None:
    """Return what a position cost a unit: as its fills tell, else as a person does; None: not known, and not guessed.

    What was told of an earlier position of the symbol is not what this one cost. Of two words of a person the later one
    holds, whether the first was adopted or not.
    """
    is_by_fills = tracked.entry_price is not None and tracked.entry_source is not EntrySource.BY_HAND
    told = None if own is None or own.set_at < tracked.first_seen_at else own.entry_price
    return tracked.entry_price if is_by_fills or told is None else told


def needs_entry(limits: ExitLimits) -> bool:
    """Tell whether any limit asks for the entry price: without one it cannot set an exit off."""
    return (limits.stop_loss_fraction, limits.take_profit_fraction, limits.trailing_stop_fraction) != (None,) * 3


def _first(own: OwnLimit, of_policy: Decimal | None) -> Decimal | None:
    if own is None:
        return of_policy
    return own if isinstance(own, Decimal) else None
