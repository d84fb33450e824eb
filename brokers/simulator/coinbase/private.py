"""Answer Coinbase's signed endpoints: wallets, portfolio, key, orders, fills."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from brokers.simulator.coinbase.documents import fill_document, order_document, wallet_document
from brokers.simulator.coinbase.names import STAKED, instant_ms, made_up, place_of
from brokers.simulator.coinbase.public import CoinbasePublic, Routes
from brokers.simulator.coinbase.requests import order_request
from brokers.simulator.numbers import padded, whole
from brokers.simulator.orders import Order
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation

_BROKERAGE = "/api/v3/brokerage"
_WALLETS, _MOST_WALLETS = 49, 250
_ROWS, _MOST_ROWS = 100, 1000
_LAST_PART = -1
_DOLLARS = frozenset({"USD", "USDC"})


class CoinbasePrivate:
    """Endpoints that need a token."""

    def __init__(self, venue: Venue, public: CoinbasePublic) -> None:
        """Answer from this venue; products are resolved as in public."""
        self._venue, self._public = venue, public

    def endpoints(self) -> Routes:
        """Every signed endpoint."""
        rows = [
            ("GET", "accounts", Operation.BALANCE, self.wallets),
            ("GET", "key_permissions", Operation.PERMISSIONS, self.key),
            ("GET", "portfolios/*", Operation.EQUITY, self.portfolio),
            ("GET", "transaction_summary", Operation.CURRENCIES, self.summary),
            ("POST", "orders", Operation.PLACE, self.place),
            ("POST", "orders/batch_cancel", Operation.CANCEL, self.cancel),
            ("GET", "orders/historical/fills", Operation.TRADES, self.fills),
            ("GET", "orders/historical/*", Operation.ORDER, self.order),
        ]
        found = {
            (method, f"{_BROKERAGE}/{name}"): Endpoint(name, operation, handler, signed=True)
            for method, name, operation, handler in rows
        }
        name = "orders/historical/batch"
        listed = Endpoint(name, Operation.CLOSED_ORDERS, self.orders, signed=True, operation_of=_orders_for)
        return found | {("GET", f"{_BROKERAGE}/{name}"): listed}

    def wallets(self, call: Call) -> Any:
        """Wallets with what is available and what is held; what is staked is in none of them."""
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        rows = [
            wallet_document(call.owner, asset, balance)
            for asset, balance in shown.items()
            if place_of(asset)[1] != STAKED
        ]
        limit = min(whole(call.params, "limit", _WALLETS), _MOST_WALLETS)
        start = whole(call.params, "cursor", 0)
        page, rest = rows[start : start + limit], rows[start + limit :]
        return {
            "accounts": page,
            "has_next": bool(rest),
            "cursor": str(start + limit) if rest else "",
            "size": len(page),
        }

    def key(self, call: Call) -> Any:
        """Name what the key may do, and its portfolio."""
        account = self._venue.world.accounts[call.owner]
        return {
            "can_view": True,
            "can_trade": account.may_trade,
            "can_transfer": account.may_withdraw,
            "portfolio_uuid": made_up("portfolio", call.owner),
            "portfolio_type": "DEFAULT",
        }

    def portfolio(self, call: Call) -> Any:
        """Worth of the key's portfolio, and its positions with JSON numbers; any other portfolio is not found."""
        uuid = call.path.split("/")[_LAST_PART]
        if uuid != made_up("portfolio", call.owner):
            raise Refusal(Reason.VERBATIM, "NOT_FOUND: portfolio not found", status=404)
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        worth = {asset: self._dollars(asset, balance.total, call.now_ms) for asset, balance in shown.items()}
        total = {"value": padded(sum(worth.values(), Decimal(0)), 2), "currency": "USD"}
        nothing = {"value": "0", "currency": "USD"}
        return {
            "breakdown": {
                "portfolio": {"name": "Default", "uuid": uuid, "type": "DEFAULT", "deleted": False},
                "portfolio_balances": {
                    "total_balance": total,
                    "total_futures_balance": nothing,
                    "total_cash_equivalent_balance": nothing,
                    "total_crypto_balance": total,
                    "futures_unrealized_pnl": nothing,
                    "perp_unrealized_pnl": nothing,
                },
                "spot_positions": [
                    {
                        "asset": place_of(asset)[0],
                        "account_uuid": made_up("wallet", call.owner, asset),
                        "total_balance_fiat": float(worth[asset]),
                        "available_to_trade_fiat": 0,
                        "total_balance_crypto": float(balance.total),
                        "available_to_trade_crypto": 0 if place_of(asset)[1] else float(balance.total - balance.held),
                        "allocation": 0,
                        "is_cash": asset in _DOLLARS,
                        "account_type": f"ACCOUNT_TYPE_{_kept_in(asset)}",
                    }
                    for asset, balance in shown.items()
                ],
                "perp_positions": [],
                "futures_positions": [],
            }
        }

    def summary(self, _call: Call) -> Any:
        """Tell what the account is charged."""
        fees = self._venue.world.fees
        tier = {"pricing_tier": "Advanced 1", "usd_from": "0", "usd_to": "1000"}
        rates = {"taker_fee_rate": str(fees.taker), "maker_fee_rate": str(fees.maker)}
        return {"total_volume": 0, "total_fees": 0, "fee_tier": tier | rates, "margin_rate": None, "total_balance": ""}

    def place(self, call: Call) -> Any:
        """Place one order. An id used before is answered with the order it was used for, whatever is asked now."""
        request = order_request(call.owner, self._public.listing(call.params.get("product_id")), call.params)
        engine = self._venue.engine
        order = engine.first_named(call.owner, request.client_order_id) or engine.place(request, call.now_ms)
        return {
            "success": True,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": order.id,
            "success_response": {
                "order_id": order.id,
                "product_id": order.symbol.replace("/", "-"),
                "side": order.side.upper(),
                "client_order_id": order.client_order_id,
                "attached_order_id": "",
            },
            "order_configuration": json.loads(call.params["order_configuration"]),
        }

    def cancel(self, call: Call) -> Any:
        """End open orders by their ids; each has a result of its own."""
        try:
            ids = [str(name) for name in json.loads(call.params.get("order_ids", ""))]
        except (ValueError, TypeError) as error:
            raise Refusal(Reason.INVALID_ARGUMENT, "order_ids") from error
        return {"results": [self._canceled(call, order_id) for order_id in ids]}

    def order(self, call: Call) -> Any:
        """One order by its id."""
        order = self._venue.book.orders.get(call.path.split("/")[_LAST_PART])
        if order is None or order.account != call.owner:
            raise Refusal(Reason.UNKNOWN_ORDER)
        return {"order": self._document(order)}

    def orders(self, call: Call) -> Any:
        """Orders of some products or all, in some states or all, newest first."""
        asked = parse_qs(call.query)
        states = {state for entry in asked.get("order_status", ()) for state in entry.split(",")}
        if "OPEN" in states and len(states) > 1:
            raise Refusal(Reason.INVALID_ARGUMENT, "cannot specify OPEN with other order statuses")
        wanted = _wanted_products(asked)
        first, last = instant_ms(call, "start_date") or 0, instant_ms(call, "end_date") or call.now_ms
        documents = [
            (order.number, document)
            for order in reversed(self._venue.book.by_account.get(call.owner, []))
            if first <= order.opened_ms <= last
            for document in (self._document(order),)
            if (not states or document["status"] in states) and (not wanted or document["product_id"] in wanted)
        ]
        rows, cursor = _page(documents, call)
        return {"orders": rows, "sequence": "0", "has_next": bool(cursor), "cursor": cursor}

    def fills(self, call: Call) -> Any:
        """List fills of some products or all, newest first."""
        asked = parse_qs(call.query)
        wanted, of_orders = _wanted_products(asked), set(asked.get("order_ids", ()) or asked.get("order_id", ()))
        first = instant_ms(call, "start_sequence_timestamp") or 0
        last = instant_ms(call, "end_sequence_timestamp") or call.now_ms
        documents = [
            (fill.number, document)
            for fill in reversed(self._venue.book.fills.get(call.owner, []))
            if first <= fill.time_ms <= last and (not of_orders or fill.order_id in of_orders)
            for document in (fill_document(fill, self._venue.listings[fill.symbol]),)
            if not wanted or document["product_id"] in wanted
        ]
        rows, cursor = _page(documents, call)
        return {"fills": rows, "cursor": cursor}

    def _document(self, order: Order) -> dict[str, Any]:
        return order_document(order, self._venue.listings[order.symbol], self._venue.book.fills_of(order))

    def _canceled(self, call: Call, order_id: str) -> dict[str, Any]:
        order = self._venue.book.orders.get(order_id)
        if order is None or order.account != call.owner:
            return {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": order_id}
        if not order.is_open:
            reason = "ORDER_IS_FULLY_FILLED" if order.filled == order.quantity else "INVALID_CANCEL_REQUEST"
            return {"success": False, "failure_reason": reason, "order_id": order_id}
        self._venue.engine.cancel(order, call.now_ms)
        return {"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": order_id}

    def _dollars(self, asset: str, quantity: Decimal, now_ms: int) -> Decimal:
        currency = place_of(asset)[0]
        if currency in _DOLLARS:
            return quantity
        symbol = next((s for s in (f"{currency}/USD", f"{currency}/USDC") if s in self._venue.listings), None)
        price = None if symbol is None else self._venue.prices.last(symbol, now_ms)
        return Decimal(0) if price is None else quantity * price


def _orders_for(call: Call) -> Operation:
    """Tell what a list of orders is read for: only the open ones, or those of any state."""
    return Operation.OPEN_ORDERS if call.params.get("order_status") == "OPEN" else Operation.CLOSED_ORDERS


def _wanted_products(asked: dict[str, list[str]]) -> set[str]:
    """Return the products named, by either name of the parameter; none: all."""
    return {*asked.get("product_ids", ()), *asked.get("product_id", ())}


def _page(rows: Sequence[tuple[int, dict[str, Any]]], call: Call) -> tuple[list[dict[str, Any]], str]:
    """Return the rows older than the cursor, and the cursor of the next page; empty: there is none."""
    limit = max(1, min(whole(call.params, "limit", _ROWS), _MOST_ROWS))
    before = whole(call.params, "cursor", 0)
    older = [(number, row) for number, row in rows if not before or number < before]
    page = older[:limit]
    return [row for _, row in page], str(page[-1][0]) if len(older) > limit else ""


def _kept_in(asset: str) -> str:
    return {"S": "STAKED_FUNDS", "V": "VAULT"}.get(place_of(asset)[1], "WALLET")
