"""The report of a run: what the outside reads. Fields are kept and grow only by addition; amounts are strings."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.reasons import AccountStatus, ActionKind, OrderState, Outcome


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ErrorReport(_Part):
    """Something that went wrong or must be known, by code."""

    code: str
    symbol: str | None = None
    message: str


class ActionReport(_Part):
    """One action and what came of it. Quantities in base units, money in the account's quote currency."""

    kind: ActionKind
    symbol: str
    quantity: str
    value_usd: str
    reason: str
    client_order_id: str | None
    outcome: Outcome
    filled: str
    average_price: str | None
    fee_usd: str | None
    cycle: int = 1
    detail: str = ""


class SkipReport(_Part):
    """A holding that was left alone, and why."""

    symbol: str
    reason: str
    detail: str = ""


class AccountReport(_Part):
    """What a run found in one account and made of it. A figure that is not known is None."""

    account: str
    status: AccountStatus
    cap: int
    holdings_before: int | None = None
    holdings_after: int | None = None
    positions_before: int | None = None
    positions_after: int | None = None
    cycles: int = 0
    unvalued: list[str] = []
    dust: list[str] = []
    blacklisted: list[str] = []
    cash_usd: str | None = None
    equity_before_usd: str | None = None
    equity_after_usd: str | None = None
    policy_version: str = ""
    plan_hash: str | None = None
    actions: list[ActionReport] = []
    skipped: list[SkipReport] = []
    errors: list[ErrorReport] = []


class Totals(_Part):
    """Sums over the accounts; an account that could not be read adds nothing to the counts."""

    accounts: int
    positions_before: int
    positions_after: int
    dust: int
    orders: int
    halted: int


class EntryReport(_Part):
    """Whether a new entry is allowed now; `reasons` empty means yes."""

    account: str
    symbol: str
    usd: str
    allowed: bool
    reasons: list[str]
    exits_allowed: bool
    errors: list[ErrorReport] = []


class RecoveredOrder(_Part):
    """An order that an interrupted run left, and what is known of it now."""

    client_order_id: str
    symbol: str
    quantity: str
    state: OrderState
    outcome: Outcome
    filled: str
    average_price: str | None
    detail: str = ""


class RecoveredAccount(_Part):
    """What recovery made of one account. `undecided` counts the orders that still have no known outcome."""

    account: str
    undecided: int
    orders: list[RecoveredOrder] = []
    errors: list[ErrorReport] = []


class RecoveryReport(_Part):
    """One recovery over a fleet."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    accounts: list[RecoveredAccount]

    @property
    def exit_code(self) -> int:
        """0 no order is undecided any more; 3 some still are, or an account could not be read."""
        return 3 if any(account.undecided or account.errors for account in self.accounts) else 0


class RunReport(_Part):
    """One run over a fleet."""

    run_id: str
    mode: str
    started_at: datetime
    finished_at: datetime
    accounts: list[AccountReport]
    totals: Totals

    @property
    def exit_code(self) -> int:
        """0 all compliant; 2 a dry run found something to do; 3 an account is halted, blocked, failed or unfinished."""
        statuses = {account.status for account in self.accounts}
        if statuses & {AccountStatus.HALTED, AccountStatus.BLOCKED, AccountStatus.FAILED}:
            return 3
        return 2 if AccountStatus.PENDING in statuses else 0


def totals_of(accounts: list[AccountReport]) -> Totals:
    """Add the accounts up."""
    sent = {Outcome.FILLED, Outcome.PARTIAL, Outcome.REJECTED, Outcome.UNKNOWN}
    return Totals(
        accounts=len(accounts),
        positions_before=sum(a.positions_before or 0 for a in accounts),
        positions_after=sum(a.positions_after or 0 for a in accounts),
        dust=sum(len(a.dust) for a in accounts),
        orders=sum(action.outcome in sent for a in accounts for action in a.actions),
        halted=sum(a.status is AccountStatus.HALTED for a in accounts),
    )
