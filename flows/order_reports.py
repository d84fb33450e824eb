"""Read the ledger for a person: orders newest first, one order whole, and statistics. Reaches no venue."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from brokers.order_history import (
    SHORTEST_PREFIX,
    OrderFilter,
    accounts_with_orders,
    fills_of,
    orders_like,
    orders_named,
)
from models.amounts import plain
from models.errors import ConfigError
from models.fleet import load_fleet
from models.order import Fill, LedgerOrder
from models.order_report import (
    AccountStatistics,
    FillReport,
    OrderDetails,
    OrderReport,
    OrderStatisticsReport,
    StatisticsReport,
)
from models.settings import policy_defaults
from models.store.engine import Store
from rules.order_statistics import order_statistics
from rules.orders import FillFinding, outcome_of, slippage_bps, verification_of


async def list_orders(store: Store, wanted: OrderFilter, *, limit: int) -> list[OrderReport]:
    """Return the newest orders that a filter means. Raises: StoreError."""
    return [order_report(order) for order in await orders_like(store, wanted, limit=limit)]


async def the_order_named(store: Store, name: str, account: str | None = None) -> LedgerOrder:
    """Return the one order that an id means. Raises: ConfigError where it means none or several; StoreError."""
    found = await orders_named(store, name, account)
    if not found:
        short = f"; the beginning of an id has {SHORTEST_PREFIX} characters at least"
        problem = f"no order of ours has the id {name!r}"
        raise ConfigError(
            "ID", f"{problem}{short if len(name) < SHORTEST_PREFIX else ''}", "what nija orders list shows"
        )
    if len(found) > 1:
        candidates = ", ".join(f"{o.intent.client_order_id} ({o.intent.account} {o.intent.symbol})" for o in found[:5])
        raise ConfigError("ID", f"{name!r} means {len(found)} orders", candidates)
    return found[0]


async def show_order(store: Store, name: str, account: str | None = None) -> OrderDetails:
    """Return everything that is known of one order. Raises: ConfigError, StoreError."""
    order = await the_order_named(store, name, account)
    intent = order.intent
    return OrderDetails(
        **_fields(order),
        run_id=intent.run_id,
        plan_id=intent.plan_id,
        cycle=intent.cycle,
        policy_version=intent.policy_version,
        holding_before=plain(intent.holding_before),
        fills=[_fill(fill) for fill in await fills_of(store, intent.client_order_id)],
    )


async def statistics_of(store: Store, wanted: OrderFilter) -> OrderStatisticsReport:
    """Add up the orders that a filter means, account by account and together. Raises: StoreError."""
    orders = await orders_like(store, wanted)
    by_account: dict[str, list[LedgerOrder]] = {}
    for order in orders:
        by_account.setdefault(order.intent.account, []).append(order)
    return OrderStatisticsReport(
        since=wanted.since,
        accounts=[AccountStatistics(account=name, **_sums(own)) for name, own in sorted(by_account.items())],
        total=StatisticsReport(**_sums(orders)),
    )


async def check_accounts(store: Store, accounts: Sequence[str], fleet: Path) -> None:
    """Accept accounts that have orders or stand in the fleet file: the ledger remembers more than the file.

    Raises: ConfigError for any other; StoreError.
    """
    strangers = set(accounts) - await accounts_with_orders(store)
    if strangers:
        load_fleet(fleet, policy_defaults()).choose(sorted(strangers))


def order_report(order: LedgerOrder) -> OrderReport:
    """Write an order down for a report."""
    return OrderReport(**_fields(order))


def _fields(order: LedgerOrder) -> dict[str, Any]:
    intent = order.intent
    return {
        "client_order_id": intent.client_order_id,
        "venue_order_id": order.venue_order_id,
        "account": intent.account,
        "mode": intent.mode,
        "kind": intent.kind,
        "symbol": intent.symbol,
        "side": intent.side,
        "quantity": plain(intent.quantity),
        "state": order.state,
        "outcome": outcome_of(order),
        "filled": plain(order.filled),
        "expected_price": plain(intent.expected_price),
        "average_price": _maybe(order.average_price),
        "slippage_bps": _bps(slippage_bps(order)),
        "fee_quote": _maybe(order.fee_quote),
        "verification": [finding.name for finding in verification_of(order)],
        "timed_out": order.timed_out_at is not None,
        "created_at": order.created_at,
        "sent_at": order.sent_at,
        "timed_out_at": order.timed_out_at,
        "ended_at": order.updated_at if order.is_decided else None,
        "detail": f"{order.error_code}: {order.detail}" if order.error_code else order.detail,
    }


def _fill(fill: Fill) -> FillReport:
    return FillReport(
        trade_id=fill.trade_id,
        quantity=plain(fill.quantity),
        price=plain(fill.price),
        fee=_maybe(fill.fee),
        fee_asset=fill.fee_asset,
        filled_at=fill.at,
    )


def _sums(orders: Sequence[LedgerOrder]) -> dict[str, Any]:
    sums = order_statistics(orders)
    return {
        "orders": sums.orders,
        "filled": sums.filled,
        "partial": sums.partial,
        "canceled": sums.canceled,
        "rejected": sums.rejected,
        "unknown": sums.unknown,
        "timeouts": sums.timeouts,
        "verified": sums.findings[FillFinding.VERIFIED],
        "partial_fills": sums.findings[FillFinding.PARTIAL_FILL],
        "failed_fills": sums.findings[FillFinding.FAILED],
        "slippage_high": sums.findings[FillFinding.SLIPPAGE_HIGH],
        "over_fills": sums.findings[FillFinding.OVER_FILL],
        "price_unknown": sums.findings[FillFinding.PRICE_UNKNOWN],
        "mean_slippage_bps": _bps(sums.mean_slippage_bps),
        "worst_slippage_bps": _bps(sums.worst_slippage_bps),
        "median_seconds": None if sums.median_seconds is None else round(sums.median_seconds, 3),
    }


def _maybe(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _bps(number: Decimal | None) -> str | None:
    return None if number is None else plain(round(number, 2) + 0)  # without the sign of a rounded zero
