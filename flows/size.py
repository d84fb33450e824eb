"""Answer how large an entry should be, with the reason. Read-only; it runs without Prefect, as the entry check does."""

import uuid
from decimal import ROUND_DOWN, Decimal

from models.amounts import money, plain
from models.errors import ContractBroken, EmptyLooking, VenueError
from models.fleet import Account
from models.reasons import Mode
from models.size_report import SizeReport
from models.sizing import SizeReason, SizingMethod
from rules.volatility import Unknown
from tasks.read_account import check_snapshot, read_snapshot
from tasks.runtime import Runtime, open_account
from tasks.size import Sized, sized

_CENT = Decimal("0.01")
_WORDS = {
    SizeReason.CALM: "as asked: calm enough",
    SizeReason.MODERATE_VOLATILITY: "three quarters: it moves more than 2 % an hour",
    SizeReason.HIGH_VOLATILITY: "half: it moves more than 10 % an hour",
    SizeReason.SCALED: "in proportion to the base volatility of the policy",
    SizeReason.CAPPED: "the most that the policy makes of one entry",
    SizeReason.VOLATILITY_UNKNOWN: "the smaller size: nobody knows how much it moves",
    SizeReason.PORTFOLIO_UNKNOWN: "no more than asked: what the account is worth could not be read",
}
_UNKNOWN = {
    Unknown.NOT_STORED: "no hourly candles of it are stored",
    Unknown.TOO_SHORT: "too few hourly candles of it are stored",
    Unknown.TOO_OLD: "its stored candles are too old",
    Unknown.GAPPED: "its stored candles have a gap",
    Unknown.BAD_NUMBER: "its stored candles hold a price that is none",
    Unknown.AHEAD: "its stored candles are ahead of the clock",
}


async def ask_size(runtime: Runtime, account: Account, symbol: str, asked: Decimal) -> SizeReport:
    """Return the size that the account's policy makes of `asked` quote units.

    The venue is asked for the account's worth only where the method takes a part of it.
    Raises: ConfigError, StoreError.
    """
    policy = runtime.fleet.policies[account.id]
    portfolio = None
    if policy.sizing_method is SizingMethod.INVERSE_VOLATILITY:
        portfolio = await _portfolio(runtime, account)
    now = runtime.clock.now()
    found = await sized(runtime.store, account, policy, symbol, asked, portfolio=portfolio, now=now)
    return size_report(account, symbol, found)


def size_report(account: Account, symbol: str, found: Sized) -> SizeReport:
    """Say what came of a size, in figures and in words."""
    size, moves = found.size, found.volatility
    shown = size.value.quantize(_CENT, ROUND_DOWN) if size.value >= _CENT else size.value
    return SizeReport(
        account=account.id,
        symbol=symbol,
        asked_usd=money(size.asked),
        size_usd=money(shown),
        method=size.method,
        reason=size.reason,
        flagged=size.is_flagged,
        volatility_fraction=None if moves.value is None else plain(Decimal(f"{moves.value:.9f}")),
        volatility_unknown=None if moves.unknown is None else moves.unknown.value,
        source=found.source,
        candles=moves.candles,
        as_of=moves.as_of,
        portfolio_usd=None if found.portfolio is None else money(found.portfolio),
        detail=_words(found),
    )


def _words(found: Sized) -> str:
    moves = found.volatility
    if moves.value is None:
        unknown = _UNKNOWN[moves.unknown] if moves.unknown else "it is not known"
        return f"{_WORDS[found.size.reason]} ({found.source}: {unknown})"
    return f"{_WORDS[found.size.reason]} ({moves.value:.2%} an hour, {moves.candles} candles of {found.source})"


async def _portfolio(runtime: Runtime, account: Account) -> Decimal | None:
    """Read what the account is worth; None: it cannot be read, or what is read cannot be trusted."""
    try:
        async with open_account(runtime, account, run_id=str(uuid.uuid4()), mode=Mode.PLAN) as at:
            snapshot = await read_snapshot(at)
            await check_snapshot(at, snapshot)
    except (VenueError, EmptyLooking, ContractBroken):
        return None
    return snapshot.equity
