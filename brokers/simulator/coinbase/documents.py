"""Write products, wallets, orders and fills as Coinbase shows them."""

from decimal import Decimal
from typing import Any

from brokers.simulator.coinbase.names import VAULT, amount, iso, made_up, place_of, product_id, shortest
from brokers.simulator.engine import Shown
from brokers.simulator.manners import FIAT
from brokers.simulator.numbers import at_least
from brokers.simulator.orders import Fill, Kind, Lifetime, Order, Status
from brokers.simulator.prices import Candle, Quote
from brokers.simulator.world import Listing, MarketStatus

_LIFETIMES = {
    Lifetime.UNTIL_CANCELED: "GOOD_UNTIL_CANCELLED",
    Lifetime.AT_ONCE: "IMMEDIATE_OR_CANCEL",
    Lifetime.ALL_AT_ONCE: "FILL_OR_KILL",
}
_STATUS = {Status.FILLED: "FILLED", Status.CANCELED: "CANCELLED", Status.EXPIRED: "CANCELLED", Status.OPEN: "OPEN"}
_MOST = "1000000000"


def product_document(listing: Listing, quote: Quote | None, day: Candle | None) -> dict[str, Any]:
    """Market as in the list of products; one that never traded has empty prices."""
    change = (quote.last - day.open) / day.open * 100 if quote is not None and day is not None else None
    halted = listing.status is not MarketStatus.ONLINE
    return {
        "product_id": product_id(listing),
        "price": "" if quote is None else at_least(quote.last, 0),
        "price_percentage_change_24h": "" if change is None else shortest(change),
        "volume_24h": "" if day is None else shortest(day.volume),
        "volume_percentage_change_24h": "",
        "base_increment": at_least(listing.lot_step, 0),
        "quote_increment": at_least(listing.tick, 0),
        "quote_min_size": at_least(listing.min_notional, 0),
        "quote_max_size": "150000000",
        "base_min_size": at_least(listing.min_quantity, 0),
        "base_max_size": _MOST,
        "base_name": listing.base,
        "quote_name": listing.quote,
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online",
        "cancel_only": halted,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": halted,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": listing.quote,
        "base_currency_id": listing.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": "",
        "alias_to": [],
        "base_display_symbol": listing.base,
        "quote_display_symbol": listing.quote,
        "view_only": False,
        "price_increment": at_least(listing.tick, 0),
        "display_name": product_id(listing),
        "product_venue": "CBE",
        "approximate_quote_24h_volume": "" if day is None else shortest(day.volume * day.close),
        "new_at": None,
    }


def wallet_document(account: str, asset: str, shown: Shown) -> dict[str, Any]:
    """Wallet as in the list of accounts."""
    currency, kept = place_of(asset)
    kind = "VAULT" if kept == VAULT else "FIAT" if currency in FIAT else "CRYPTO"
    return {
        "uuid": made_up("wallet", account, asset),
        "name": f"{currency} Vault" if kept == VAULT else f"{currency} Wallet",
        "currency": currency,
        "available_balance": {"value": amount(shown.total - shown.held), "currency": currency},
        "default": not kept,
        "active": True,
        "created_at": "2023-01-04T06:20:06.456Z",
        "updated_at": "2023-01-04T06:20:07.181Z",
        "deleted_at": None,
        "type": f"ACCOUNT_TYPE_{kind}",
        "ready": True,
        "hold": {"value": amount(shown.held), "currency": currency},
        "retail_portfolio_id": made_up("portfolio", account),
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def order_document(order: Order, listing: Listing, fills: list[Fill]) -> dict[str, Any]:
    """Order as in the lists and by its id."""
    done = order.filled / order.quantity * 100 if order.quantity else Decimal(0)
    after_fees = order.cost - order.fee if order.side == "sell" else order.cost + order.fee
    return {
        "order_id": order.id,
        "product_id": product_id(listing),
        "user_id": made_up("user", order.account),
        "order_configuration": _configuration(order),
        "side": order.side.upper(),
        "client_order_id": order.client_order_id,
        "status": _STATUS[order.status],
        "time_in_force": "IMMEDIATE_OR_CANCEL" if order.kind is Kind.MARKET else _LIFETIMES[order.lifetime],
        "created_time": iso(order.opened_ms),
        "completion_percentage": shortest(done),
        "filled_size": shortest(order.filled),
        "average_filled_price": shortest(order.average_price),
        "fee": "",
        "number_of_fills": str(len(fills)),
        "filled_value": shortest(order.cost),
        "pending_cancel": False,
        "size_in_quote": order.quote_quantity is not None,
        "total_fees": shortest(order.fee),
        "size_inclusive_of_fees": order.quote_quantity is not None,
        "total_value_after_fees": shortest(after_fees),
        "trigger_status": "INVALID_ORDER_TYPE",
        "order_type": order.kind.upper(),
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": order.status is Status.FILLED,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": "",
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": shortest(order.held),
        "is_liquidation": False,
        "last_fill_time": iso(fills[-1].time_ms) if fills else None,
        "edit_history": [],
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": made_up("portfolio", order.account),
        "originating_order_id": "",
        "attached_order_id": "",
        "attached_order_configuration": None,
    }


def fill_document(fill: Fill, listing: Listing) -> dict[str, Any]:
    """Fill as in the list of fills; the size is in base."""
    return {
        "entry_id": made_up("entry", fill.id),
        "trade_id": fill.id,
        "order_id": fill.order_id,
        "trade_time": iso(fill.time_ms),
        "trade_type": "FILL",
        "price": shortest(fill.price),
        "size": shortest(fill.quantity),
        "commission": shortest(fill.fee),
        "product_id": product_id(listing),
        "sequence_timestamp": iso(fill.time_ms),
        "liquidity_indicator": "MAKER" if fill.maker else "TAKER",
        "size_in_quote": False,
        "user_id": made_up("user", fill.account),
        "side": fill.side.upper(),
        "retail_portfolio_id": made_up("portfolio", fill.account),
    }


def _configuration(order: Order) -> dict[str, Any]:
    if order.kind is Kind.MARKET:
        spent = order.quote_quantity
        size = {"base_size": shortest(order.quantity)} if spent is None else {"quote_size": shortest(spent)}
        return {"market_market_ioc": size}
    limit = {"base_size": shortest(order.quantity), "limit_price": shortest(order.limit_price or Decimal(0))}
    if order.lifetime is Lifetime.AT_ONCE:
        return {"sor_limit_ioc": limit}
    if order.lifetime is Lifetime.ALL_AT_ONCE:
        return {"limit_limit_fok": limit}
    return {"limit_limit_gtc": {**limit, "post_only": order.post_only}}
