"""A balance with its age: what could be read last of an account's cash, and how many reads have failed since."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class BalanceState:
    """What is kept of one account's balance, in quote units; how old that may be is for `rules.balance` to judge.

    The figures and `read_at` are None together: nothing could be read yet, which is not zero. `errors`: failed reads
    since then, in a row. Raises: ValueError for a figure that is no amount, so that none is ever kept.
    """

    account: str
    cash_free: Decimal | None = None
    cash_total: Decimal | None = None
    equity: Decimal | None = None
    read_at: datetime | None = None
    errors: int = 0
    last_error_code: str | None = None
    last_error_at: datetime | None = None

    def __post_init__(self) -> None:
        figures = (self.cash_free, self.cash_total, self.equity)
        if any((figure is None) is self.is_known for figure in figures):
            raise ValueError(f"{self.account}: expected every figure of a balance and its time, or none of them")
        bad = [figure for figure in figures if figure is not None and not (figure.is_finite() and figure >= 0)]
        if bad:
            raise ValueError(f"{self.account}: expected amounts of zero or more, found {bad[0]}")

    @property
    def is_known(self) -> bool:
        """Whether a balance was ever read."""
        return self.read_at is not None
