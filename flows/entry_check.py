"""Answer whether a new entry is allowed now, with every reason that blocks it. A bot calls it before it trades.

Read-only but for the slot it reserves; it runs without Prefect, because a bot waits for the answer.
"""

from decimal import Decimal

from flows.balance_report import balance_errors, balance_report
from flows.size import size_report
from models.amounts import money
from models.fleet import Account
from models.report import EntryReport
from models.size_report import SizeReport
from models.store.counters import count
from rules.entry import EntryFacts
from tasks.judge_entry import judged_entry
from tasks.runtime import Runtime
from tasks.size import sized


async def check_entry(runtime: Runtime, account: Account, symbol: str, notional: Decimal) -> EntryReport:
    """Read the account at its venue and judge the entry; an allowed one keeps its slot for a moment.

    `notional` in quote units. Raises: ConfigError, StoreError.
    """
    judged = await judged_entry(runtime, account, symbol, notional)
    policy, verdict, facts = runtime.fleet.policies[account.id], judged.verdict, judged.facts
    size = await _sized(runtime, account, facts, is_allowed=verdict.is_allowed)
    told = {error.code for error in judged.errors}
    stale = [e for e in balance_errors(judged.balance, policy, account.quote, facts.now) if e.code not in told]
    return EntryReport(
        account=account.id,
        symbol=symbol,
        usd=money(notional),
        allowed=verdict.is_allowed,
        reasons=[block.value for block in verdict.blocks],
        exits_allowed=verdict.exits_allowed,
        errors=[*judged.errors, *stale],
        balance=balance_report(judged.balance, policy, account.quote, facts.now),
        overridden=[block.value for block in verdict.overridden],
        size=size,
    )


async def _sized(runtime: Runtime, account: Account, facts: EntryFacts, *, is_allowed: bool) -> SizeReport | None:
    """Say what volatility makes of the amount; of what is allowed it is counted how often that is less.

    An amount that is none has no size. Where nobody knows the volatility the market is not to blame for the smaller
    size, and nothing is counted.
    """
    if facts.amount_quote <= 0:
        return None
    worth = None if facts.snapshot is None else facts.snapshot.equity
    found = await sized(
        runtime.store, account, facts.policy, facts.symbol, facts.amount_quote, portfolio=worth, now=facts.now
    )
    if is_allowed and found.volatility.value is not None:
        happened = {"sized_entries": 1, "volatility_adjustments": int(found.size.is_made_smaller)}
        await count(runtime.store, happened, now=facts.now)
    return size_report(account, facts.symbol, found)
