"""Escalate what a scan for exits could not do: a stop that stands is never dropped, and nobody guesses an entry."""

from collections.abc import Sequence
from datetime import datetime

from flows.account_report import Story
from models.alert import OperationalAlert, Severity
from models.order import LedgerOrder
from models.plan import Plan
from models.reasons import OrderState
from models.store.alerts import keep_alerts
from models.store.engine import Store
from rules.exit_plan import STOPS, standing_stops, unknown_entries

STOP_NOT_EXECUTED = "STOP_NOT_EXECUTED"
ENTRY_UNKNOWN = "ENTRY_UNKNOWN"


async def tell_exits(store: Store, story: Story, orders: Sequence[LedgerOrder], now: datetime) -> None:
    """Name the stops that stand and the entries that are not known. A live run raises them as alerts.

    An alert stands until a run finds that it no longer holds. `orders`: what the ledger has of this run.
    Raises: StoreError.
    """
    if not story.plans:  # the account was not read: what was known before stands
        return
    found = _found(story.account, story.plans[-1], orders, live=story.live)
    for alert in found:
        story.error(alert.code, alert.message, alert.symbol)
    if story.live:
        await keep_alerts(store, (STOP_NOT_EXECUTED, ENTRY_UNKNOWN), found, account=story.account, now=now)


def _found(account: str, plan: Plan, orders: Sequence[LedgerOrder], *, live: bool) -> list[OperationalAlert]:
    # A plan that was sent and not read again afterwards: what was filled of it is known all the same.
    filled = {o.intent.symbol for o in orders if o.state is OrderState.FILLED and o.intent.plan_id == plan.plan_id}
    planned = set() if live else {a.symbol for a in plan.actions if a.kind in STOPS}  # a dry run sends nothing
    stops = [
        OperationalAlert(
            STOP_NOT_EXECUTED,
            f"a stop is due and was not executed: {why}; it is tried again in every run",
            Severity.CRITICAL,
            account,
            symbol,
        )
        for symbol, why in standing_stops(plan).items()
        if symbol not in filled | planned
    ]
    words = "what it cost is not known, so no stop protects it; its age counts. nija exits set --entry-price tells it"
    return stops + [
        OperationalAlert(ENTRY_UNKNOWN, words, Severity.WARNING, account, symbol) for symbol in unknown_entries(plan)
    ]
