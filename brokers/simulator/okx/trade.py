"""Answer OKX's trade endpoints: place, look up, list and cancel orders, and list their fills."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from brokers.simulator.numbers import whole
from brokers.simulator.okx.documents import fill_document, order_document, order_kind, order_state, placed_row
from brokers.simulator.okx.names import envelope
from brokers.simulator.okx.public import OkxPublic, Routes
from brokers.simulator.okx.refusals import InRow, refused_row
from brokers.simulator.okx.requests import order_request
from brokers.simulator.orders import Fill, Order
from brokers.simulator.prices import DAY_MS
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation

_PAGE = 100
_MOST_ORDERS = 20
_HISTORY_MS = 7 * DAY_MS
_RECENT_FILLS_MS = 3 * DAY_MS
_FILLS_KEPT_MS = 90 * DAY_MS
_CANCELED_KEPT_MS = 7_200_000  # an order that ended without a fill is known for two hours
_PARTLY = "2"
_Row = TypeVar("_Row", Order, Fill)


class OkxTrade:
    """Endpoints that need a signature and are about orders."""

    def __init__(self, venue: Venue, public: OkxPublic) -> None:
        """Answer from this venue; instruments are resolved as in public."""
        self._venue, self._public = venue, public

    def endpoints(self) -> Routes:
        """Every endpoint; its weight is how many calls of it two seconds allow."""
        rows = [
            ("POST", "order", Operation.PLACE, self.place, 60),
            ("POST", "batch-orders", Operation.PLACE, self.place_many, 300),
            ("GET", "order", Operation.ORDER, self.order, 60),
            ("GET", "orders-pending", Operation.OPEN_ORDERS, self.pending, 60),
            ("GET", "orders-history", Operation.CLOSED_ORDERS, self.history, 40),
            ("GET", "orders-history-archive", Operation.CLOSED_ORDERS, self.archive, 20),
            ("POST", "cancel-order", Operation.CANCEL, self.cancel, 60),
            ("POST", "cancel-batch-orders", Operation.CANCEL, self.cancel_many, 300),
            ("GET", "fills", Operation.TRADES, self.recent_fills, 60),
            ("GET", "fills-history", Operation.TRADES, self.fills, 10),
        ]
        return {
            (method, f"/api/v5/trade/{name}"): Endpoint(f"trade/{name}", operation, handler, signed=True, weight=weight)
            for method, name, operation, handler, weight in rows
        }

    def place(self, call: Call) -> Any:
        """Place one order, unless its deadline has passed."""
        _check_deadline(call)
        return _timed([self._placed(call, call.params)], call)

    def place_many(self, call: Call) -> Any:
        """Place up to twenty orders, each for itself."""
        _check_deadline(call)
        return self._each(call, self._placed)

    def order(self, call: Call) -> Any:
        """One order by its id, or the newest with a client id."""
        listing = self._public.listing(call.params.get("instId"))
        found = [o for o in self._known(call) if o.symbol == listing.symbol and _is_named(o, call.params)]
        if not found:
            raise Refusal(Reason.UNKNOWN_ORDER)
        return envelope([self._document(found[-1])])

    def pending(self, call: Call) -> Any:
        """Orders that wait, newest first."""
        return self._listed(call, [o for o in self._known(call) if o.is_open])

    def history(self, call: Call) -> Any:
        """Orders of the last week that ended, newest first."""
        since_ms = call.now_ms - _HISTORY_MS
        return self._ended(call, lambda o: (o.closed_ms or 0) >= since_ms)

    def archive(self, call: Call) -> Any:
        """Orders that ended with a fill, newest first."""
        return self._ended(call, lambda o: o.filled > 0)

    def cancel(self, call: Call) -> Any:
        """End an open order by its id or client id."""
        return _timed([self._canceled(call, call.params)], call)

    def cancel_many(self, call: Call) -> Any:
        """End up to twenty open orders, each for itself."""
        return self._each(call, self._canceled)

    def recent_fills(self, call: Call) -> Any:
        """List the fills of the last three days, newest first."""
        return self._fills(call, call.now_ms - _RECENT_FILLS_MS)

    def fills(self, call: Call) -> Any:
        """List the fills of the last three months, newest first."""
        _need(call, "instType")
        return self._fills(call, call.now_ms - _FILLS_KEPT_MS)

    def _placed(self, call: Call, params: dict[str, str]) -> dict[str, str]:
        try:
            listing = self._public.listing(params.get("instId"))
            order = self._venue.engine.place(order_request(call.owner, listing, params), call.now_ms)
        except Refusal as refusal:
            if refusal.reason is Reason.PERMISSION_DENIED:
                raise
            raise InRow(refusal, params.get("clOrdId")) from None
        return placed_row(order, call.now_ms, "Order placed")

    def _canceled(self, call: Call, params: dict[str, str]) -> dict[str, str]:
        if not self._venue.world.accounts[call.owner].may_trade:
            raise Refusal(Reason.PERMISSION_DENIED)
        symbol = self._public.symbols.get(params.get("instId", ""))
        waiting = list(self._venue.book.open.get(call.owner, {}).values())
        found = [o for o in waiting if o.symbol == symbol and _is_named(o, params)]
        if not found:
            raise InRow(Refusal(Reason.UNKNOWN_ORDER_TO_CANCEL), params.get("clOrdId"), params.get("ordId", ""))
        self._venue.engine.cancel(found[-1], call.now_ms)
        return placed_row(found[-1], call.now_ms, "")

    @staticmethod
    def _each(call: Call, act: Callable[[Call, dict[str, str]], dict[str, str]]) -> Any:
        """Answer "0" where all went through, "2" where some did. Raises: the last refusal where none did."""
        orders = _orders_of(call)
        rows, refusals = [], []
        for params in orders:
            try:
                rows.append(act(call, params))
            except InRow as refusal:
                refusals.append(refusal)
                rows.append(refused_row(refusal, call.now_ms))
        if refusals and len(refusals) == len(orders):
            raise refusals[-1]
        return _timed(rows, call) | (
            {"code": _PARTLY, "msg": "Bulk operation partially succeeded."} if refusals else {}
        )

    def _known(self, call: Call) -> list[Order]:
        """Orders of the account that the venue still knows, oldest first."""
        until_ms = call.now_ms - _CANCELED_KEPT_MS
        mine = self._venue.book.by_account.get(call.owner, [])
        return [o for o in mine if o.is_open or o.filled or (o.closed_ms or 0) > until_ms]

    def _ended(self, call: Call, is_kept: Callable[[Order], bool]) -> Any:
        _need(call, "instType")
        return self._listed(call, [o for o in self._known(call) if not o.is_open and is_kept(o)])

    def _listed(self, call: Call, orders: Iterable[Order]) -> Any:
        kinds, state = call.params.get("ordType", ""), call.params.get("state")
        found = [
            o
            for o in orders
            if self._is_asked_for(o, o.opened_ms, call)
            and (not kinds or order_kind(o) in kinds.split(","))
            and state in {None, order_state(o)}
        ]
        return envelope([self._document(o) for o in _page(found, call, lambda o: o.id)])

    def _fills(self, call: Call, since_ms: int) -> Any:
        order_id = call.params.get("ordId")
        found = [
            f
            for f in self._venue.book.fills.get(call.owner, [])
            if f.time_ms >= since_ms and self._is_asked_for(f, f.time_ms, call) and order_id in {None, f.order_id}
        ]
        rows = _page(found, call, lambda f: f.id)
        orders, listings = self._venue.book.orders, self._venue.listings
        return envelope([fill_document(f, listings[f.symbol], orders[f.order_id].client_order_id) for f in rows])

    def _is_asked_for(self, row: Order | Fill, at_ms: int, call: Call) -> bool:
        name, kind = call.params.get("instId"), call.params.get("instType", "SPOT")
        begin, end = whole(call.params, "begin", 0), whole(call.params, "end", call.now_ms)
        return kind == "SPOT" and (not name or self._public.symbols.get(name) == row.symbol) and begin <= at_ms <= end

    def _document(self, order: Order) -> dict[str, Any]:
        return order_document(order, self._venue.listings[order.symbol], self._venue.book.fills_of(order))


def _check_deadline(call: Call) -> None:
    # https://www.okx.com/docs-v5/en/#overview-transaction-timeouts: refused after it, by the clock of the venue.
    deadline = call.headers.get("expTime")
    if deadline is not None and (not deadline.isdigit() or call.now_ms > int(deadline)):
        raise Refusal(Reason.DEADLINE_ELAPSED)


def _need(call: Call, name: str) -> None:
    if not call.params.get(name):
        raise Refusal(Reason.VERBATIM, f"Parameter {name} can not be empty.", code=50014, status=400)


def _orders_of(call: Call) -> list[dict[str, str]]:
    document = json.loads(call.body or "[]")
    if not isinstance(document, list) or not document:
        raise Refusal(Reason.INVALID_ARGUMENT, "body")
    if len(document) > _MOST_ORDERS:
        raise Refusal(Reason.VERBATIM, f"Maximum {_MOST_ORDERS} orders can be placed in bulk.", code=51111, status=200)
    return [{name: str(value) for name, value in order.items()} for order in document]


def _is_named(order: Order, params: Mapping[str, str]) -> bool:
    """Whether it is meant; where both ids are given the venue's own counts."""
    if params.get("ordId"):
        return order.id == params["ordId"]
    return bool(params.get("clOrdId")) and order.client_order_id == params["clOrdId"]


def _page(rows: list[_Row], call: Call, id_of: Callable[[_Row], str]) -> list[_Row]:
    """Newest first, older than `after` and newer than `before`, which are ids."""
    after, before = whole(call.params, "after", 0), whole(call.params, "before", 0)
    limit = min(whole(call.params, "limit", _PAGE), _PAGE)
    newest_first = reversed(rows)
    found = [r for r in newest_first if (not after or int(id_of(r)) < after) and int(id_of(r)) > before]
    return found[:limit]


def _timed(rows: list[dict[str, str]], call: Call) -> dict[str, Any]:
    """Add when the gateway got the request and answered it, in microseconds."""
    return envelope(rows) | {"inTime": f"{call.now_ms}000", "outTime": f"{call.now_ms}500"}
