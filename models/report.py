"""The report of a run: what the outside reads. Fields are kept and grow only by addition; amounts are strings."""

from collections import Counter
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.reasons import AccountStatus, ActionKind, Check, Freshness, OrderState, Outcome, Verdict
from models.rebalance_report import RebalanceReport
from models.size_report import SizeReport


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ErrorReport(_Part):
    """Something that went wrong or must be known, by code."""

    code: str
    symbol: str | None = None
    message: str


class BalanceReport(_Part):
    """The last balance that could be read of an account, in its quote currency, and what has gone wrong since.

    A figure that is not known is None. `age_seconds` as of this report; `errors`: failed reads in a row since it was
    read.
    """

    account: str
    state: Freshness
    quote: str
    cash_free: str | None = None
    cash_total: str | None = None
    equity: str | None = None
    read_at: datetime | None = None
    age_seconds: int | None = None
    errors: int = 0
    last_error_code: str | None = None
    last_error_at: datetime | None = None


class BalancesReport(_Part):
    """The last balances of some accounts, as of one instant."""

    told_at: datetime
    balances: list[BalanceReport]


class ActionReport(_Part):
    """One action and what came of it. Quantities in base units, money in the account's quote currency.

    `verification`: what the comparison of its fills with its intent found (VERIFIED, PARTIAL_FILL, FAILED,
    SLIPPAGE_HIGH, OVER_FILL, PRICE_UNKNOWN); empty for what has no end yet, or was never sent.
    """

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
    expected_price: str | None = None
    verification: list[str] = []
    timed_out: bool = False


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
    plan_expires_at: datetime | None = None  # until when the plan may be approved
    actions: list[ActionReport] = []
    skipped: list[SkipReport] = []
    errors: list[ErrorReport] = []
    balance: BalanceReport | None = None  # the last known one, where this run could not read it
    rebalance: RebalanceReport | None = None  # the analysis behind the first plan, where it is one towards weights


class Totals(_Part):
    """Sums over the accounts; an account that could not be read adds nothing to the counts."""

    accounts: int
    positions_before: int
    positions_after: int
    dust: int
    orders: int
    halted: int
    timeouts: int = 0
    verified: int = 0
    partial_fills: int = 0
    failed_fills: int = 0
    slippage_high: int = 0


class EntryReport(_Part):
    """Whether a new entry is allowed now; `reasons` empty means yes."""

    account: str
    symbol: str
    usd: str
    allowed: bool
    reasons: list[str]
    exits_allowed: bool
    errors: list[ErrorReport] = []
    balance: BalanceReport | None = None  # what the cash was judged on, or the last known one
    overridden: list[str] = []  # what would block it, had a person not set it aside for now
    size: SizeReport | None = None  # what volatility makes of it; the amount that was asked for is what is judged


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


class CheckReport(_Part):
    """What one check of an account found. `code` where something should be done, and `next_step` says what."""

    check: Check
    verdict: Verdict
    code: str | None = None
    found: str
    next_step: str = ""


class ExaminedAccount(_Part):
    """Every check of one account; one check may have found more than one thing."""

    account: str
    venue: str
    verdict: Verdict  # the worst of its checks
    checks: list[CheckReport]


class DoctorReport(_Part):
    """One examination of a fleet. Nothing was changed by it, here or at a venue."""

    started_at: datetime
    finished_at: datetime
    accounts: list[ExaminedAccount]

    @property
    def exit_code(self) -> int:
        """0 nothing worse than a warning; 3 a check of some account failed."""
        return 3 if any(account.verdict is Verdict.FAIL for account in self.accounts) else 0


class DustReport(_Part):
    """What a venue converts small balances into, and how many assets one request may name."""

    into: str
    assets_per_request: int


class VenueReport(_Part):
    """What a venue can do. None: not known, since nobody has tried it; `verified` says whether somebody has."""

    venue: str
    name: str
    verified: bool
    quotes: list[str]
    repeat: str  # returns_first | refused | refused_while_open | unknown
    idempotent: bool | None
    look_up: str  # by_id | in_lists | none
    late: str | None  # refused | taken
    dust: DustReport | None = None
    reports_permissions: bool
    reports_equity: bool
    candles_per_page: int | None = None
    candles_kept: int | None = None  # None where pages are known: all of them
    ordered_nonces: bool | None
    checks_clock: bool | None
    needs_passphrase: bool
    markets_need_key: bool | None
    documents: str = ""


class VenuesReport(_Part):
    """The venues that were asked about."""

    venues: list[VenueReport]


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

    @property
    def is_quiet(self) -> bool:
        """Whether every account is compliant, was before, and nothing must be known."""
        return all(
            account.status is AccountStatus.COMPLIANT and not account.actions and not account.errors
            for account in self.accounts
        )


def totals_of(accounts: list[AccountReport]) -> Totals:
    """Add the accounts up."""
    actions = [action for account in accounts for action in account.actions]
    found = Counter(finding for action in actions for finding in action.verification)
    sent = {Outcome.FILLED, Outcome.PARTIAL, Outcome.REJECTED, Outcome.UNKNOWN}
    return Totals(
        accounts=len(accounts),
        positions_before=sum(a.positions_before or 0 for a in accounts),
        positions_after=sum(a.positions_after or 0 for a in accounts),
        dust=sum(len(a.dust) for a in accounts),
        orders=sum(action.outcome in sent for action in actions),
        halted=sum(a.status is AccountStatus.HALTED for a in accounts),
        timeouts=sum(action.timed_out for action in actions),
        verified=found["VERIFIED"],
        partial_fills=found["PARTIAL_FILL"],
        failed_fills=found["FAILED"],
        slippage_high=found["SLIPPAGE_HIGH"],
    )
