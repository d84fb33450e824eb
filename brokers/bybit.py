"""Bybit, where it differs: errors in a 200, a deadline within the signature, pages by cursor, borrowed balances.

Version 5 of its API, a unified trading account, spot alone: https://bybit-exchange.github.io/docs/v5/intro
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import ccxt.async_support as ccxt

from brokers.adapter import Adapter, holding_of
from brokers.capabilities import Permissions
from brokers.order_window import OrderWindow, current_window
from brokers.trade_history import TradesPage
from models.amounts import exact
from models.position import Holding

_DATED = frozenset({"v5/order/create", "v5/asset/covert/small-balance-execute"})
_ORDERS_PER_PAGE = 50
_FILLS_PER_PAGE = 100
_WEEK_MS = 7 * 86_400_000
_KEPT_MS = 729 * 86_400_000  # two years, less one day
_TELLING_EQUITY = Decimal("0.01")  # dollar values have eight decimals: of less than this, the rate is not exact

# https://bybit-exchange.github.io/docs/v5/error: codes that ccxt has another class for, or none.
_NAMED = {
    "10000": ccxt.RequestTimeout,
    "170121": ccxt.BadSymbol,
    "170151": ccxt.MarketClosed,
}


class SignedWithinWindow:
    """Stamps an order or conversion with the start of its window, and allows it the window's length to arrive.

    The venue takes what was stamped less than a receive window ago: it refuses either once its deadline has passed.
    https://bybit-exchange.github.io/docs/v5/guide#authentication
    """

    options: dict[str, Any]
    _stamp: int | None = None

    def sign(self, path: str, *arguments: Any, **named: Any) -> Any:
        """Sign one request; ccxt takes timestamp and receive window from the client."""
        window = current_window()
        if window is None or path not in _DATED:
            return super().sign(path, *arguments, **named)  # type: ignore[misc]
        usual = self.options["recvWindow"]
        self._stamp, self.options["recvWindow"] = window.opens_ms, window.closes_ms - window.opens_ms
        try:
            return super().sign(path, *arguments, **named)  # type: ignore[misc]
        finally:
            self._stamp, self.options["recvWindow"] = None, usual

    def nonce(self) -> int:
        """Return the timestamp of the request that is being signed."""
        return int(super().nonce()) if self._stamp is None else self._stamp  # type: ignore[misc]


class MarketOrderSizes:
    """Tells how large a market order may be: ccxt reads only the size that both kinds of order once shared.

    https://bybit-exchange.github.io/docs/v5/market/instrument
    """

    async def fetch_spot_markets(self, params: Any) -> list[dict[str, Any]]:
        """Return ccxt's markets with that limit."""
        markets: list[dict[str, Any]] = await super().fetch_spot_markets(params)  # type: ignore[misc]
        for market in markets:
            largest = self.safe_number(market["info"].get("lotSizeFilter"), "maxMarketOrderQty")  # type: ignore[attr-defined]
            market["limits"]["market"] = {"min": None, "max": largest}
        return markets


