"""OKX, where it differs: balances of a unified account, a deadline in a header, and orders that are soon forgotten.

Facts are from https://www.okx.com/docs-v5/en/ unless a comment names another source. What is read is the trading
account; what lies in the funding account has to be transferred there first.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

import ccxt.async_support as ccxt

from brokers.adapter import Adapter, holding_of
from brokers.capabilities import Permissions
from brokers.client import forget_answer, last_answer
from brokers.order_window import OrderWindow, current_window
from brokers.trade_history import TradesPage
from models.amounts import exact
from models.position import Holding

T = TypeVar("T")

_PAGE = 100
_NO_SUCH_ORDER = "51603"
_NOT_LISTED_ANY_MORE = "51001"
_RECENT_FILLS_MS = 71 * 3_600_000  # the quick list goes back three days

# https://www.okx.com/docs-v5/en/#error-code: codes that ccxt has no class for, or one that says less.
_NAMED = {
    "50012": ccxt.PermissionDenied,  # account status invalid
    "50028": ccxt.InvalidOrder,  # unable to place the order, contact support
    "50030": ccxt.PermissionDenied,
    "50032": ccxt.PermissionDenied,  # the account is not to trade this currency
    "50033": ccxt.PermissionDenied,  # nor this instrument
    "50035": ccxt.PermissionDenied,  # the key must be bound to an address
    "50036": ccxt.InvalidOrder,  # the deadline had passed when the request came in
    "50037": ccxt.InvalidOrder,  # or when it came to the order
    "50061": ccxt.RateLimitExceeded,
    "50119": ccxt.AuthenticationError,  # no such key
    "50120": ccxt.PermissionDenied,
    "51025": ccxt.InvalidOrder,  # too many orders
    "51054": ccxt.RequestTimeout,
    "51087": ccxt.BadSymbol,  # the listing was canceled
    "51149": ccxt.RequestTimeout,
    "51150": ccxt.InvalidOrder,  # precision
    "51155": ccxt.PermissionDenied,  # the pair may not be traded where the account is at home
}


class _Expiring:
    """Tells the venue, by a header that no signature covers, until when an order may arrive."""

    def sign(self, path: str, api: Any = "public", method: str = "GET", params: Any = None) -> dict[str, Any]:
        """Sign as ccxt does; an order that is being sent carries the end of its window."""
        signed: dict[str, Any] = super().sign(path, api, method, {} if params is None else params)  # type: ignore[misc]
        window = current_window()
        if window is not None and method == "POST" and path in {"trade/order", "trade/batch-orders"}:
            signed["headers"]["expTime"] = str(window.closes_ms)
        return signed


class Okx(Adapter):
    """OKX spot, in the trading account."""

    client_mixins: ClassVar[tuple[type, ...]] = (_Expiring,)
    buy_params: ClassVar[Mapping[str, Any]] = {"tgtCcy": "base_ccy"}
    trades_kept: ClassVar[timedelta | None] = timedelta(days=90)
    unknown_texts: ClassVar[tuple[str, ...]] = (
        "50001 ",  # matching engine upgrading: it may come while the order is on its way
        "51011 ",  # an order with this id, or
        "51016 ",  # this client id is there: it may be ours
    )

    def config(self, url: str | None) -> dict[str, Any]:
        """Spot only, by the public endpoints; one order is sent as one order and not as a batch of one."""
        config: dict[str, Any] = {
            "has": {"fetchCurrencies": False},  # it would take a key, and says nothing that is needed
            "exceptions": {"exact": _NAMED},
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "createOrder": "privatePostTradeOrder",
            },
        }
        if url is not None:
            config["urls"] = {"api": {"rest": url.rstrip("/")}}
        return config

    def required_key(self, url: str) -> str | None:  # noqa: ARG002 - the same everywhere
        """OKX wraps every answer."""
        return "data"

    async def holdings(self, client: Any) -> tuple[Holding, ...]:
        """Read the trading account. What is owed is not ours; what is frozen beyond open orders cannot be sold."""
        rows = (await _account(client))["details"]
        return tuple(_holding(client.safe_currency_code(row["ccy"]), row) for row in rows)

    async def open_orders(self, client: Any) -> Sequence[Mapping[str, Any]]:
        """List all pending spot orders, page by page."""
        return _parsed(client, await _pages(client.privateGetTradeOrdersPending, "ordId", {"instType": "SPOT"}))

    async def reported_equity(self, client: Any, quote: str) -> Decimal | None:
        """Convert the equity, which is told in US dollars, by what the venue says the quote itself is worth."""
        account = await _account(client)
        total = exact(account["totalEq"])
        if quote == "USD":
            return total
        asset = client.currency(quote)["id"]
        row = next((row for row in account["details"] if row["ccy"] == asset), None)
        if row is None or min(_number(row, "eqUsd", Decimal(0)), _number(row, "eq", Decimal(0))) <= 0:
            return None
        return total * exact(row["eq"]) / exact(row["eqUsd"])

    async def permissions(self, client: Any) -> Permissions:
        """Read what the key was given."""
        (account,) = (await client.privateGetAccountConfig())["data"]
        if not isinstance(account["perm"], str):
            raise ValueError("expected the names of rights")  # noqa: TRY004 - a bad value, read like any other
        given = account["perm"].split(",")
        return Permissions(trade="trade" in given, withdraw="withdraw" in given, detail=", ".join(sorted(given)))

    def place_params(self, client_order_id: str, window: OrderWindow) -> dict[str, Any]:  # noqa: ARG002 - see _Expiring
        """Name the order, and have it refused rather than made smaller where the funds do not suffice."""
        return {"clOrdId": client_order_id, "banAmend": True}

    async def find(self, client: Any, client_order_id: str, symbol: str, since: datetime) -> Mapping[str, Any] | None:
        """Ask for the newest order under our id, then look through those that ended."""
        try:
            return _in_base(await client.fetch_order(None, symbol, {"clOrdId": client_order_id}))
        except (ccxt.OrderNotFound, ccxt.BadSymbol):
            code = _not_there()
            if code is None:
                raise
            query = {"instType": "SPOT", "begin": int(since.timestamp() * 1000)}
            for row in await _pages(client.privateGetTradeOrdersHistory, "ordId", query):
                if row["clOrdId"] == client_order_id:
                    return _in_base(client.parse_order(row))
            if code == _NOT_LISTED_ANY_MORE:  # such a market's orders are not looked up: that proves nothing
                forget_answer()
                raise
            return None

    async def orders_by_id(self, client: Any, ids: Sequence[tuple[str, str]]) -> dict[str, Mapping[str, Any]]:
        """Read orders one by one. Only the venue's own "does not exist" leaves one out."""
        found: dict[str, Mapping[str, Any]] = {}
        for order_id, symbol in ids:
            forget_answer()  # ccxt may decline by itself: that is not to be read together with an earlier answer
            try:
                found[order_id] = _in_base(await client.fetch_order(order_id, symbol))
            except (ccxt.OrderNotFound, ccxt.BadSymbol):
                if _not_there() is None:
                    raise
        return found

    async def order_ids_traded(self, client: Any, symbol: str, since: datetime) -> frozenset[str]:
        """Read all fills since then, from the list that is up to date at once where it goes back that far."""
        begin = int(since.timestamp() * 1000)
        is_recent = client.milliseconds() - begin < _RECENT_FILLS_MS
        read = client.privateGetTradeFills if is_recent else client.privateGetTradeFillsHistory
        query = {"instType": "SPOT", "instId": client.market(symbol)["id"], "begin": begin}
        return frozenset(str(row["ordId"]) for row in await _pages(read, "billId", query) if row["ordId"])

    async def trades_page(self, client: Any, symbol: str, cursor: Any) -> TradesPage:
        """Read a hundred fills: first of the list that is up to date at once, then of the one that goes back."""
        return await _trades_page(client, symbol, cursor)


