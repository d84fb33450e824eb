"""Answer Binance's signed endpoints: account, orders, fills."""

from typing import Any

from brokers.simulator.binance.documents import accepted_order, canceled_order, order_document, trade_document
from brokers.simulator.binance.names import money
from brokers.simulator.binance.public import BinancePublic, Routes
from brokers.simulator.binance.requests import order_request
from brokers.simulator.numbers import whole
from brokers.simulator.orders import Order
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation

_MOST_ROWS = 1000


class BinancePrivate:
    """Endpoints that need a signature."""

    def __init__(self, venue: Venue, public: BinancePublic) -> None:
        """Answer from this venue; symbols are resolved as in public."""
        self._venue, self._public = venue, public

    def endpoints(self) -> Routes:
        """Every signed endpoint with its request weight."""
        rows = [
            ("GET", "/api/v3/account", Operation.BALANCE, self.account, 20),
            ("POST", "/api/v3/order", Operation.PLACE, self.place, 1),
            ("GET", "/api/v3/order", Operation.ORDER, self.order, 4),
            ("DELETE", "/api/v3/order", Operation.CANCEL, self.cancel, 1),
            ("GET", "/api/v3/openOrders", Operation.OPEN_ORDERS, self.open_orders, 6),
            ("DELETE", "/api/v3/openOrders", Operation.CANCEL, self.cancel_all, 1),
            ("GET", "/api/v3/allOrders", Operation.CLOSED_ORDERS, self.all_orders, 20),
            ("GET", "/api/v3/myTrades", Operation.TRADES, self.my_trades, 20),
            ("GET", "/sapi/v1/account/apiRestrictions", Operation.PERMISSIONS, self.api_restrictions, 1),
            ("GET", "/sapi/v1/capital/config/getall", Operation.CURRENCIES, self.coins, 10),
        ]
        return {
            (method, path): Endpoint(path.rpartition("/v3/")[2], operation, handler, signed=True, weight=weight)
            for method, path, operation, handler, weight in rows
        }

    def account(self, call: Call) -> Any:
        """Balances and rights."""
        fees = self._venue.world.fees
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        nothing_hidden = call.params.get("omitZeroBalances") != "true"
        return {
            "makerCommission": int(fees.maker * 10_000),
            "takerCommission": int(fees.taker * 10_000),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {"maker": money(fees.maker), "taker": money(fees.taker)},
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": call.now_ms,
            "accountType": "SPOT",
            "balances": [
                {"asset": code, "free": money(balance.total - balance.held), "locked": money(balance.held)}
                for code, balance in shown.items()
                if balance.total or nothing_hidden
            ],
            "permissions": ["SPOT"],
            "uid": 1,
        }

    def api_restrictions(self, call: Call) -> Any:
        """Name what the key may do."""
        account = self._venue.world.accounts[call.owner]
        return {
            "ipRestrict": False,
            "createTime": 1_700_000_000_000,
            "enableReading": True,
            "enableWithdrawals": account.may_withdraw,
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": False,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": account.may_trade,
            "enablePortfolioMarginTrading": False,
        }

    def coins(self, _call: Call) -> Any:
        """Every asset that is traded or held."""
        codes = {code for li in self._venue.listings.values() for code in (li.base, li.quote)}
        codes |= {code for totals in self._venue.book.totals.values() for code in totals}
        return [
            {
                "coin": code,
                "name": code,
                "free": "0",
                "locked": "0",
                "depositAllEnable": True,
                "withdrawAllEnable": True,
                "isLegalMoney": False,
                "trading": True,
                "networkList": [],
            }
            for code in sorted(codes)
        ]

    def place(self, call: Call) -> Any:
        """Place one order; the answer is as long as newOrderRespType asks."""
        listing = self._public.listing(call.params.get("symbol"))
        order = self._venue.engine.place(order_request(call.owner, listing, call.params), call.now_ms)
        length = call.params.get("newOrderRespType", "FULL")
        return accepted_order(order, listing, self._venue.book.fills_of(order), length)

    def order(self, call: Call) -> Any:
        """One order by its id, or the newest with a client id."""
        return order_document(self._found(call, Reason.UNKNOWN_ORDER, self._mine(call)))

    def cancel(self, call: Call) -> Any:
        """End an open order by its id or client id."""
        waiting = [order for order in self._mine(call) if order.is_open]
        order = self._found(call, Reason.UNKNOWN_ORDER_TO_CANCEL, waiting)
        self._venue.engine.cancel(order, call.now_ms)
        return canceled_order(order)

    def cancel_all(self, call: Call) -> Any:
        """End every open order of a market."""
        waiting = [order for order in self._mine(call) if order.is_open]
        if not waiting:
            raise Refusal(Reason.UNKNOWN_ORDER_TO_CANCEL)
        for order in waiting:
            self._venue.engine.cancel(order, call.now_ms)
        return [canceled_order(order) for order in waiting]

    def open_orders(self, call: Call) -> Any:
        """Orders that wait, of one market or all, oldest first."""
        orders = self._mine(call) if "symbol" in call.params else self._venue.book.by_account.get(call.owner, [])
        return [order_document(order) for order in orders if order.is_open]

    def all_orders(self, call: Call) -> Any:
        """Orders of a market in any state: from an id or instant on, or the newest."""
        limit = min(whole(call.params, "limit", 500), _MOST_ROWS)
        first, start = whole(call.params, "orderId", 0), whole(call.params, "startTime", 0)
        end = whole(call.params, "endTime", call.now_ms)
        found = [o for o in self._mine(call) if o.number >= first and start <= o.opened_ms <= end]
        return [order_document(order) for order in (found[:limit] if first or start else found[-limit:])]

    def my_trades(self, call: Call) -> Any:
        """List the fills of a market: from an id or instant on, or the newest."""
        listing = self._public.listing(call.params.get("symbol"))
        limit = min(whole(call.params, "limit", 500), _MOST_ROWS)
        first, start = whole(call.params, "fromId", 0), whole(call.params, "startTime", 0)
        end, order_id = whole(call.params, "endTime", call.now_ms), call.params.get("orderId")
        forward = "fromId" in call.params or bool(start)
        found = [
            fill
            for fill in self._venue.book.fills.get(call.owner, [])
            if fill.symbol == listing.symbol
            and fill.number >= first
            and start <= fill.time_ms <= end
            and order_id in {None, fill.order_id}
        ]
        return [trade_document(fill) for fill in (found[:limit] if forward else found[-limit:])]

    def _mine(self, call: Call) -> list[Order]:
        """Orders of the account in the market named, oldest first."""
        listing = self._public.listing(call.params.get("symbol"))
        return [o for o in self._venue.book.by_account.get(call.owner, []) if o.symbol == listing.symbol]

    @staticmethod
    def _found(call: Call, otherwise: Reason, orders: list[Order]) -> Order:
        """Newest of the orders that has the id or the client id."""
        order_id, client_id = call.params.get("orderId"), call.params.get("origClientOrderId")
        if order_id is None and client_id is None:
            raise Refusal(Reason.INVALID_ARGUMENT, "orderId")
        for order in reversed(orders):
            if order.id == order_id or (order_id is None and order.client_order_id == client_id):
                return order
        raise Refusal(otherwise)
