"""Write orders and fills as Kraken shows them."""

from decimal import Decimal
from typing import Any

from brokers.simulator.kraken.names import pair_names
from brokers.simulator.manners import MANNERS, VenueName
from brokers.simulator.numbers import at_least, padded, places_of
from brokers.simulator.orders import Fill, Kind, Order, Status
from brokers.simulator.world import Listing

_VOLUME_PLACES = 8
_MONEY_PLACES = 5
_STATUS = {
    Status.OPEN: "open",
    Status.FILLED: "closed",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "canceled",  # a market order without liquidity is cancelled by the venue
}
_REASONS = {Status.CANCELED: "User requested", Status.EXPIRED: "Insufficient liquidity"}


def shown_amount(code: str, amount: Decimal) -> str:
    """Amount of an asset with the venue's padding."""
    return padded(amount, MANNERS[VenueName.KRAKEN].decimals(code))


def order_words(order: Order, listing: Listing) -> str:
    """Describe the order in the venue's sentence: sell 0.02100000 XBTUSD @ limit 50000.0."""
    price = f" {_limit(order, listing)}" if order.kind is Kind.LIMIT else ""
    volume = padded(order.quote_quantity or order.quantity, _VOLUME_PLACES)
    return f"{order.side} {volume} {pair_names(listing).altname} @ {order.kind}{price}"


def order_document(order: Order, listing: Listing) -> dict[str, Any]:
    """Order as in OpenOrders, ClosedOrders and QueryOrders."""
    document: dict[str, Any] = {
        "refid": None,
        "userref": order.user_reference,
        "status": _STATUS[order.status],
        "opentm": order.opened_ms / 1000,
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": pair_names(listing).altname,
            "aclass": "forex",
            "type": order.side,
            "ordertype": order.kind,
            "price": _limit(order, listing) if order.kind is Kind.LIMIT else "0",
            "price2": "0",
            "leverage": "none",
            "order": order_words(order, listing),
            "close": "",
        },
        "vol": padded(order.quantity, _VOLUME_PLACES),
        "vol_exec": padded(order.filled, _VOLUME_PLACES),
        "cost": at_least(order.cost, _MONEY_PLACES),
        "fee": at_least(order.fee, _MONEY_PLACES),
        "price": at_least(order.average_price, places_of(listing.tick)),
        "stopprice": padded(Decimal(0), _MONEY_PLACES),
        "limitprice": padded(Decimal(0), _MONEY_PLACES),
        "misc": "",
        "oflags": "fcib" if order.fee_asset == listing.base else "fciq",
    }
    if order.client_order_id is not None:
        document["cl_ord_id"] = order.client_order_id
    if not order.is_open:
        document |= {"reason": _REASONS.get(order.status), "closetm": (order.closed_ms or 0) / 1000}
    return document


def trade_document(fill: Fill, listing: Listing) -> dict[str, Any]:
    """Fill as in TradesHistory and QueryTrades."""
    return {
        "ordertxid": fill.order_id,
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": pair_names(listing).id,
        "aclass": "forex",
        "time": fill.time_ms / 1000,
        "type": fill.side,
        "ordertype": fill.kind,
        "price": at_least(fill.price, places_of(listing.tick)),
        "cost": at_least(fill.cost, _MONEY_PLACES),
        "fee": at_least(fill.fee, _MONEY_PLACES),
        "vol": padded(fill.quantity, _VOLUME_PLACES),
        "margin": padded(Decimal(0), _MONEY_PLACES),
        "leverage": "0",
        "misc": "",
        "trade_id": fill.number,
        "maker": fill.maker,
    }


def _limit(order: Order, listing: Listing) -> str:
    return padded(order.limit_price or Decimal(0), places_of(listing.tick))
