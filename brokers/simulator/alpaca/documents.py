"""Write the account, positions, orders and fills as Alpaca shows them. Trading speaks quoted numbers."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from brokers.simulator.alpaca.names import NEW_YORK, stamp, text, without_slash
from brokers.simulator.engine import Shown
from brokers.simulator.orders import Fill, Kind, Lifetime, Order, Status
from brokers.simulator.world import Account, Listing, MarketStatus

_LIFETIMES = {Lifetime.UNTIL_CANCELED: "gtc", Lifetime.AT_ONCE: "ioc", Lifetime.ALL_AT_ONCE: "fok"}
_ENDS = {Status.FILLED: "filled", Status.CANCELED: "canceled", Status.EXPIRED: "canceled"}
_PRICE_PLACES = 9
_OPENED = "2023-06-13T14:59:18.318096Z"


def account_document(name: str, account: Account, cash: Shown, worth: Decimal) -> dict[str, Any]:
    """Account: `cash` leaves out what open buys keep back, `equity` has it."""
    free = text(cash.total - cash.held)
    equity, zero = text(cash.total + worth), "0"
    return {
        "id": _uuid("account", name),
        "admin_configurations": {"allow_instant_ach": True, "max_margin_multiplier": "4"},
        "user_configurations": None,
        "account_number": f"PA{_uuid('number', name).upper()[:10]}",
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "options_approved_level": 0,
        "options_trading_level": 0,
        "currency": "USD",
        "buying_power": free,
        "regt_buying_power": free,
        "daytrading_buying_power": zero,
        "options_buying_power": free,
        "effective_buying_power": free,
        "non_marginable_buying_power": free,
        "bod_dtbp": zero,
        "cash": free,
        "accrued_fees": zero,
        "pending_transfer_in": zero,
        "portfolio_value": equity,
        "pattern_day_trader": False,
        "trading_blocked": False,
        "transfers_blocked": not account.may_withdraw,
        "account_blocked": False,
        "created_at": _OPENED,
        "trade_suspended_by_user": not account.may_trade,
        "multiplier": "1",
        "shorting_enabled": False,
        "equity": equity,
        "last_equity": equity,
        "long_market_value": text(worth),
        "short_market_value": zero,
        "position_market_value": text(worth),
        "initial_margin": zero,
        "maintenance_margin": zero,
        "last_maintenance_margin": zero,
        "sma": zero,
        "daytrade_count": 0,
        "balance_asof": "2023-06-13",
        "crypto_tier": 1,
        "intraday_adjustments": zero,
        "pending_reg_taf_fees": zero,
    }


def position_document(asset: str, held: Shown, price: Decimal | None) -> dict[str, Any]:
    """Position in one coin, against dollars; without a price its value is null."""
    worth = None if price is None else text(held.total * price)
    return {
        "asset_id": asset_id(f"{asset}/USD"),
        "symbol": without_slash(f"{asset}/USD"),
        "exchange": "CRYPTO",
        "asset_class": "crypto",
        "asset_marginable": False,
        "qty": text(held.total),
        "avg_entry_price": text(price or Decimal(0)),
        "side": "long",
        "market_value": worth,
        "cost_basis": worth or "0",
        "unrealized_pl": "0",
        "unrealized_plpc": "0",
        "unrealized_intraday_pl": "0",
        "unrealized_intraday_plpc": "0",
        "current_price": text(price),
        "lastday_price": text(price),
        "change_today": "0",
        "qty_available": text(held.total - held.held),
    }


def asset_document(listing: Listing) -> dict[str, Any]:
    """Market as in the list of assets."""
    return {
        "id": asset_id(listing.symbol),
        "class": "crypto",
        "exchange": "CRYPTO",
        "symbol": listing.symbol,
        "name": f"{listing.base} / {listing.quote}",
        "status": "inactive" if listing.status is MarketStatus.DELISTED else "active",
        "tradable": listing.status is MarketStatus.ONLINE,
        "marginable": False,
        "maintenance_margin_requirement": 100,
        "margin_requirement_long": "100",
        "margin_requirement_short": "100",
        "shortable": False,
        "easy_to_borrow": False,
        "fractionable": True,
        "attributes": [],
        "min_order_size": text(listing.min_quantity),
        "min_trade_increment": text(listing.lot_step),
        "price_increment": text(listing.tick),
    }


def order_document(order: Order, *, accepted_now: bool = False) -> dict[str, Any]:
    """Order as every endpoint shows it. Just accepted, it shows nothing yet of what it came to."""
    at = stamp(order.opened_ms, order.number)
    ended = stamp(order.closed_ms, order.number) if order.closed_ms is not None and not accepted_now else None
    status = _ENDS.get(order.status) or ("partially_filled" if order.filled else "new")
    filled = Decimal(0) if accepted_now else order.filled
    return {
        "id": order.id,
        "client_order_id": order.client_order_id or _uuid("client", order.id),
        "created_at": at,
        "updated_at": at if accepted_now else stamp(order.updated_ms, order.number),
        "submitted_at": at,
        "filled_at": ended if order.status is Status.FILLED else None,
        "expired_at": None,
        "canceled_at": ended if order.status is not Status.FILLED else None,
        "failed_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": "crypto",
        "notional": text(order.quote_quantity),
        "qty": None if order.quote_quantity is not None and accepted_now else text(order.quantity),
        "filled_qty": text(filled),
        "filled_avg_price": text(round(order.average_price, _PRICE_PLACES)) if filled else None,
        "order_class": "",
        "order_type": order.kind,
        "type": order.kind,
        "side": order.side,
        "position_intent": f"{order.side}_to_{'open' if order.side == 'buy' else 'close'}",
        "time_in_force": _LIFETIMES[order.lifetime],
        "limit_price": text(order.limit_price) if order.kind is Kind.LIMIT else None,
        "stop_price": None,
        "status": "pending_new" if accepted_now else status,
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": "access_key",
        "expires_at": None,
    }


def fill_document(fill: Fill, order: Order, filled_until_then: Decimal) -> dict[str, Any]:
    """Fill as in the account's activities; the fee is in none of them."""
    left = order.quantity - filled_until_then
    return {
        "id": fill_id(fill),
        "activity_type": "FILL",
        "transaction_time": stamp(fill.time_ms, fill.number),
        "type": "partial_fill" if left else "fill",
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "side": fill.side,
        "symbol": fill.symbol,
        "leaves_qty": text(left),
        "order_id": fill.order_id,
        "cum_qty": text(filled_until_then),
        "order_status": "partially_filled" if left else "filled",
        "swap_rate": "1",
    }


def fill_id(fill: Fill) -> str:
    """Id of an activity: the hour in New York and a UUID."""
    there = datetime.fromtimestamp(fill.time_ms / 1000, UTC).astimezone(NEW_YORK)
    return f"{there:%Y%m%d%H%M%S}{fill.time_ms % 1000:03d}::{fill.id}"


def asset_id(symbol: str) -> str:
    """Id of a market."""
    return _uuid("asset", symbol)


def _uuid(kind: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}:{name}"))