class Bybit(Adapter):
    """Bybit spot on a unified trading account."""

    client_mixins: ClassVar[tuple[type, ...]] = (SignedWithinWindow, MarketOrderSizes)
    # A page is seven days at most, and most of those are empty: so the list of every market is read, once for all.
    trades_by_symbol: ClassVar[bool] = False
    most_trade_pages: ClassVar[int] = 400
    trades_kept: ClassVar[timedelta | None] = timedelta(days=729)
    unknown_texts: ClassVar[tuple[str, ...]] = (
        "10014",  # invalid duplicate request
        "12141",  # duplicate client order id, as are the next three
        "110030",
        "110072",
        "170141",
        "170035",  # submitted to the system for processing
        "170146",  # order creation timeout
    )
    refusal_texts: ClassVar[tuple[str, ...]] = (
        "170031",  # the feature has been suspended
        "170209",  # the pair is not available in the region
        "170227",  # the feature is not supported
        "170241",  # the risk disclosure of the pair was not confirmed
        "170810",  # too many open orders
    )

    def config(self, url: str | None) -> dict[str, Any]:
        """Spot only, on a unified account: ccxt would ask which kind it is, which takes a right to move funds."""
        return {
            **super().config(url),
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "enableUnifiedMargin": False,
                "enableUnifiedAccount": True,
                "unifiedMarginStatus": 6,
            },
            "exceptions": {"exact": _NAMED},
        }

    def required_key(self, url: str) -> str | None:  # noqa: ARG002 - the same everywhere
        """Bybit wraps every answer."""
        return "result"

    async def holdings(self, client: Any) -> tuple[Holding, ...]:
        """Read the unified wallet, less what is borrowed. Raises: ValueError, also for a coin that is owed."""
        wallet = await _wallet(client)
        return tuple(_holding(client.safe_currency_code(coin["coin"]), coin) for coin in wallet["coin"])

    async def reported_equity(self, client: Any, quote: str) -> Decimal | None:
        """Return the total equity, which the venue tells in dollars, at the rate it values the quote's own balance."""
        wallet = await _wallet(client)
        for coin in wallet["coin"]:
            if client.safe_currency_code(coin["coin"]) == quote and exact(coin["equity"]) >= _TELLING_EQUITY:
                dollars_per_quote = exact(coin["usdValue"]) / exact(coin["equity"])
                return exact(wallet["totalEquity"]) / dollars_per_quote
        return None

    async def open_orders(self, client: Any) -> Sequence[Mapping[str, Any]]:
        """Read every page of what rests in any market."""
        request = {"category": "spot", "openOnly": 0, "limit": _ORDERS_PER_PAGE}
        rows = await _every_page(client.privateGetV5OrderRealtime, request)
        return [_parsed(client, row) for row in {row["orderId"]: row for row in rows}.values()]

    async def permissions(self, client: Any) -> Permissions:
        """Read what the key was given: https://bybit-exchange.github.io/docs/v5/user/apikey-info."""
        answer = await client.privateGetV5UserQueryApi()
        key, read_only = answer["result"], str(answer["result"]["readOnly"])
        if read_only not in {"0", "1"}:
            raise ValueError(f"expected 0 or 1, found readOnly {read_only!r}")
        given = [str(name) for rights in key["permissions"].values() for name in rights]
        expires = datetime.fromisoformat(key["expiredAt"]) if key.get("expiredAt") else None
        now = datetime.fromtimestamp(int(answer["time"]) / 1000, UTC)
        return Permissions(
            trade=read_only == "0" and "SpotTrade" in key["permissions"]["Spot"],
            withdraw=read_only == "0" and "Withdraw" in key["permissions"]["Wallet"],
            # A key that is bound to addresses never expires, and its date says 1970.
            expires_in=expires - now if expires is not None and expires.year > 1970 else None,  # noqa: PLR2004
            detail=", ".join([*given, *(["read only"] if read_only == "1" else [])]),
        )

    def place_params(self, client_order_id: str, window: OrderWindow) -> dict[str, Any]:  # noqa: ARG002
        """Name the order; the deadline goes into its signature."""
        return {"clientOrderId": client_order_id}

    async def find(self, client: Any, client_order_id: str, symbol: str, since: datetime) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Ask for the order under our id, in any state. Only two empty lists count as not found."""
        since_ms = int(since.timestamp() * 1000)
        return await _look_up(client, "orderLinkId", client_order_id, {"startTime": since_ms})

    async def orders_by_id(self, client: Any, ids: Sequence[tuple[str, str]]) -> dict[str, Mapping[str, Any]]:
        """Read orders one at a time; an order the venue does not find is left out."""
        found = {order_id: await _look_up(client, "orderId", order_id, {}) for order_id, _ in ids}
        return {order_id: order for order_id, order in found.items() if order is not None}

    async def order_ids_traded(self, client: Any, symbol: str, since: datetime) -> frozenset[str]:
        """Read every page of the executions in one market, of the seven days that the venue tells from a start."""
        market = client.market(symbol)
        request = {
            "category": "spot",
            "symbol": market["id"],
            "startTime": int(since.timestamp() * 1000),
            "limit": _FILLS_PER_PAGE,
        }
        rows = await _every_page(client.privateGetV5ExecutionList, request)
        return frozenset(str(row["orderId"]) for row in rows if row["symbol"] == market["id"])

    async def trades_page(self, client: Any, symbol: str, cursor: Any) -> TradesPage:  # noqa: ARG002 - all in one
        """Read a hundred executions of any market, week by week back from now.

        Two years are kept: https://bybit-exchange.github.io/docs/v5/order/execution
        """
        now = client.milliseconds()
        end, page = cursor or (now, "")
        start = end - _WEEK_MS
        request = {"category": "spot", "startTime": start, "endTime": end, "limit": _FILLS_PER_PAGE}
        result = (await client.privateGetV5ExecutionList({**request, **({"cursor": page} if page else {})}))["result"]
        rows = [row for row in result["list"] if row["execType"] == "Trade"]
        parsed = [client.parse_trade(row, client.safe_market(row["symbol"], None, None, "spot")) for row in rows]
        following = str(result.get("nextPageCursor") or "")
        if following and following == page:
            raise ValueError("the venue's pages lead in a circle")
        if following and result["list"]:
            return TradesPage(parsed, cursor=(end, following))
        is_last = start - _WEEK_MS < now - _KEPT_MS
        back_to = datetime.fromtimestamp(start / 1000, UTC)
        return TradesPage(parsed, cursor=None if is_last else (start - 1, ""), back_to=back_to)


async def _wallet(client: Any) -> Mapping[str, Any]:
    """Return the one unified wallet. Raises: ValueError for none and for several: neither is an account without coins.

    ccxt would take an answer without a wallet for one without coins.
    """
    answer = await client.privateGetV5AccountWalletBalance({"accountType": "UNIFIED"})
    wallets = answer["result"]["list"]
    if len(wallets) != 1 or wallets[0]["accountType"] != "UNIFIED":
        raise ValueError(f"expected one unified wallet, found {len(wallets)}")
    wallet: Mapping[str, Any] = wallets[0]
    if len({coin["coin"] for coin in wallet["coin"]}) != len(wallet["coin"]):
        raise ValueError("the wallet names a coin twice")
    return wallet


def _holding(asset: str, coin: Mapping[str, Any]) -> Holding:
    """Read one coin. https://bybit-exchange.github.io/docs/v5/account/wallet-balance.

    What spot trades borrowed is in the wallet's balance; `locked` is what open spot orders hold. `availableToWithdraw`,
    which ccxt takes for free, is empty or says what may be moved, not what may be sold.
    """
    own = exact(coin["walletBalance"]) - exact(coin.get("spotBorrow", "0"))
    held = exact(coin["locked"])
    # Margin of inverse contracts is in the coin itself, and empty where it is kept by position.
    margin = min(exact(coin.get("totalPositionIM") or "0"), max(own - held, Decimal(0)))
    return holding_of(asset, own - held - margin, held, margin)


async def _look_up(client: Any, name: str, wanted: str, span: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Ask for one order by an id: among open and the newest closed ones, then in the history.

    A restart of the venue empties the former, and the latter may be late:
    https://bybit-exchange.github.io/docs/v5/order/open-order, https://bybit-exchange.github.io/docs/v5/order/order-list
    """
    request = {"category": "spot", name: wanted}
    for read, asked in (
        (client.privateGetV5OrderRealtime, request),
        (client.privateGetV5OrderHistory, {**request, **span}),
    ):
        for row in (await read(asked))["result"]["list"]:
            if row[name] == wanted:
                return _parsed(client, row)
    return None


async def _every_page(
    read: Callable[[dict[str, Any]], Awaitable[Any]], request: dict[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the rows of all pages. The venue names a next page even where nothing is on it."""
    rows: list[Mapping[str, Any]] = []
    seen = {""}
    result = (await read(request))["result"]
    while result["list"]:
        rows += result["list"]
        cursor = result.get("nextPageCursor") or ""
        if not cursor:
            break
        if cursor in seen:
            raise ValueError("the venue's pages lead in a circle")
        seen.add(cursor)
        result = (await read({**request, "cursor": cursor}))["result"]
    return rows


def _parsed(client: Any, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ccxt's order; ccxt itself would take a spot order for one of a contract, which has the same fields."""
    order: Mapping[str, Any] = client.parse_order(row, client.safe_market(row["symbol"], None, None, "spot"))
    return order
