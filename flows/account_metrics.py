"""What a run leaves in the log of every account: one event with the figures an operator searches for."""

from decimal import Decimal
from typing import Any

from flows.account_report import Story
from models.amounts import money
from models.fleet import Account
from models.position import Position
from models.reasons import ActionKind, Outcome
from models.report import AccountReport, ActionReport
from tasks.runtime import mode_of

_SOLD = frozenset({Outcome.FILLED, Outcome.PARTIAL})
_DUST = frozenset({ActionKind.CLOSE_DUST, ActionKind.CONVERT_DUST})


def account_metrics(account: Account, report: AccountReport, story: Story) -> dict[str, Any]:
    """Return the fields of the event, as of the last read of the run. What was not read is None.

    Amounts are strings with their unit. What has no price is in no amount: `unvalued` says how many those are.
    """
    read = story.snapshots[-1] if story.snapshots else None
    values = [] if read is None else [(p, p.holding.total * p.price.value) for p in read.positions if p.price]
    values.sort(key=lambda valued: (valued[1], valued[0].symbol))
    of_all = None if read is None else read.equity
    return {
        "account_type": account.kind.value,
        "mode": mode_of(account, live=story.live).value,
        "status": report.status.value,
        "active_positions": report.positions_after,
        "unvalued": None if read is None else len(read.unvalued),
        "dust_cleaned": sum(_is_cleaned(action) for action in report.actions),
        "cap_enforcements": sum(a.kind is ActionKind.TRIM_CAP and a.outcome in _SOLD for a in report.actions),
        "total_balance": _amount(of_all, account.quote),
        "position_value": _amount(None if read is None else sum((v for _, v in values), Decimal(0)), account.quote),
        "free_capital": _amount(None if read is None else read.cash_free, account.quote),
        "largest_position": _position(values[-1], account.quote) if values else None,
        "smallest_position": _position(values[0], account.quote) if values else None,
    }


def _is_cleaned(action: ActionReport) -> bool:
    """Whether dust is gone; what was only marked is still there."""
    return action.kind in _DUST and action.outcome in _SOLD


def _amount(amount: Decimal | None, quote: str) -> str | None:
    return None if amount is None else f"{money(amount)} {quote}"


def _position(valued: tuple[Position, Decimal], quote: str) -> str:
    return f"{valued[0].symbol} {_amount(valued[1], quote)}"
