"""Tell a person what is held, under which exit limits, and what the exits so far came to. Reaches no venue."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.order_history import OrderFilter, orders_like
from models.adoption import EntrySource
from models.amounts import plain
from models.exit_report import ExitList, ExitPosition, ExitStatistics, ExitSums, LimitReport
from models.exits import ExitLimits, OwnLimit, PositionConfig
from models.fleet import Account, Fleet
from models.market import Price
from models.order import LedgerOrder
from models.policy import Policy
from models.position import Tracked
from models.store.engine import Store
from models.store.planned_exits import PlannedExit, planned_exits
from models.store.position_configs import position_configs
from models.store.tracked import last_positions, tracked_positions
from rules.exit_limits import entry_in_force, limits_in_force
from rules.exit_plan import KINDS
from rules.exit_statistics import ExitRecord, exit_sums
from rules.exits import judge_exit

_FRACTION = Decimal("0.0001")  # a hundredth of a percent


async def list_exits(store: Store, fleet: Fleet, accounts: Sequence[Account], now: datetime) -> ExitList:
    """Return every tracked position with its limits, by account and symbol. Raises: StoreError."""
    found = [row for account in accounts for row in await _of_account(store, account, fleet.policies[account.id], now)]
    return ExitList(told_at=now, positions=found)


async def exit_statistics(store: Store, accounts: Sequence[str], since: datetime | None) -> ExitStatistics:
    """Return the sums of the ledger's exits by reason; no account named: of all. Raises: StoreError."""
    orders = await orders_like(store, OrderFilter(accounts, since=since, kinds=tuple(KINDS.values())))
    records = await _records(store, [order for order in orders if order.filled > 0])
    sums = [
        ExitSums(
            reason=one.reason,
            mode=one.mode,
            quote=one.quote,
            exits=one.exits,
            pnl_quote=None if one.pnl is None else plain(one.pnl),
            pnl_known=one.pnl_known,
            fees_missing=one.fees_missing,
            mean_hold_hours=None if one.mean_hold_hours is None else round(one.mean_hold_hours, 2),
        )
        for one in exit_sums(records)
    ]
    return ExitStatistics(since=since, sums=sums)


async def _records(store: Store, orders: Sequence[LedgerOrder]) -> list[ExitRecord]:
    plans = await planned_exits(store, {order.intent.plan_id for order in orders})
    records = []
    for order in sorted(orders, key=lambda order: order.intent.cycle):
        known = plans.get((order.intent.plan_id, order.intent.symbol)) or PlannedExit()
        records.append(ExitRecord(order, known.entry_price, known.held_since))
    return records


async def _of_account(store: Store, account: Account, policy: Policy, now: datetime) -> list[ExitPosition]:
    tracked = await tracked_positions(store, account.id)
    configs = await position_configs(store, account.id)
    last = await last_positions(store, account.id)
    prices = {} if last is None else {p.symbol: p.price for p in last.positions}
    rows = []
    for symbol in sorted({*tracked, *configs}):
        own = configs.get(symbol) or PositionConfig(account.id, symbol)
        limits = limits_in_force(policy, own)
        held = _held(tracked[symbol], prices.get(symbol), own, limits, now) if symbol in tracked else {}
        rows.append(
            ExitPosition(
                account=account.id,
                symbol=symbol,
                held=symbol in tracked,
                **held,
                **_limits(limits, own),
                set_by=own.set_by or None,
                reason=own.reason or None,
            )
        )
    return rows


def _held(held: Tracked, price: Price | None, own: PositionConfig, limits: ExitLimits, now: datetime) -> dict[str, Any]:
    """Return what is said of a position that is held."""
    entry = entry_in_force(held, own)
    signal = None
    if price is not None:
        signal = judge_exit(
            price.value,
            entry_price=entry,
            peak_price=held.peak_price,
            first_seen_at=held.first_seen_at,
            now=now,
            limits=limits,
        )
    gain = None if price is None or entry is None else price.value / entry - 1
    source = held.entry_source if held.entry_price is not None else EntrySource.BY_HAND
    return {
        "quantity": plain(held.quantity),
        "entry_price": _maybe(entry),
        "entry_source": None if entry is None else source,
        "peak_price": _maybe(held.peak_price),
        "price": None if price is None else plain(price.value),
        "priced_at": None if price is None else price.at,
        "gain_fraction": None if gain is None else plain(gain.quantize(_FRACTION)),
        "first_seen_at": held.first_seen_at,
        "age_seconds": int((now - held.first_seen_at).total_seconds()),
        "due": None if signal is None else signal.reason,
    }


def _limits(limits: ExitLimits, own: PositionConfig) -> dict[str, LimitReport]:
    hours = None if limits.longest_hold is None else Decimal(str(limits.longest_hold.total_seconds() / 3600))
    return {
        "stop_loss": _limit(limits.stop_loss_fraction, own.stop_loss),
        "take_profit": _limit(limits.take_profit_fraction, own.take_profit),
        "trailing_stop": _limit(limits.trailing_stop_fraction, own.trailing_stop),
        "max_hold_hours": _limit(hours, own.max_hold_hours),
    }


def _limit(value: Decimal | None, own: OwnLimit) -> LimitReport:
    return LimitReport(value=_maybe(value), own=own is not None)


def _maybe(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
