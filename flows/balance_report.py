"""Tell of an account's last balance with its age, wherever it is not the one that was just read."""

from collections.abc import Sequence
from datetime import datetime

from flows.account_report import Story
from models.amounts import money
from models.balance import BalanceState
from models.fleet import Account, Fleet
from models.policy import Policy
from models.reasons import Freshness
from models.report import BalanceReport, BalancesReport, ErrorReport
from models.store.balances import balance_of, balances
from models.store.engine import Store
from rules.balance import age_of, complaints, freshness_of


def balance_report(state: BalanceState, policy: Policy, quote: str, now: datetime) -> BalanceReport:
    """Return what the outside reads of a balance: its figures, how old they are, and the failed reads since."""
    age = age_of(state, now)
    return BalanceReport(
        account=state.account,
        state=freshness_of(state, policy, now),
        quote=quote,
        cash_free=None if state.cash_free is None else money(state.cash_free),
        cash_total=None if state.cash_total is None else money(state.cash_total),
        equity=None if state.equity is None else money(state.equity),
        read_at=state.read_at,
        age_seconds=None if age is None else int(age.total_seconds()),
        errors=state.errors,
        last_error_code=state.last_error_code,
        last_error_at=state.last_error_at,
    )


async def balances_report(store: Store, fleet: Fleet, accounts: Sequence[Account], now: datetime) -> BalancesReport:
    """Return the last balance of each account, in the order given. Raises: StoreError."""
    kept = await balances(store, [account.id for account in accounts])
    rows = [balance_report(kept[a.id], fleet.policies[a.id], a.quote, now) for a in accounts]
    return BalancesReport(told_at=now, balances=rows)


def balance_errors(state: BalanceState, policy: Policy, quote: str, now: datetime) -> list[ErrorReport]:
    """Return what must be known of a balance, as lines of a report."""
    return [ErrorReport(code=c.code, message=c.words) for c in complaints(state, policy, quote, now)]


async def tell_last_balance(store: Store, story: Story, policy: Policy, quote: str, now: datetime) -> None:
    """Add the last balance to the story of an account that did not come out well, unless it is fresh.

    Raises: StoreError.
    """
    state = await balance_of(store, story.account)
    if freshness_of(state, policy, now) is Freshness.FRESH:
        return
    story.balance = balance_report(state, policy, quote, now)
    for error in balance_errors(state, policy, quote, now):
        story.error(error.code, error.message)