async def _trades_page(client: Any, symbol: str, cursor: Any) -> TradesPage:
    recent, after = cursor or (True, "")
    read = client.privateGetTradeFills if recent else client.privateGetTradeFillsHistory
    query = {"instType": "SPOT", "instId": client.market(symbol)["id"], "limit": str(_PAGE)}
    rows = (await read({**query, **({"after": after} if after else {})}))["data"]
    last = str(rows[-1]["billId"]) if rows else after
    if rows and last == after:
        raise ValueError("the pages of fills do not advance")
    following = (recent, last) if len(rows) >= _PAGE else (False, last) if recent else None
    return TradesPage([client.parse_trade(row) for row in rows], cursor=following)


async def _account(client: Any) -> Mapping[str, Any]:
    """Read the one row of the balance. Raises: ValueError where there is none, or more than one."""
    (account,) = (await client.privateGetAccountBalance())["data"]
    row: Mapping[str, Any] = account
    return row


async def _pages(
    read: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]], key: str, query: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Read a list that comes newest first, on from the last row of each page, until a page is not full."""
    rows: dict[str, Mapping[str, Any]] = {}
    cursor: dict[str, str] = {}
    while True:
        page = (await read({**query, **cursor, "limit": str(_PAGE)}))["data"]
        fresh = {str(row[key]): row for row in page if str(row[key]) not in rows}
        rows |= fresh
        if len(page) < _PAGE or not fresh:
            return list(rows.values())
        cursor = {"after": str(page[-1][key])}


def _parsed(client: Any, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [_in_base(client.parse_order(row)) for row in rows]


def _in_base(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return ccxt's order with its amount in base units: of one in quote units only what it filled is known."""
    raw = order["info"]
    by_quote = raw.get("ordType") == "market" and raw.get("tgtCcy") == "quote_ccy"
    return {**order, "amount": raw["accFillSz"]} if by_quote else dict(order)


def _not_there() -> str | None:
    """Return the code by which the venue itself said that it knows no such order, or no such market any more."""
    code = (last_answer().venue_code or "").partition(" ")[0]
    return code if code in {_NO_SUCH_ORDER, _NOT_LISTED_ANY_MORE} else None


def _holding(asset: str, row: Mapping[str, Any]) -> Holding:
    """Read one currency.

    Free is what can be sold and is not owed. Held is what open orders keep back; where the account's mode does not say,
    all that is frozen. The rest that is frozen (bots, lending, positions) is locked.
    """
    frozen = _number(row, "frozenBal", Decimal(0))
    held = _number(row, "ordFrozen", frozen)
    # Some account modes leave it out; then what is frozen is not available.
    free = _number(row, "availBal", None)
    free = max(exact(row["cashBal"]) - frozen, Decimal(0)) if free is None else free
    locked = max(frozen - held, Decimal(0))
    if free == held == locked == 0:
        locked = max(_number(row, "eq", Decimal(0)), Decimal(0))  # it exists, in a product that is not broken down here
    owed = _number(row, "liab", Decimal(0))
    return holding_of(asset, free if free < 0 else max(free - owed, Decimal(0)), held, locked)


def _number(row: Mapping[str, Any], name: str, otherwise: T) -> Decimal | T:
    """Read a number; `otherwise` where it is missing or empty: it does not apply. Raises: ValueError for no number."""
    raw = row.get(name)
    return otherwise if raw is None or raw == "" else exact(raw)
