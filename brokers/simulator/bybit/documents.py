"""Write orders, executions and balances as Bybit shows them."""

from decimal import Decimal
from typing import Any

from brokers.simulator.bybit.names import shown
from brokers.simulator.engine import Shown
from brokers.simulator.orders import Fill, Kind, Lifetime, Order, Side, Status

_LIFETIMES = {Lifetime.UNTIL_CANCELED: "GTC", Lifetime.AT_ONCE: "IOC", Lifetime.ALL_AT_ONCE: "FOK"}
_SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
_KINDS = {Kind.MARKET: "Market", Kind.LIMIT: "Limit"}
_REASONS = {Status.CANCELED: "EC_PerCancelRequest", Status.EXPIRED: "EC_NoImmediateQtyToFill"}
_NOTHING = Decimal(0)


def order_document(order: Order) -> dict[str, Any]:
    """Order as in /v5/order/realtime and /v5/order/history; what does not concern spot is there all the same."""
    in_quote = order.quote_quantity is not None
    lifetime = "PostOnly" if order.post_only else _LIFETIMES[order.lifetime]
    return {
        "orderId": order.id,
        "orderLinkId": order.client_order_id or "",
        "blockTradeId": "",
        "symbol": order.symbol.replace("/", ""),
        "price": shown(order.limit_price or _NOTHING),
        "qty": shown(order.quote_quantity or order.quantity),
        "side": _SIDES[order.side],
        "isLeverage": "0",
        "positionIdx": 0,
        "orderStatus": _status(order),
        "createType": "CreateByUser",
        "cancelType": "CancelByUser" if order.status is Status.CANCELED else "UNKNOWN",
        "rejectReason": _REASONS.get(order.status, "EC_NoError"),
        "avgPrice": shown(order.average_price) if order.filled else "",
        "leavesQty": shown(order.remaining) if order.is_open else "0",
        "leavesValue": shown(order.remaining * (order.limit_price or _NOTHING)) if order.is_open else "0",
        "cumExecQty": shown(order.filled),
        "cumExecValue": shown(order.cost),
        "cumExecFee": shown(order.fee),
        "cumFeeDetail": {order.fee_asset: shown(order.fee)} if order.fee_asset else {},
        "timeInForce": "IOC" if order.kind is Kind.MARKET else lifetime,
        "orderType": _KINDS[order.kind],
        "stopOrderType": "",
        "orderIv": "",
        "marketUnit": "" if order.kind is Kind.LIMIT else "quoteCoin" if in_quote else "baseCoin",
        "triggerPrice": "0",
        "takeProfit": "0",
        "stopLoss": "0",
        "tpslMode": "",
        "ocoTriggerBy": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": 0,
        "triggerBy": "",
        "lastPriceOnCreated": "",
        "basePrice": "",
        "reduceOnly": False,
        "closeOnTrigger": False,
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "createdTime": str(order.opened_ms),
        "updatedTime": str(order.updated_ms),
        "extraFees": "",
    }


def execution_document(fill: Fill, order: Order) -> dict[str, Any]:
    """Fill as in /v5/execution/list."""
    rate = fill.fee / (fill.quantity if fill.fee_asset == fill.symbol.split("/")[0] else fill.cost)
    return {
        "symbol": fill.symbol.replace("/", ""),
        "orderId": fill.order_id,
        "orderLinkId": order.client_order_id or "",
        "side": _SIDES[fill.side],
        "orderPrice": shown(order.limit_price or _NOTHING),
        "orderQty": shown(order.quantity),
        "leavesQty": "0" if not order.is_open else shown(order.remaining),
        "createType": "CreateByUser",
        "orderType": _KINDS[fill.kind],
        "stopOrderType": "",
        "execFee": shown(fill.fee),
        "execId": fill.id,
        "execPrice": shown(fill.price),
        "execQty": shown(fill.quantity),
        "execType": "Trade",
        "execValue": shown(fill.cost),
        "execTime": str(fill.time_ms),
        "feeCurrency": fill.fee_asset,
        "isMaker": fill.maker,
        "feeRate": shown(round(rate, 8)),
        "tradeIv": "",
        "markIv": "",
        "markPrice": "",
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": "",
        "seq": fill.number,
    }


def coin_document(coin: str, balance: Shown, owed: Decimal, usd_price: Decimal | None) -> dict[str, Any]:
    """Coin as in /v5/account/wallet-balance: what was borrowed is in the wallet and not in the equity."""
    equity = balance.total - owed
    return {
        "coin": coin,
        "equity": shown(equity),
        "usdValue": "" if usd_price is None else shown(round(equity * usd_price, 8)),
        "walletBalance": shown(balance.total),
        "locked": shown(balance.held),
        "spotHedgingQty": "0",
        "borrowAmount": shown(owed),
        "spotBorrow": shown(owed),
        "availableToWithdraw": "",  # out of use since 2025; the venue sends it empty
        "accruedInterest": "0",
        "totalOrderIM": "0",
        "totalPositionIM": "0",
        "totalPositionMM": "0",
        "unrealisedPnl": "0",
        "cumRealisedPnl": "0",
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
    }


def _status(order: Order) -> str:
    if order.is_open:
        return "PartiallyFilled" if order.filled else "New"
    if order.status is Status.FILLED:
        return "Filled"
    return "PartiallyFilledCanceled" if order.filled else "Cancelled"
