"""Examine a fleet without touching anything: no order, no lease, no mark, nothing tracked. Each check says its verdict.

It runs without Prefect, because it is what a person reaches for when something does not work.
"""

import asyncio
import logging
from collections.abc import Sequence

from brokers.ledger import Ledger
from flows.examination import Examination
from models.errors import NijaError
from models.fleet import Account
from models.reasons import Check
from models.report import CheckReport, DoctorReport, ExaminedAccount
from models.store.halts import standing_halts
from rules.examination import Finding, failed, fine, warned, worst
from tasks.runtime import Runtime

log = logging.getLogger(__name__)


async def examine_fleet(runtime: Runtime, accounts: Sequence[Account]) -> DoctorReport:
    """Examine every account, one failing never stopping another. Raises nothing of its own."""
    started_at = runtime.clock.now()
    bound = asyncio.Semaphore(runtime.settings.max_concurrent_accounts)

    async def one(account: Account) -> ExaminedAccount:
        async with bound:
            return await _examine(runtime, account)

    examined = await asyncio.gather(*(one(account) for account in accounts))
    return DoctorReport(started_at=started_at, finished_at=runtime.clock.now(), accounts=examined)


async def _examine(runtime: Runtime, account: Account) -> ExaminedAccount:
    examination = Examination(runtime, account)
    try:
        await examination.at_venue()
    except Exception as error:
        log.exception("examination failed", extra={"account": account.id})
        left = [check for check in Check if check not in {*examination.findings, Check.STORE}] or [Check.CONNECTION]
        examination.says(left[0], failed("INTERNAL_ERROR", f"{type(error).__name__}, see the log"))
        examination.skip(left, because=left[0])
    examination.says(Check.STORE, *await _in_store(runtime, account))
    lines = [
        CheckReport(check=check, verdict=f.verdict, code=f.code, found=f.found, next_step=f.next_step)
        for check in Check
        for f in examination.findings[check]
    ]
    verdict = worst([line.verdict for line in lines])
    return ExaminedAccount(account=account.id, venue=account.venue, verdict=verdict, checks=lines)


async def _in_store(runtime: Runtime, account: Account) -> list[Finding]:
    """Return what stands against the account in the store."""
    try:
        undecided = await Ledger(runtime.store).undecided(account.id)
        halts = await standing_halts(runtime.store, account.id)
    except NijaError as error:
        return [failed(error.code, str(error))]
    found = [warned("HALTED", f"since {h.halted_at:%Y-%m-%d %H:%M} UTC: {h.detail}") for h in halts]
    if undecided:
        symbols = ", ".join(sorted({order.intent.symbol for order in undecided}))
        found.append(warned("ORDER_UNDECIDED", f"{len(undecided)} orders without a known outcome: {symbols}"))
    return found or [fine("no undecided order, no halt")]
