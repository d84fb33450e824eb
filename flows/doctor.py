"""Examine a fleet without touching anything: no order, no lease, no mark, nothing tracked. Each check says its verdict.

It runs without Prefect, because it is what a person reaches for when something does not work.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Sequence

from brokers.ledger import Ledger
from flows.examination import Examination
from models.breaker import EVERYBODY, BreakerStatus, CircuitState, address_of
from models.errors import NijaError
from models.fleet import Account
from models.log_context import about
from models.reasons import Check, Verdict
from models.report import CheckReport, DoctorReport, ExaminedAccount
from models.settings import Credentials
from models.store.balances import balance_of
from models.store.breakers import breakers
from models.store.halts import standing_halts
from rules.balance import last_words
from rules.examination import Finding, failed, fine, warned, worst
from tasks.runtime import Runtime

log = logging.getLogger(__name__)


async def examine_fleet(runtime: Runtime, accounts: Sequence[Account]) -> DoctorReport:
    """Examine every account, one failing never stopping another. Raises nothing of its own."""
    started_at = runtime.clock.now()
    bound = asyncio.Semaphore(runtime.settings.max_concurrent_accounts)

    async def one(account: Account) -> ExaminedAccount:
        async with bound:
            with about(account.id):
                return await _examine(runtime, account)

    examined = await asyncio.gather(*(one(account) for account in accounts))
    return DoctorReport(started_at=started_at, finished_at=runtime.clock.now(), accounts=examined)


async def examine_keys(runtime: Runtime, account: Account, keys: Credentials) -> ExaminedAccount:
    """Examine an account with keys that nobody has kept yet. Raises nothing of its own."""
    with about(account.id):
        return await _examine(runtime, account, keys)


async def _examine(runtime: Runtime, account: Account, keys: Credentials | None = None) -> ExaminedAccount:
    examination = Examination(runtime, account, keys)
    try:
        await examination.at_venue()
    except Exception as error:
        log.exception("examination failed", extra={"account": account.id})
        left = [check for check in Check if check not in {*examination.findings, Check.STORE}] or [Check.CONNECTION]
        examination.says(left[0], failed("INTERNAL_ERROR", f"{type(error).__name__}, see the log"))
        examination.skip(left, because=left[0])
    await _add_last_balance(runtime, account, examination)
    examination.says(Check.STORE, *await _in_store(runtime, account))
    lines = [
        CheckReport(check=check, verdict=f.verdict, code=f.code, found=f.found, next_step=f.next_step)
        for check in Check
        for f in examination.findings[check]
    ]
    verdict = worst([line.verdict for line in lines])
    return ExaminedAccount(account=account.id, venue=account.venue, verdict=verdict, checks=lines)


async def _add_last_balance(runtime: Runtime, account: Account, examination: Examination) -> None:
    """Say what was read last of a balance that could not be read now."""
    found = examination.findings[Check.BALANCE]
    if all(finding.verdict in {Verdict.OK, Verdict.WARN} for finding in found):
        return
    try:
        state = await balance_of(runtime.store, account.id)
    except NijaError:
        return  # what is wrong with the store has a line of its own
    if words := last_words(state, account.quote, runtime.clock.now()):
        told = (dataclasses.replace(finding, found=f"{finding.found}; {words}") for finding in found)
        examination.says(Check.BALANCE, *told)


async def _in_store(runtime: Runtime, account: Account) -> list[Finding]:
    """Return what stands against the account in the store."""
    try:
        undecided = await Ledger(runtime.store).undecided(account.id)
        halts = await standing_halts(runtime.store, account.id)
        ways = await breakers(runtime.store)
    except NijaError as error:
        return [failed(error.code, str(error))]
    found = [warned("HALTED", f"since {h.halted_at:%Y-%m-%d %H:%M} UTC: {h.detail}") for h in halts]
    if undecided:
        symbols = ", ".join(sorted({order.intent.symbol for order in undecided}))
        found.append(warned("ORDER_UNDECIDED", f"{len(undecided)} orders without a known outcome: {symbols}"))
    found += [warned("BREAKER_OPEN", way.sentence) for way in ways if _concerns(way, account)]
    return found or [fine("no undecided order, no halt, every breaker closed")]


def _concerns(way: BreakerStatus, account: Account) -> bool:
    """Whether a breaker that is not closed keeps calls of the account back; where it is simulated is not known here."""
    is_there = account.simulated is not None or way.address == address_of(
        None if account.url is None else str(account.url)
    )
    is_its_own = way.venue == account.venue and way.account in {account.id, EVERYBODY}
    return is_its_own and is_there and way.circuit_state is not CircuitState.CLOSED
