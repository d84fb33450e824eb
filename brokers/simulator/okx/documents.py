"""Write orders and fills as OKX shows them: every number quoted, and an empty string for what does not apply."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from brokers.simulator.okx.names import instrument_id, nothing, number
from brokers.simulator.orders import Fill, Kind, Lifetime, Order, Side, Status
from brokers.simulator.world import Listing

_KINDS = {Lifetime.UNTIL_CANCELED: "limit", Lifetime.AT_ONCE: "ioc", Lifetime.ALL_AT_ONCE: "fok"}
_CANCELED_BY = {
    Status.CANCELED: ("1", "Order was canceled by user"),
    Status.EXPIRED: ("0", "Order was canceled by system"),
}
# What a spot order has no value for: margin, options, attached and linked orders.
_NOT_APPLICABLE = nothing(
    "algoClOrdId algoId attachAlgoClOrdId ccy lever pxType pxUsd pxVol quickMgnType slOrdPx slTriggerPx "
    "slTriggerPxType source stpId tag tpOrdPx tpTriggerPx tpTriggerPxType"
)
_FILL_NOT_APPLICABLE = nothing("fillFwdPx fillIdxPx fillMarkPx fillMarkVol fillPxUsd fillPxVol tag")


def order_state(order: Order) -> str:
    """State of an order in the venue's word."""
    if order.is_open:
        return "partially_filled" if order.filled else "live"
    return "filled" if order.status is Status.FILLED else "canceled"


def order_kind(order: Order) -> str:
    """Type of an order in the venue's word."""
    if order.kind is Kind.MARKET:
        return "market"
    return "post_only" if order.post_only else _KINDS[order.lifetime]


def order_document(order: Order, listing: Listing, fills: Sequence[Fill]) -> dict[str, Any]:
    """Order as in the details, the list of pending ones and the history."""
    last = fills[-1] if fills else None
    by_quote = order.quote_quantity is not None
    source, reason = _CANCELED_BY.get(order.status, ("", ""))
    received = listing.base if order.side is Side.BUY else listing.quote
    return {
        **_NOT_APPLICABLE,
        "accFillSz": number(order.filled),
        "attachAlgoOrds": [],
        "avgPx": number(order.average_price) if order.filled else "",
        "cTime": str(order.opened_ms),
        "cancelSource": source,
        "cancelSourceReason": reason,
        "category": "normal",
        "clOrdId": order.client_order_id or "",
        "fee": number(-order.fee),
        "feeCcy": order.fee_asset or received,
        "fillPx": number(last.price) if last else "",
        "fillSz": number(last.quantity if last else Decimal(0)),
        "fillTime": str(last.time_ms) if last else "",
        "instId": instrument_id(listing),
        "instType": "SPOT",
        "isTpLimit": "false",
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": order.id,
        "ordType": order_kind(order),
        "pnl": "0",
        "posSide": "net",
        "px": number(order.limit_price) if order.limit_price is not None else "",
        "rebate": "0",
        "rebateCcy": listing.base if received == listing.quote else listing.quote,
        "reduceOnly": "false",
        "side": str(order.side),
        "state": order_state(order),
        "stpMode": "cancel_maker",
        "sz": number(order.quote_quantity if order.quote_quantity is not None else order.quantity),
        "tdMode": "cash",
        "tgtCcy": ("quote_ccy" if by_quote else "base_ccy") if order.kind is Kind.MARKET else "",
        "tradeId": str(last.number) if last else "",
        "tradeQuoteCcy": listing.quote,
        "uTime": str(order.updated_ms),
    }


def fill_document(fill: Fill, listing: Listing, client_order_id: str | None) -> dict[str, Any]:
    """Fill as in the transaction details. What is charged is negative."""
    received = fill.cost if fill.side is Side.SELL else fill.quantity
    return {
        **_FILL_NOT_APPLICABLE,
        "billId": fill.id,
        "clOrdId": client_order_id or "",
        "execType": "M" if fill.maker else "T",
        "fee": number(-fill.fee),
        "feeCcy": fill.fee_asset,
        "feeRate": number(round(-fill.fee / received, 6)) if received else "",
        "fillPnl": "0",
        "fillPx": number(fill.price),
        "fillSz": number(fill.quantity),
        "fillTime": str(fill.time_ms),
        "instId": instrument_id(listing),
        "instType": "SPOT",
        "ordId": fill.order_id,
        "posSide": "net",
        "side": str(fill.side),
        "subType": "1" if fill.side is Side.BUY else "2",
        "tradeId": str(fill.number),
        "tradeQuoteCcy": listing.quote,
        "ts": str(fill.time_ms),
    }


def placed_row(order: Order, now_ms: int, words: str) -> dict[str, str]:
    """Row of an order that was accepted, or whose cancel was."""
    return result_row(order.client_order_id, order.id, "0", words, now_ms)


def result_row(client_order_id: str | None, order_id: str, code: str, words: str, now_ms: int) -> dict[str, str]:
    """Row of what became of one order in a request."""
    return {
        "clOrdId": client_order_id or "",
        "ordId": order_id,
        "sCode": code,
        "sMsg": words,
        "tag": "",
        "ts": str(now_ms),
    }
