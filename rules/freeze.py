"""Decide when a symbol is frozen and when it thaws, from the prices that one run read. Pure.

A price that fails several reads in a row stops entries into its symbol, and nothing else: a holding without a price
still counts, and one whose price is good again may be sold, frozen or not.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from models.freeze import Freeze
from models.policy import Policy
from models.reasons import FreezeCause, FreezeState, NoPrice

Prices = Mapping[str, NoPrice | None]  # by symbol, what its price lacks; None: it is good

# The venue does not know the symbol any more. No wait mends that; it may have another name now, or be gone for good.
PERMANENT = frozenset({NoPrice.NO_MARKET})


def judge_prices(
    known: Mapping[str, Freeze],
    *,
    account: str,
    held: Prices,
    others: Prices,
    policy: Policy,
    now: datetime,
) -> dict[str, Freeze | None]:
    """Return what changes, by symbol; None: nothing is left to say of it.

    `known`: what stands, by symbol. `held`: of every holding. `others`: of symbols in `known` that are not held. What
    is neither frozen nor held gathers no failures: nobody misses its price.
    """
    counted = {symbol for symbol, freeze in known.items() if freeze.is_frozen} | set(held)
    judged = {
        symbol: judge_price(known.get(symbol), problem, account=account, symbol=symbol, policy=policy, now=now)
        for symbol, problem in {**others, **held}.items()
        if problem is None or symbol in counted
    }
    return {symbol: after for symbol, after in judged.items() if after != known.get(symbol)}


def judge_price(
    before: Freeze | None, problem: NoPrice | None, *, account: str, symbol: str, policy: Policy, now: datetime
) -> Freeze | None:
    """Return what stands after one more read of a symbol's price; None: nothing.

    A good price ends a count at once. It ends a freeze only after the cool-down, and never what waits for a person.
    """
    if before is not None and before.state is FreezeState.REVIEW:
        return before
    if before is not None and before.state is FreezeState.FROZEN:
        return _probed(before, problem, policy, now)
    if problem is None:
        return None
    failures = 1 if before is None else before.failures + 1
    cause = FreezeCause(problem.value)
    if failures < policy.symbol_freeze_threshold:
        since = now if before is None else before.since
        return Freeze(account, symbol, FreezeState.COUNTING, cause, failures, since)
    if problem in PERMANENT:
        return Freeze(account, symbol, FreezeState.REVIEW, cause, failures, now)
    return Freeze(account, symbol, FreezeState.FROZEN, cause, failures, now, now + _cooldown(policy))


def _probed(before: Freeze, problem: NoPrice | None, policy: Policy, now: datetime) -> Freeze | None:
    """Judge a frozen symbol: what is permanent is seen at once, any other price is a probe after the cool-down only."""
    if problem in PERMANENT:
        cause = FreezeCause(problem.value)
        return replace(before, state=FreezeState.REVIEW, cause=cause, failures=before.failures + 1, thaws_at=None)
    if before.thaws_at is not None and now < before.thaws_at:
        return before
    if problem is None:
        return None
    return replace(
        before,
        cause=FreezeCause(problem.value),
        failures=before.failures + 1,
        thaws_at=now + _cooldown(policy),
    )


def _cooldown(policy: Policy) -> timedelta:
    return timedelta(hours=policy.symbol_freeze_cooldown_hours)
