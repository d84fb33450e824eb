"""Answer Kraken's private methods: balances, orders, fills."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from brokers.simulator.kraken.documents import order_document, order_words, shown_amount, trade_document
from brokers.simulator.kraken.names import asset_id
from brokers.simulator.kraken.public import KrakenPublic
from brokers.simulator.kraken.requests import order_request
from brokers.simulator.numbers import padded, whole
from brokers.simulator.orders import Fill, Order
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation

_PAGE = 50
_MOST_IDS = 50
_MOST_TRADE_IDS = 20
_TXID_LENGTH = 19
_EQUITY_QUOTES = ("USD", "USDT", "USDC", "EUR")


class KrakenPrivate:
    """Methods that need a signature."""

    def __init__(self, venue: Venue, public: KrakenPublic) -> None:
        """Answer from this venue; pairs are resolved as in public."""
        self._venue, self._public = venue, public

    def endpoints(self) -> list[Endpoint]:
        """Every private method, with what it adds to the call counter."""
        rows = [
            ("Balance", Operation.BALANCE, self.balance, 1),
            ("BalanceEx", Operation.BALANCE, self.extended_balance, 1),
            ("TradeBalance", Operation.EQUITY, self.trade_balance, 1),
            ("AddOrder", Operation.PLACE, self.add_order, 0),
            ("QueryOrders", Operation.ORDER, self.query_orders, 1),
            ("OpenOrders", Operation.OPEN_ORDERS, self.open_orders, 1),
            ("ClosedOrders", Operation.CLOSED_ORDERS, self.closed_orders, 1),
            ("TradesHistory", Operation.TRADES, self.trades_history, 2),
            ("QueryTrades", Operation.TRADES, self.query_trades, 1),
            ("CancelOrder", Operation.CANCEL, self.cancel_order, 0),
            ("CancelAll", Operation.CANCEL, self.cancel_all, 0),
            ("GetApiKeyInfo", Operation.PERMISSIONS, self.api_key_info, 1),
        ]
        return [
            Endpoint(name, operation, handler, signed=True, weight=weight) for name, operation, handler, weight in rows
        ]

    def balance(self, call: Call) -> Any:
        """Total per asset."""
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        return {asset_id(code): shown_amount(code, balance.total) for code, balance in shown.items()}

    def extended_balance(self, call: Call) -> Any:
        """Total and held per asset."""
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        return {
            asset_id(code): {
                "balance": shown_amount(code, balance.total),
                "hold_trade": shown_amount(code, balance.held),
            }
            for code, balance in shown.items()
        }

    def trade_balance(self, call: Call) -> Any:
        """Equity in US dollars over what has a dollar price."""
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        total = sum((self._dollars(code, held.total, call.now_ms) for code, held in shown.items()), Decimal(0))
        equity, zero = padded(total, 4), padded(Decimal(0), 4)
        return {"eb": equity, "tb": equity, "m": zero, "n": zero, "c": zero, "v": zero, "e": equity, "mf": equity}

    def api_key_info(self, call: Call) -> Any:
        """Name what the key may do."""
        account = self._venue.world.accounts[call.owner]
        given = ["query-funds", "query-open-trades", "query-closed-trades"]
        given += ["modify-trades", "close-trades"] if account.may_trade else []
        given += ["withdraw-funds"] if account.may_withdraw else []
        return {
            "api_key_name": call.owner,
            "api_key": self._venue.keys[call.owner].api_key,
            "nonce": str(self._venue.nonces.get(self._venue.keys[call.owner].api_key, 0)),
            "nonce_window": 0,
            "permissions": given,
            "iban": "AA00 N84G XXXX XXXX",
            "valid_until": "0",
            "query_from": "0",
            "query_to": "0",
            "created_time": "1700000000",
            "modified_time": "1700000000",
            "ip_allowlist": [],
            "last_used": str(call.now_ms // 1000),
        }

    def add_order(self, call: Call) -> Any:
        """Place one order, unless its deadline has passed."""
        deadline = call.params.get("deadline")
        if deadline is not None and _instant(deadline).timestamp() * 1000 <= call.now_ms:
            raise Refusal(Reason.DEADLINE_ELAPSED)
        listing = self._public.pair(call.params.get("pair"))
        validate_only = call.params.get("validate") == "true"
        request = order_request(call.owner, listing, call.params)
        order = self._venue.engine.place(request, call.now_ms, validate_only=validate_only)
        answer: dict[str, Any] = {"descr": {"order": order_words(order, listing)}}
        return answer if validate_only else answer | {"txid": [order.id]}

    def query_orders(self, call: Call) -> Any:
        """Orders by id, unknown ones left out; or every order with a client id."""
        names = [name for name in call.params.get("txid", "").split(",") if name]
        if len(names) > _MOST_IDS:
            raise Refusal(Reason.INVALID_ARGUMENT, "txid")
        if any(len(name) != _TXID_LENGTH or not name.startswith("O") for name in names):
            raise Refusal(Reason.VERBATIM, "EOrder:Invalid order")
        orders = self._venue.book.orders
        if names:
            found = [orders[name] for name in names if name in orders and orders[name].account == call.owner]
        elif call.params.get("cl_ord_id") or call.params.get("userref"):
            found = self._mine(call)
        else:
            raise Refusal(Reason.INVALID_ARGUMENT, "txid")
        return {order.id: self._order(order, call) for order in found if _is_asked_for(order, call)}

    def open_orders(self, call: Call) -> Any:
        """Orders that wait, newest first."""
        found = [order for order in self._waiting(call) if _is_asked_for(order, call)]
        return {"open": {order.id: self._order(order, call) for order in found}}

    def closed_orders(self, call: Call) -> Any:
        """List ended orders, newest first, fifty from `ofs` on."""
        found = [
            order
            for order in self._mine(call)
            if not order.is_open and _is_asked_for(order, call) and _in_span(order.closed_ms or 0, call)
        ]
        page = _page(found, call)
        return {"closed": {order.id: self._order(order, call) for order in page}, "count": len(found)}

    def trades_history(self, call: Call) -> Any:
        """List fills, newest first, fifty from `ofs` on."""
        mine = reversed(self._venue.book.fills.get(call.owner, []))
        found = [fill for fill in mine if _in_span(fill.time_ms, call)]
        return {"trades": {fill.id: self._trade(fill) for fill in _page(found, call)}, "count": len(found)}

    def query_trades(self, call: Call) -> Any:
        """Find fills by id."""
        names = set(call.params.get("txid", "").split(","))
        if len(names) > _MOST_TRADE_IDS:
            raise Refusal(Reason.INVALID_ARGUMENT, "txid")
        return {f.id: self._trade(f) for f in self._venue.book.fills.get(call.owner, []) if f.id in names}

    def cancel_order(self, call: Call) -> Any:
        """End open orders by id, user reference or client id."""
        name = call.params.get("txid", "")
        client_id = call.params.get("cl_ord_id")
        found = [
            order
            for order in self._waiting(call)
            if (order.id == name or str(order.user_reference) == name or order.client_order_id == (client_id or 0))
        ]
        if not found:
            raise Refusal(Reason.UNKNOWN_ORDER_TO_CANCEL)
        for order in found:
            self._venue.engine.cancel(order, call.now_ms)
        return {"count": len(found)}

    def cancel_all(self, call: Call) -> Any:
        """End every open order."""
        found = self._waiting(call)
        for order in found:
            self._venue.engine.cancel(order, call.now_ms)
        return {"count": len(found)}

    def _mine(self, call: Call) -> list[Order]:
        return list(reversed(self._venue.book.by_account.get(call.owner, [])))

    def _waiting(self, call: Call) -> list[Order]:
        return list(reversed(self._venue.book.open.get(call.owner, {}).values()))

    def _order(self, order: Order, call: Call) -> dict[str, Any]:
        document = order_document(order, self._venue.listings[order.symbol])
        if call.params.get("trades", "").lower() == "true" and order.filled:
            document["trades"] = [fill.id for fill in self._venue.book.fills_of(order)]
        return document

    def _trade(self, fill: Fill) -> dict[str, Any]:
        return trade_document(fill, self._venue.listings[fill.symbol])

    def _dollars(self, code: str, quantity: Decimal, now_ms: int) -> Decimal:
        if code in _EQUITY_QUOTES[:3]:
            return quantity
        symbol = f"{code.split('.', maxsplit=1)[0]}/USD"
        price = self._venue.prices.last(symbol, now_ms) if symbol in self._venue.listings else None
        return quantity * price if price is not None else Decimal(0)


def _is_asked_for(order: Order, call: Call) -> bool:
    client_id, reference = call.params.get("cl_ord_id"), call.params.get("userref")
    return client_id in {None, order.client_order_id} and reference in {None, str(order.user_reference)}


def _in_span(at_ms: int, call: Call) -> bool:
    """Whether an instant lies after `start` and not after `end`, both in seconds."""
    start, end = whole(call.params, "start", 0), whole(call.params, "end", 0)
    return at_ms >= start * 1000 and (not end or at_ms <= end * 1000 + 999)


def _page(rows: list[Any], call: Call) -> list[Any]:
    offset = whole(call.params, "ofs", 0)
    return rows[offset : offset + _PAGE]


def _instant(raw: str) -> datetime:
    """RFC 3339 deadline. Raises: Refusal."""
    try:
        instant = datetime.fromisoformat(raw)
    except ValueError as error:
        raise Refusal(Reason.INVALID_ARGUMENT, "deadline") from error
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
