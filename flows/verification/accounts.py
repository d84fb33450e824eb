"""Look at one account in earnest without changing anything: all that `nija doctor` asks, and what is kept of it."""

import logging
from collections.abc import Callable
from datetime import timedelta

from flows.examination import Examination
from models.breaker import EVERYBODY, CircuitState, address_of
from models.errors import NijaError
from models.fleet import Account
from models.reasons import Check, Mode, Verdict
from models.store.balances import balance_of
from models.store.breakers import breakers
from models.verification import CheckResult, Part
from rules.balance import balance_words, complaints
from rules.examination import Finding, failed, fine, skipped, warned, worst
from tasks.runtime import Runtime, open_account

log = logging.getLogger(__name__)

SYMBOLS, BREAKERS, BALANCE_AGE = "symbols", "breakers", "balance_age"
_READ = frozenset({Verdict.OK, Verdict.WARN})


async def verify_account(runtime: Runtime, account: Account, run_id: str) -> list[CheckResult]:
    """Make every check of an account, each as far as what it needs is there. Raises nothing of its own."""
    checks = await _examined(runtime, account)
    is_readable = any(check.name == Check.BALANCE and check.verdict in _READ for check in checks)
    symbols = _symbols if is_readable else _not_readable
    for name, look in ((SYMBOLS, symbols), (BREAKERS, _breakers), (BALANCE_AGE, _balance_age)):
        began = runtime.clock.elapsed()
        try:
            found = await look(runtime, account, run_id)
        except NijaError as error:
            found = failed(error.code, str(error))
        except Exception as error:  # one check's fault stops none of the others
            log.exception("check failed", extra={"account": account.id, "check": name})
            found = failed("INTERNAL_ERROR", f"{type(error).__name__}, see the log")
        checks.append(_result(account, name, (found,), runtime.clock.elapsed() - began))
    return checks


class _Timed(Examination):
    """An examination that notes how long each check took: since the one before it had its finding."""

    def __init__(self, runtime: Runtime, account: Account) -> None:
        super().__init__(runtime, account)
        self.took: dict[Check, timedelta] = {}
        self._last = runtime.clock.elapsed()

    def says(self, check: Check, *found: Finding) -> None:
        """Keep what a check found, and how long it took."""
        now = self.runtime.clock.elapsed()
        self.took[check], self._last = now - self._last, now
        super().says(check, *found)


async def _examined(runtime: Runtime, account: Account) -> list[CheckResult]:
    examination = _Timed(runtime, account)
    try:
        await examination.at_venue()
    except Exception as error:
        log.exception("examination failed", extra={"account": account.id})
        left = [check for check in Check if check not in {*examination.findings, Check.STORE}] or [Check.CONNECTION]
        examination.says(left[0], failed("INTERNAL_ERROR", f"{type(error).__name__}, see the log"))
        examination.skip(left, because=left[0])
    found = ((check, examination.findings[check]) for check in Check if check in examination.findings)
    return [_result(account, check.value, f, examination.took.get(check, timedelta(0))) for check, f in found]


async def _symbols(runtime: Runtime, account: Account, run_id: str) -> Finding:
    """Hold every holding to the venue's own metadata: it has a market there, or is named.

    One that the venue does not name is a coin that is gone. Where it names few of many, it is their names that are read
    in a wrong way, and nothing that is said of the account can be relied on.
    """
    async with open_account(runtime, account, run_id=run_id, mode=Mode.PLAN) as at:
        held = sorted(h.asset for h in await at.client.holdings() if h.asset != account.quote)
        known, markets = at.venue.assets(), at.venue.markets(account.quote)
    unknown = [asset for asset in held if asset not in known]
    homeless = [asset for asset in held if asset in known and f"{asset}/{account.quote}" not in markets]
    words = [f"the venue's metadata does not name {', '.join(unknown)}"] if unknown else []
    words += [f"no market in {account.quote} for {', '.join(homeless)}"] if homeless else []
    if not words:
        return fine(f"{len(held)} holdings, each with its market" if held else "nothing is held beside cash")
    judge = failed if len(unknown) > 1 and 2 * len(unknown) > len(held) else warned
    code = "SYMBOL_UNKNOWN" if unknown else "NO_MARKET"
    return judge(code, f"of {len(held)} holdings: {'; '.join(words)}; they count and are never sold")


async def _not_readable(_runtime: Runtime, _account: Account, _run_id: str) -> Finding:
    return skipped(f"needs {Check.BALANCE}")


async def _breakers(runtime: Runtime, account: Account, _run_id: str) -> Finding:
    ways = [way for way in await breakers(runtime.store) if way.venue == account.venue]
    if account.simulated is None:  # where a simulated one is, is not known here
        address = address_of(None if account.url is None else str(account.url))
        ways = [way for way in ways if way.address == address]
    ways = [way for way in ways if way.account in {account.id, EVERYBODY}]
    open_ones = [way.sentence for way in ways if way.circuit_state is not CircuitState.CLOSED]
    return failed("BREAKER_OPEN", "; ".join(open_ones)) if open_ones else fine("every breaker is closed")


async def _balance_age(runtime: Runtime, account: Account, _run_id: str) -> Finding:
    """Judge what the runs of the account have kept, not what was just read."""
    state, now = await balance_of(runtime.store, account.id), runtime.clock.now()
    if not state.is_known and not state.errors:
        return skipped("no run has read it yet")
    found = {c.code: c.words for c in complaints(state, runtime.fleet.policies[account.id], account.quote, now)}
    judge: Callable[[str, str], Finding] = failed if "BALANCE_ERRORS" in found else warned
    if found:
        return judge(min(found), "; ".join(found.values()))
    return fine(balance_words(state, account.quote, now))


def _result(account: Account, name: str, findings: tuple[Finding, ...], took: timedelta) -> CheckResult:
    """Make one result of what a check found; the worst of it is its verdict."""
    verdict = worst([finding.verdict for finding in findings])
    return CheckResult(
        part=Part.ACCOUNT,
        name=name,
        verdict=verdict,
        found="; ".join(finding.found for finding in findings),
        seconds=round(took.total_seconds(), 3),
        account=account.id,
        venue=account.venue,
        code=_code(findings, verdict),
    )


def _code(findings: tuple[Finding, ...], verdict: Verdict) -> str:
    return next((f.code for f in findings if f.verdict is verdict and f.code), "")
