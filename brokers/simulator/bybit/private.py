"""Answer Bybit's signed endpoints: wallet, key, orders, executions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from brokers.simulator.bybit.documents import coin_document, execution_document, order_document
from brokers.simulator.bybit.names import shown
from brokers.simulator.bybit.public import BybitPublic, Routes
from brokers.simulator.bybit.requests import order_request
from brokers.simulator.numbers import whole
from brokers.simulator.orders import Fill, Order
from brokers.simulator.prices import DAY_MS
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation

Row = TypeVar("Row", Order, Fill)

_ORDERS, _MOST_ORDERS = 20, 50
_FILLS, _MOST_FILLS = 50, 100
_LONGEST_MS = 7 * DAY_MS
_CLOSED_KEPT = 500  # by /v5/order/realtime; older ones are in the history alone
_KEY_LIVES = timedelta(days=90)
# What a stable coin is worth in dollars: close to one, and not one.
_USD_PER_QUOTE = Decimal("0.9996")


class BybitPrivate:
    """Endpoints that need a signature."""

    def __init__(self, venue: Venue, public: BybitPublic) -> None:
        """Answer from this venue; symbols are resolved as in public."""
        self._venue, self._public = venue, public

    def endpoints(self) -> Routes:
        """Every signed endpoint."""
        rows: list[tuple[str, str, Operation, Callable[[Call], Any]]] = [
            ("GET", "/v5/account/wallet-balance", Operation.BALANCE, self.wallet_balance),
            ("GET", "/v5/account/info", Operation.PERMISSIONS, self.account_info),
            ("GET", "/v5/user/query-api", Operation.PERMISSIONS, self.key),
            ("GET", "/v5/asset/coin/query-info", Operation.CURRENCIES, self.coins),
            ("POST", "/v5/order/create", Operation.PLACE, self.place),
            ("POST", "/v5/order/cancel", Operation.CANCEL, self.cancel),
            ("POST", "/v5/order/cancel-all", Operation.CANCEL, self.cancel_all),
            ("GET", "/v5/order/realtime", Operation.OPEN_ORDERS, self.realtime),
            ("GET", "/v5/order/history", Operation.CLOSED_ORDERS, self.history),
            ("GET", "/v5/execution/list", Operation.TRADES, self.executions),
        ]
        made = {
            (method, path): Endpoint(path.removeprefix("/v5/"), operation, handler, signed=True)
            for method, path, operation, handler in rows
        }
        listed = ("GET", "/v5/order/realtime")
        return made | {listed: replace(made[listed], operation_of=_list_or_one)}

    def wallet_balance(self, call: Call) -> Any:
        """Balances, each in dollars too, and what the account is worth."""
        if call.params.get("accountType") != "UNIFIED":
            raise Refusal(Reason.VERBATIM, "accountType only support UNIFIED.", code=10001, status=200)
        owed = self._venue.world.accounts[call.owner].borrowed
        balances = self._venue.engine.balances(call.owner, call.now_ms)
        coins = [
            coin_document(coin, balance, owed.get(coin, Decimal(0)), self._dollars(coin, call.now_ms))
            for coin, balance in balances.items()
            if balance.total or owed.get(coin)
        ]
        worth = shown(sum((Decimal(coin["usdValue"] or 0) for coin in coins), Decimal(0)))
        totals = dict.fromkeys(
            ("totalEquity", "totalWalletBalance", "totalMarginBalance", "totalAvailableBalance"), worth
        )
        nothing = ("totalPerpUPL", "totalInitialMargin", "totalMaintenanceMargin", "accountIMRate", "accountMMRate")
        row = {**totals, **dict.fromkeys(nothing, "0"), "accountLTV": "", "accountType": "UNIFIED", "coin": coins}
        return {"list": [row]}

    def account_info(self, call: Call) -> Any:
        """Tell that the account is a unified one."""
        return {
            "marginMode": "REGULAR_MARGIN",
            "updatedTime": str(call.now_ms),
            "unifiedMarginStatus": 6,
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }

    def key(self, call: Call) -> Any:
        """Name what the key may do, and until when: one that is bound to no address lives three months."""
        account = self._venue.world.accounts[call.owner]
        expires = datetime.fromtimestamp(call.now_ms / 1000, UTC) + _KEY_LIVES
        return {
            "id": "13770661",
            "note": call.owner,
            "apiKey": self._venue.keys[call.owner].api_key,
            "readOnly": 0 if account.may_trade or account.may_withdraw else 1,
            "secret": "",
            "permissions": {
                "ContractTrade": [],
                "Spot": ["SpotTrade"] if account.may_trade else [],
                "Wallet": ["AccountTransfer", *(["Withdraw"] if account.may_withdraw else [])],
                "Options": [],
                "Derivatives": [],
                "Exchange": ["ExchangeHistory"],
                "Earn": [],
            },
            "ips": ["*"],
            "type": 1,
            "deadlineDay": _KEY_LIVES.days,
            "expiredAt": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "createdAt": "2023-11-14T22:13:20Z",
            "unified": 0,
            "uta": 1,
            "userID": 24617703,
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": "",
            "isMaster": True,
        }

    def coins(self, _call: Call) -> Any:
        """Every asset that is traded or held."""
        codes = {code for li in self._venue.listings.values() for code in (li.base, li.quote)}
        codes |= {code for totals in self._venue.book.totals.values() for code in totals}
        return {"rows": [{"name": code, "coin": code, "remainAmount": "1000", "chains": []} for code in sorted(codes)]}

    def place(self, call: Call) -> Any:
        """Place one order. The answer names it and says no more: what becomes of it is read by its id."""
        _spot_only(call)
        listing = self._public.listing(call.params.get("symbol"))
        order = self._venue.engine.place(order_request(call.owner, listing, call.params), call.now_ms)
        return _named(order)

    def cancel(self, call: Call) -> Any:
        """End an open order by its id or client id."""
        _spot_only(call)
        self._public.listing(call.params.get("symbol"))
        waiting = [order for order in _by_id(call, self._orders(call)) if order.is_open]
        if not waiting or not _names_one(call):
            raise Refusal(Reason.UNKNOWN_ORDER_TO_CANCEL)
        self._venue.engine.cancel(waiting[0], call.now_ms)
        return _named(waiting[0])

    def cancel_all(self, call: Call) -> Any:
        """End every open order, of one market or all."""
        _spot_only(call)
        waiting = [order for order in _of_market(call, self._orders(call)) if order.is_open]
        for order in waiting:
            self._venue.engine.cancel(order, call.now_ms)
        return {"list": [_named(order) for order in waiting], "success": "1"}

    def realtime(self, call: Call) -> Any:
        """Orders that wait, newest first; by an id in any state, and without one the newest closed ones if asked."""
        _spot_only(call)
        orders = self._orders(call)
        kept = [order for order in orders if order.is_open]
        closed = [order for order in orders if not order.is_open][:_CLOSED_KEPT]
        if _names_one(call):
            found: Sequence[Order] = _by_id(call, [*kept, *closed])
        else:
            found = _of_market(call, closed if call.params.get("openOnly") == "1" else kept)
        return _page(call, found, order_document, _ORDERS, _MOST_ORDERS)

    def history(self, call: Call) -> Any:
        """Orders that ended, newest first."""
        _spot_only(call)
        ended = [order for order in self._orders(call) if not order.is_open]
        # What was cancelled before anything of it was filled is kept for a day.
        ended = [order for order in ended if order.filled or order.updated_ms > call.now_ms - DAY_MS]
        found = _by_id(call, ended) if _names_one(call) else _of_market(call, ended)
        status = call.params.get("orderStatus")
        found = [o for o in _within(call, found, lambda o: o.opened_ms) if status in {None, _status_of(o)}]
        return _page(call, found, order_document, _ORDERS, _MOST_ORDERS)

    def executions(self, call: Call) -> Any:
        """List fills, newest first."""
        _spot_only(call)
        orders = self._venue.book.orders
        fills = self._venue.book.fills.get(call.owner, [])[::-1]
        if call.params.get("symbol"):
            fills = _of_market(call, fills)
        if _names_one(call):
            named = {order.id for order in _by_id(call, self._orders(call))}
            fills = [fill for fill in fills if fill.order_id in named]
        found = _within(call, fills, lambda fill: fill.time_ms)
        return _page(call, found, lambda fill: execution_document(fill, orders[fill.order_id]), _FILLS, _MOST_FILLS)

    def _orders(self, call: Call) -> list[Order]:
        return self._venue.book.by_account.get(call.owner, [])[::-1]

    def _dollars(self, coin: str, now_ms: int) -> Decimal | None:
        """Dollars per unit; None where the venue has no price."""
        quote = self._venue.world.manners.quote
        if coin == quote:
            return _USD_PER_QUOTE
        symbol = f"{coin}/{quote}"
        price = self._venue.prices.last(symbol, now_ms) if symbol in self._venue.listings else None
        return None if price is None else price * _USD_PER_QUOTE


def _list_or_one(call: Call) -> Operation:
    return Operation.ORDER if _names_one(call) else Operation.OPEN_ORDERS


def _names_one(call: Call) -> bool:
    return bool(call.params.get("orderId") or call.params.get("orderLinkId"))


def _by_id(call: Call, orders: Sequence[Order]) -> list[Order]:
    """Orders with the venue's id, or else with the client's."""
    order_id, client_id = call.params.get("orderId"), call.params.get("orderLinkId")
    return [o for o in orders if (o.id == order_id if order_id else o.client_order_id == client_id)]


def _of_market(call: Call, rows: Sequence[Row]) -> list[Row]:
    name = call.params.get("symbol")
    return [row for row in rows if not name or row.symbol.replace("/", "") == name]


def _within(call: Call, rows: Sequence[Row], instant: Callable[[Row], int]) -> list[Row]:
    """Rows of a span of seven days at most: from a start, up to an end, or the last seven."""
    start, end = whole(call.params, "startTime", 0), whole(call.params, "endTime", 0)
    first = start or (end or call.now_ms) - _LONGEST_MS
    last = end or (start + _LONGEST_MS if start else call.now_ms)
    if last - first > _LONGEST_MS:
        raise Refusal(Reason.INVALID_ARGUMENT, "endTime")
    return [row for row in rows if first <= instant(row) <= last]


def _page(
    call: Call, rows: Sequence[Row], written: Callable[[Row], dict[str, Any]], usual: int, most: int
) -> dict[str, Any]:
    """Rows after the one the cursor names. A page with rows has a cursor, though nothing may come after it."""
    limit = min(whole(call.params, "limit", usual), most)
    after = call.params.get("cursor", "").partition(":")[0]
    if after:
        ids = [row.id for row in rows]
        rows = rows[ids.index(after) + 1 :] if after in ids else []
    shown_rows = [written(row) for row in rows[:limit]]
    cursor = f"{rows[len(shown_rows) - 1].id}%3A{call.now_ms}" if shown_rows else ""
    return {"category": "spot", "nextPageCursor": cursor, "list": shown_rows}


def _named(order: Order) -> dict[str, str]:
    return {"orderId": order.id, "orderLinkId": order.client_order_id or ""}


def _status_of(order: Order) -> str:
    return str(order_document(order)["orderStatus"])


def _spot_only(call: Call) -> None:
    if call.params.get("category") != "spot":
        raise Refusal(Reason.INVALID_ARGUMENT, "category")
