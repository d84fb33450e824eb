"""What each calendar month earned, in UTC."""

from dataclasses import dataclass

import pandas as pd

from research.result import Result


@dataclass(frozen=True, slots=True)
class Month:
    """One month's return as a fraction; the first and the last may be parts of one."""

    year: int
    month: int
    return_fraction: float


def monthly(result: Result) -> tuple[Month, ...]:
    """Return the months of a backtest, oldest first: the last equity of each over that of the one before.

    The first is measured from the cash it began with. Months without a bar are left out.
    """
    when = pd.to_datetime(result.time, unit="s", utc=True)
    equity = pd.Series(result.equity, index=when)
    last = equity.groupby([when.year, when.month]).last()
    before = last.shift(1, fill_value=result.settings.initial_cash)
    return tuple(
        Month(int(year), int(month), float(end / start - 1) if start > 0 else 0.0)
        for (year, month), end, start in zip(last.index, last, before, strict=True)
    )
