"""Decide whether a holding is dust, with hysteresis for what was marked as dust before. Pure."""

from decimal import Decimal

from models.dust import DustMark
from models.policy import Policy


def is_dust(value: Decimal, policy: Policy, mark: DustMark | None = None) -> bool:
    """Tell whether a value is dust: strictly below the threshold, judged anew each cycle.

    What was marked as dust stays dust until it reaches the regrown threshold. A mark on a holding that was worth more
    than dust (unsellable, not small enough) gives no such grace: it counted when it was marked and goes on counting.
    """
    if _marked_as_dust(mark, policy):
        return value < policy.regrown_threshold_usd
    return value < policy.dust_threshold_usd


def has_regrown(value: Decimal, policy: Policy, mark: DustMark | None) -> bool:
    """Tell whether a holding once marked as dust counts again."""
    return _marked_as_dust(mark, policy) and value >= policy.regrown_threshold_usd


def _marked_as_dust(mark: DustMark | None, policy: Policy) -> bool:
    return mark is not None and (mark.value is None or mark.value < policy.dust_threshold_usd)
