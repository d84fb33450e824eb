"""Write orders and fills as Binance shows them."""

from decimal import Decimal
from typing import Any

from brokers.simulator.binance.names import money
from brokers.simulator.orders import Fill, Kind, Lifetime, Order, Side, Status
from brokers.simulator.world import Listing

_LIFETIMES = {Lifetime.UNTIL_CANCELED: "GTC", Lifetime.AT_ONCE: "IOC", Lifetime.ALL_AT_ONCE: "FOK"}
_STATUS = {Status.FILLED: "FILLED", Status.CANCELED: "CANCELED", Status.EXPIRED: "EXPIRED"}


def order_document(order: Order) -> dict[str, Any]:
    """Order as in GET order, openOrders and allOrders."""
    return {
        **_core(order),
        "stopPrice": money(Decimal(0)),
        "icebergQty": money(Decimal(0)),
        "time": order.opened_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.opened_ms,
    }


def accepted_order(order: Order, listing: Listing, fills: list[Fill], length: str) -> dict[str, Any]:
    """Answer to a new order: ACK, RESULT or FULL."""
    document = _core(order)
    if length == "ACK":
        kept = ("symbol", "orderId", "orderListId", "clientOrderId")
        return {name: document[name] for name in kept} | {"transactTime": order.updated_ms}
    document |= {"transactTime": order.updated_ms, "workingTime": order.opened_ms}
    if length == "FULL":
        document["fills"] = [
            {
                "price": money(fill.price),
                "qty": money(fill.quantity),
                "commission": money(fill.fee),
                "commissionAsset": fill.fee_asset or listing.quote,
                "tradeId": fill.number,
            }
            for fill in fills
        ]
    return document


def canceled_order(order: Order) -> dict[str, Any]:
    """Answer to a cancel; the client id moves, and the cancel gets one of its own."""
    document = _core(order)
    client_id = document.pop("clientOrderId")
    own = f"cancel{order.number}"
    return document | {"origClientOrderId": client_id, "clientOrderId": own, "transactTime": order.updated_ms}


def trade_document(fill: Fill) -> dict[str, Any]:
    """Fill as in myTrades."""
    return {
        "symbol": fill.symbol.replace("/", ""),
        "id": fill.number,
        "orderId": int(fill.order_id),
        "orderListId": -1,
        "price": money(fill.price),
        "qty": money(fill.quantity),
        "quoteQty": money(fill.cost),
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ms,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def _core(order: Order) -> dict[str, Any]:
    kind = "MARKET" if order.kind is Kind.MARKET else "LIMIT_MAKER" if order.post_only else "LIMIT"
    status = _STATUS.get(order.status) or ("PARTIALLY_FILLED" if order.filled else "NEW")
    return {
        "symbol": order.symbol.replace("/", ""),
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.client_order_id or f"sim{order.number}",
        "price": money(order.limit_price or Decimal(0)),
        "origQty": money(order.quantity),
        "executedQty": money(order.filled),
        "origQuoteOrderQty": money(order.quote_quantity or Decimal(0)),
        "cummulativeQuoteQty": money(order.cost),
        "status": status,
        "timeInForce": _LIFETIMES[order.lifetime],
        "type": kind,
        "side": order.side.upper(),
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }
