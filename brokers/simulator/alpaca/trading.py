"""Answer Alpaca's trading API: clock, assets, account, positions, orders, fills."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.simulator.alpaca.documents import (
    account_document,
    asset_document,
    asset_id,
    fill_document,
    fill_id,
    order_document,
    position_document,
)
from brokers.simulator.alpaca.names import NEW_YORK, instant, micros, symbols_by_name, text, without_slash
from brokers.simulator.alpaca.requests import check_worth, order_request
from brokers.simulator.engine import Shown
from brokers.simulator.numbers import whole
from brokers.simulator.orders import Order, Request
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation
from brokers.simulator.world import Listing

_CASH = "USD"
_ORDERS, _MOST_ORDERS = 50, 500
_MOST_FILLS = 100
Routes = dict[tuple[str, str], Endpoint]


class AlpacaTrading:
    """Endpoints that need a key."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue
        self.symbols = symbols_by_name(venue.listings.values())

    def endpoints(self) -> Routes:
        """Every endpoint by method and path; one that ends in a slash goes on with an id."""
        rows: list[tuple[str, str, Operation, Callable[[Call], Any]]] = [
            ("GET", "clock", Operation.TIME, self.clock),
            ("GET", "assets", Operation.MARKETS, self.assets),
            ("GET", "assets/", Operation.MARKETS, self.asset),
            ("GET", "account", Operation.EQUITY, self.account),
            ("GET", "positions", Operation.BALANCE, self.positions),
            ("GET", "positions/", Operation.BALANCE, self.position),
            ("POST", "orders", Operation.PLACE, self.place),
            ("GET", "orders", Operation.OPEN_ORDERS, self.orders),
            ("GET", "orders/", Operation.ORDER, self.order),
            ("GET", "orders:by_client_order_id", Operation.ORDER, self.order_named),
            ("DELETE", "orders", Operation.CANCEL, self.cancel_all),
            ("DELETE", "orders/", Operation.CANCEL, self.cancel),
            ("GET", "account/activities/FILL", Operation.TRADES, self.fills),
        ]
        made = {
            (method, f"/v2/{name}"): Endpoint(name.rstrip("/"), operation, handler, signed=True)
            for method, name, operation, handler in rows
        }
        lists = ("GET", "/v2/orders")
        return made | {lists: replace(made[lists], operation_of=_listed)}

    def clock(self, call: Call) -> Any:
        """Tell the hour in New York, and when the stock market opens."""
        now = datetime.fromtimestamp(call.now_ms / 1000, NEW_YORK)
        opens = f"{now:%Y-%m-%d}T09:30:00-05:00"
        return {
            "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{call.now_ms % 1000:03d}738097-05:00",
            "is_open": False,
            "next_open": opens,
            "next_close": opens.replace("09:30", "16:00"),
        }

    def assets(self, call: Call) -> Any:
        """List the markets, those of a status where it is named."""
        if call.params.get("asset_class", "us_equity") != "crypto":
            return []
        made = (asset_document(listing) for listing in self._venue.listings.values())
        return [asset for asset in made if asset["status"] == call.params.get("status", asset["status"])]

    def asset(self, call: Call) -> Any:
        """Describe one market by its symbol or id."""
        named = call.path.removeprefix("/v2/assets/")
        for listing in self._venue.listings.values():
            if named in {asset_id(listing.symbol), listing.symbol, without_slash(listing.symbol)}:
                return asset_document(listing)
        raise Refusal(Reason.VERBATIM, f"asset not found for {named}", code=40410000, status=404)

    def account(self, call: Call) -> Any:
        """Cash, and what everything is worth."""
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        worth = sum((held.total * (self._price(c, call.now_ms) or 0) for c, held in shown.items()), Decimal(0))
        cash = shown.get(_CASH, Shown(Decimal(0), Decimal(0)))
        return account_document(call.owner, self._venue.world.accounts[call.owner], cash, worth)

    def positions(self, call: Call) -> Any:
        """List the coins."""
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        return [
            position_document(code, held, self._price(code, call.now_ms))
            for code, held in shown.items()
            if code != _CASH and held.total
        ]

    def position(self, call: Call) -> Any:
        """Show one coin by its symbol."""
        name = call.path.removeprefix("/v2/positions/").replace("/", "")
        for position in self.positions(call):
            if name in {position["symbol"], position["asset_id"]}:
                return position
        raise Refusal(Reason.VERBATIM, "position does not exist", code=40410000, status=404)

    def place(self, call: Call) -> Any:
        """Take one order; the answer shows it before anything became of it."""
        listing = self._listing(call.params.get("symbol", ""))
        request = order_request(call.owner, listing, call.params)
        if self._venue.engine.first_named(call.owner, request.client_order_id) is not None:
            raise Refusal(Reason.DUPLICATE_CLIENT_ORDER_ID)
        check_worth(request, listing, self._venue.prices.quote(listing.symbol, call.now_ms))
        try:
            return order_document(self._venue.engine.place(request, call.now_ms), accepted_now=True)
        except Refusal as refusal:
            raise self._in_words(refusal, request, listing) from refusal

    def order(self, call: Call) -> Any:
        """Show one order by its id."""
        return order_document(self._by_id(call))

    def order_named(self, call: Call) -> Any:
        """Show one order by its client id."""
        wanted = call.params.get("client_order_id")
        for order in self._mine(call):
            if wanted and order_document(order)["client_order_id"] == wanted:
                return order_document(order)
        raise Refusal(Reason.UNKNOWN_ORDER, wanted or "")

    def orders(self, call: Call) -> Any:
        """List orders by when they were submitted: open ones unless another status is named, the newest first."""
        status = call.params.get("status", "open")
        symbols = {self.symbols.get(name, "") for name in call.params.get("symbols", "").split(",") if name}
        after, until = instant(call.params, "after"), instant(call.params, "until")
        found = [
            order
            for order in self._mine(call)
            if (status == "all" or order.is_open == (status == "open"))
            and (not symbols or order.symbol in symbols)
            and (after is None or micros(order.opened_ms, order.number) > after)
            and (until is None or micros(order.opened_ms, order.number) < until)
        ]
        if call.params.get("direction", "desc") == "desc":
            found.reverse()
        limit = whole(call.params, "limit", _ORDERS)
        if not 0 < limit <= _MOST_ORDERS:
            raise Refusal(Reason.VERBATIM, f"limit must be between 1 and {_MOST_ORDERS}", code=42210000, status=422)
        return [order_document(order) for order in found[:limit]]

    def cancel(self, call: Call) -> None:
        """End an open order; the yes is a status without a body."""
        order = self._by_id(call)
        if order.is_open:
            self._venue.engine.cancel(order, call.now_ms)
        elif order.filled == order.quantity:
            words = 'order is already in "filled" state'
            raise Refusal(Reason.VERBATIM, words, code=42210000, status=422)

    def cancel_all(self, call: Call) -> Any:
        """End every open order; each has its own status."""
        waiting = [order for order in self._mine(call) if order.is_open]
        for order in waiting:
            self._venue.engine.cancel(order, call.now_ms)
        return [{"id": order.id, "status": 200, "body": order_document(order)} for order in waiting]

    def fills(self, call: Call) -> Any:
        """List the fills, the newest first unless asked otherwise, a hundred from the one named on."""
        size = whole(call.params, "page_size", _MOST_FILLS)
        if not 0 < size <= _MOST_FILLS:
            words = f"page_size must be between 1 and {_MOST_FILLS}"
            raise Refusal(Reason.VERBATIM, words, code=42210000, status=422)
        after, until = instant(call.params, "after"), instant(call.params, "until")
        filled: dict[str, Decimal] = {}
        rows = []
        for fill in self._venue.book.fills.get(call.owner, []):
            filled[fill.order_id] = filled.get(fill.order_id, Decimal(0)) + fill.quantity
            at = micros(fill.time_ms, fill.number)
            if (after is None or at > after) and (until is None or at < until):
                rows.append((fill, filled[fill.order_id]))
        if call.params.get("direction", "desc") == "desc":
            rows.reverse()
        token = call.params.get("page_token")
        place = next((n + 1 for n, (fill, _) in enumerate(rows) if fill_id(fill) == token), 0)
        orders = self._venue.book.orders
        return [
            fill_document(fill, orders[fill.order_id], until_then) for fill, until_then in rows[place : place + size]
        ]

    def _mine(self, call: Call) -> list[Order]:
        """Orders of the account, oldest first."""
        return list(self._venue.book.by_account.get(call.owner, []))

    def _by_id(self, call: Call) -> Order:
        wanted = call.path.removeprefix("/v2/orders/")
        order = self._venue.book.orders.get(wanted)
        if order is None or order.account != call.owner:
            raise Refusal(Reason.UNKNOWN_ORDER, wanted)
        return order

    def _listing(self, name: str) -> Listing:
        symbol = self.symbols.get(name)
        if symbol is None:
            raise Refusal(Reason.UNKNOWN_MARKET, name)
        return self._venue.engine.listing(symbol)

    def _price(self, code: str, now_ms: int) -> Decimal | None:
        symbol = f"{code}/{_CASH}"
        return self._venue.prices.last(symbol, now_ms) if symbol in self._venue.listings else None

    def _in_words(self, refusal: Refusal, request: Request, listing: Listing) -> Refusal:
        """Name the amounts, as the venue does."""
        if refusal.reason is Reason.QUANTITY_BELOW_MINIMUM:
            words = f"order qty must be >= minimal qty of order {text(listing.min_quantity)}"
            return Refusal(Reason.VERBATIM, words, code=40310000, status=403)
        if refusal.reason is not Reason.INSUFFICIENT_FUNDS:
            return refusal
        asset = refusal.detail
        asked = request.quantity if asset == listing.base else request.quote_quantity
        free = text(self._venue.book.free(request.account, asset))
        words = f"insufficient balance for {asset} (requested: {text(asked) or 'more'}, available: {free})"
        return Refusal(Reason.VERBATIM, words, code=40310000, status=403)


def _listed(call: Call) -> Operation:
    return Operation.OPEN_ORDERS if call.params.get("status", "open") == "open" else Operation.CLOSED_ORDERS
