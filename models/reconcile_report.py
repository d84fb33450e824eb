"""The report of a reconciliation: what the outside reads. Fields are kept and grow only by addition."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.amounts import money, plain
from models.reconciliation import Difference, Finding
from models.report import ErrorReport


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class DifferenceReport(_Part):
    """One difference between the books and the venue. Quantities in base units, equity and value in quote units.

    `mismatch`: it stops entries. `order`: the client order id of one of ours, the venue's id of any other.
    """

    finding: Finding
    mismatch: bool
    accepted: bool
    symbol: str = ""
    expected: str | None = None
    found: str | None = None
    value_usd: str | None = None
    order: str = ""
    detail: str = ""


class ReconciledAccount(_Part):
    """What one account's comparison found.

    `equity`: not_comparable where the venue does not say what the account is worth. `compared_since`: when the books
    agreed with the venue last; None: there was nothing to compare with yet. `new`, `gone`: against what was tracked.
    """

    account: str
    status: Literal["ok", "mismatch", "failed"]
    equity: Literal["agrees", "mismatch", "not_comparable"] = "not_comparable"
    equity_computed: str | None = None
    equity_reported: str | None = None
    equity_detail: str = ""
    compared_since: datetime | None = None
    positions: int | None = None
    new: list[str] = []
    gone: list[str] = []
    orders_undecided: int = 0
    orders_resting: int = 0
    differences: list[DifferenceReport] = []
    errors: list[ErrorReport] = []


class ReconciliationReport(_Part):
    """One reconciliation over a fleet."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    accounts: list[ReconciledAccount]

    @property
    def exit_code(self) -> int:
        """0 nothing contradicts the books; 2 something does, and entries stop; 3 an account could not be read."""
        statuses = {account.status for account in self.accounts}
        return 3 if "failed" in statuses else 2 if "mismatch" in statuses else 0


def difference_report(difference: Difference) -> DifferenceReport:
    """Return a difference as the outside reads it."""
    return DifferenceReport(
        finding=difference.finding,
        mismatch=difference.is_mismatch,
        accepted=difference.accepted,
        symbol=difference.symbol,
        expected=None if difference.expected is None else plain(difference.expected),
        found=None if difference.found is None else plain(difference.found),
        value_usd=None if difference.value is None else money(difference.value),
        order=difference.order,
        detail=difference.detail,
    )
