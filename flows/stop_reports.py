"""Tell what keeps a symbol from being entered or sold: a freeze, a mark on the blacklist."""

from models.amounts import money
from models.decision_report import BlacklistedSymbol, FrozenSymbol
from models.dust import DustMark
from models.freeze import Freeze


def frozen_symbol(found: Freeze) -> FrozenSymbol:
    """Tell of a freeze, or of a count before one."""
    return FrozenSymbol(
        account=found.account,
        symbol=found.symbol,
        state=found.state,
        cause=found.cause,
        why=found.why,
        failures=found.failures,
        since=found.since,
        thaws_at=found.thaws_at,
        clears_when=found.clears_when if found.is_frozen else None,
    )


def blacklisted_symbol(account: str, mark: DustMark) -> BlacklistedSymbol:
    """Tell of a mark on the blacklist."""
    return BlacklistedSymbol(
        account=account,
        symbol=mark.symbol,
        reason=mark.reason,
        by_hand=mark.is_by_hand,
        value_usd=None if mark.value is None else money(mark.value),
        marked_at=mark.marked_at,
        retry_at=mark.retry_at,
    )
