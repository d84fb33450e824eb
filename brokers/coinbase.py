"""Coinbase Advanced, where it differs: wallets by pages, staked funds elsewhere, ids unique for ever, short tokens."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import ccxt.async_support as ccxt

from brokers.adapter import Adapter, holding_of, yes_or_no
from brokers.capabilities import Permissions
from brokers.client import last_answer
from brokers.coinbase_client import CoinbaseClient
from brokers.errors import PortfolioMissing
from brokers.order_window import OrderWindow
from brokers.trade_history import TradesPage
from models.amounts import exact
from models.position import Holding

_WALLETS_PER_PAGE = 250
_ROWS_PER_PAGE = 100
_GONE = 404
_PORTFOLIO = "portfolio"  # the option of a client that keeps its key's one: a key never changes it

# Wallets that spot orders cannot reach: https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/accounts
# has the types and platforms. Staked ether was a currency of its own.
_UNREACHABLE_TYPES = frozenset({"ACCOUNT_TYPE_VAULT", "ACCOUNT_TYPE_PERP_FUTURES"})
_UNREACHABLE_PLATFORMS = frozenset({"ACCOUNT_PLATFORM_CFM_CONSUMER", "ACCOUNT_PLATFORM_INTX"})
_STAKED_CURRENCIES = {"ETH2": "ETH"}
_STAKED = "ACCOUNT_TYPE_STAKED_FUNDS"

# By the end of its path, what the answer of a call must have.
_REQUIRED = (
    ("/brokerage/accounts", "accounts"),
    ("/orders/historical/batch", "orders"),
    ("/orders/historical/fills", "fills"),
    ("/orders/batch_cancel", "results"),
    ("/brokerage/orders", "success"),
    ("/market/products", "products"),
    ("/brokerage/key_permissions", "can_view"),
    ("/brokerage/time", "epochMillis"),
    ("/candles", "candles"),
    ("/ticker", "trades"),
)


class Coinbase(Adapter):
    """Coinbase Advanced, spot."""

    client_mixins: ClassVar[tuple[type, ...]] = (CoinbaseClient,)
    unknown_texts: ClassVar[tuple[str, ...]] = ("DUPLICATE", "uplicate")  # an order of ours may stand under this id

    def config(self, url: str | None) -> dict[str, Any]:
        """Take the balance that shows what is held, the hour to the millisecond, and no list of currencies."""
        config: dict[str, Any] = {
            "has": {"fetchCurrencies": False},
            "options": {
                "defaultType": "spot",
                "fetchBalance": "v3PrivateGetBrokerageAccounts",
                "fetchTime": "v3PublicGetBrokerageTime",
            },
        }
        if url is not None:
            config["urls"] = {"api": {"rest": url.rstrip("/")}}
        return config

    def required_key(self, url: str) -> str | None:
        """Name the key without which an answer is empty."""
        path = url.split("?", 1)[0]
        known = next((key for ending, key in _REQUIRED if path.endswith(ending)), None)
        if known is None and "/orders/historical/" in path:
            return "order"
        return "breakdown" if known is None and "/brokerage/portfolios/" in path else known

    async def holdings(self, client: Any) -> tuple[Holding, ...]:
        """Read every wallet, added up by currency, and what is staked, which is in none of them."""
        wallets = await _pages(client.v3PrivateGetBrokerageAccounts, {"limit": _WALLETS_PER_PAGE}, "accounts")
        ids = [str(wallet["uuid"]) for wallet in wallets]
        if len(set(ids)) < len(ids):
            raise ValueError("a wallet is listed twice")  # the pages moved while they were read
        free: dict[str, Decimal] = {}
        held: dict[str, Decimal] = {}
        locked: dict[str, Decimal] = {}
        for wallet in wallets:
            asset = client.safe_currency_code(str(wallet["currency"]))
            part = holding_of(asset, wallet["available_balance"]["value"], wallet["hold"]["value"])
            if asset in _STAKED_CURRENCIES or _is_unreachable(wallet):
                _add(locked, _STAKED_CURRENCIES.get(asset, asset), part.total)
            else:
                _add(free, asset, part.free)
                _add(held, asset, part.held)
        for portfolio in {str(w["retail_portfolio_id"]) for w in wallets if w.get("retail_portfolio_id")}:
            for asset, quantity in await _staked(client, portfolio, ids):
                _add(locked, asset, quantity)
        return tuple(
            holding_of(asset, free.get(asset, "0"), held.get(asset, "0"), locked.get(asset, Decimal(0)))
            for asset in free.keys() | locked.keys()
        )

    async def open_orders(self, client: Any) -> Sequence[Mapping[str, Any]]:
        """List open orders of every product, all pages."""
        query = {"order_status": "OPEN", "limit": _ROWS_PER_PAGE}
        orders = await _pages(client.v3PrivateGetBrokerageOrdersHistoricalBatch, query, "orders")
        return [client.parse_order(order) for order in orders]

    async def tickers(self, client: Any) -> Mapping[str, Mapping[str, Any]]:
        """Read the products, which carry their prices."""
        tickers: dict[str, Mapping[str, Any]] = await client.fetch_tickers(None, {"product_type": "SPOT"})
        return tickers

    async def reported_equity(self, client: Any, quote: str) -> Decimal | None:
        """Read the worth of the key's portfolio, unless it is told in another currency.

        Raises: PortfolioMissing where the venue has no such portfolio.
        """
        if _PORTFOLIO not in client.options:
            await self.permissions(client)
        total = (await _portfolio(client, client.options[_PORTFOLIO]))["portfolio_balances"]["total_balance"]
        return exact(total["value"]) if total["currency"] == quote else None

    async def permissions(self, client: Any) -> Permissions:
        """Read what the key was given; who may transfer may withdraw."""
        key = await client.v3PrivateGetBrokerageKeyPermissions()
        if isinstance(key.get("portfolio_uuid"), str):
            client.options[_PORTFOLIO] = key["portfolio_uuid"]
        given = [name for name in ("can_view", "can_trade", "can_transfer") if key.get(name) is True]
        portfolio = f"portfolio {key.get('portfolio_type')} {key.get('portfolio_uuid')}"
        return Permissions(
            trade=yes_or_no(key["can_trade"]),
            withdraw=yes_or_no(key["can_transfer"]),
            detail=", ".join([*given, portfolio]),
        )

    def place_params(self, client_order_id: str, window: OrderWindow) -> dict[str, Any]:  # noqa: ARG002 - in the token
        """Name the order; ccxt drops what it calls `clientOrderId` itself."""
        return {"client_order_id": client_order_id}

    async def find(self, client: Any, client_order_id: str, symbol: str, since: datetime) -> Mapping[str, Any] | None:
        """Look through every order of the product since then, in any state."""
        query = {
            "product_ids": _product_ids(client, symbol),
            "start_date": client.iso8601(int(since.timestamp() * 1000)),
            "limit": _ROWS_PER_PAGE,
        }
        for order in await _pages(client.v3PrivateGetBrokerageOrdersHistoricalBatch, query, "orders"):
            if order.get("client_order_id") == client_order_id:
                return _of(client, order, symbol)
        return None

    async def orders_by_id(self, client: Any, ids: Sequence[tuple[str, str]]) -> dict[str, Mapping[str, Any]]:
        """Read orders one by one."""
        found: dict[str, Mapping[str, Any]] = {}
        for order_id, symbol in ids:
            try:
                answer = await client.v3PrivateGetBrokerageOrdersHistoricalOrderId({"order_id": order_id})
            except ccxt.OrderNotFound:
                continue
            if answer["order"]["order_id"] != order_id:
                raise ValueError("the answer is about another order")
            found[order_id] = _of(client, answer["order"], symbol)
        return found

    async def order_ids_traded(self, client: Any, symbol: str, since: datetime) -> frozenset[str]:
        """Read every fill of the product since then."""
        products = _product_ids(client, symbol)
        start = client.iso8601(int(since.timestamp() * 1000))
        query = {"product_ids": products, "start_sequence_timestamp": start, "limit": _ROWS_PER_PAGE}
        fills = await _pages(client.v3PrivateGetBrokerageOrdersHistoricalFills, query, "fills")
        return frozenset(str(fill["order_id"]) for fill in fills if fill["product_id"] in products)

    async def trades_page(self, client: Any, symbol: str, cursor: Any) -> TradesPage:
        """Read a hundred fills of the product; a correction of one is none, and leaves the rest not adding up."""
        products = _product_ids(client, symbol)
        query = {"product_ids": products, "limit": _ROWS_PER_PAGE, **({"cursor": cursor} if cursor else {})}
        answer = await client.v3PrivateGetBrokerageOrdersHistoricalFills(query)
        rows = [row for row in answer["fills"] if row["trade_type"] == "FILL" and row["product_id"] in products]
        following = answer.get("cursor") or None
        if following is not None and following == cursor:
            raise ValueError("the pages of fills do not advance")
        parsed = [{**client.parse_trade(row), "symbol": symbol} for row in rows]
        return TradesPage(parsed, cursor=following if answer["fills"] else None)

    async def time(self, client: Any) -> datetime | None:
        """Return the hour at the venue to the millisecond."""
        answer = await client.v3PublicGetBrokerageTime()
        return datetime.fromtimestamp(int(answer["epochMillis"]) / 1000, UTC)


async def _pages(
    call: Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]], query: Mapping[str, Any], rows: str
) -> list[Mapping[str, Any]]:
    """Read every page of a list. Raises: ValueError for pages that do not join up."""
    found: list[Mapping[str, Any]] = []
    passed: set[str] = set()
    cursor: str | None = None
    while True:
        answer = await call({**query, **({"cursor": cursor} if cursor else {})})
        if not isinstance(answer[rows], list):
            raise ValueError(f"expected a list of {rows}, found {answer[rows]!r}")  # noqa: TRY004 - a bad value
        found += answer[rows]
        cursor, more = answer.get("cursor"), answer.get("has_next")
        # Not every list says whether there is more; without a word of it a cursor does.
        if not (bool(cursor and answer[rows]) if more is None else yes_or_no(more)):
            return found
        if not cursor or not isinstance(cursor, str) or cursor in passed:
            raise ValueError(f"the next page of {rows} cannot be asked for")
        passed.add(cursor)


async def _portfolio(client: Any, uuid: str) -> Mapping[str, Any]:
    try:
        answer = await client.v3PrivateGetBrokeragePortfoliosPortfolioUuid({"portfolio_uuid": uuid})
    except ccxt.BadRequest as error:
        if last_answer().status == _GONE:
            raise PortfolioMissing(str(error)) from None
        raise
    breakdown: Mapping[str, Any] = answer["breakdown"]
    return breakdown


async def _staked(client: Any, portfolio: str, wallets: Sequence[str]) -> list[tuple[str, Decimal]]:
    """Return what is staked, by asset: the list of wallets leaves it out (https://github.com/ccxt/ccxt/issues/23853).

    Where the portfolio cannot be seen the balance is not known: what is staked takes a slot, and would be missed.
    """
    breakdown = await _portfolio(client, portfolio)
    return [
        (client.safe_currency_code(str(position["asset"])), exact(position["total_balance_crypto"]))
        for position in breakdown["spot_positions"]
        if position.get("account_type") == _STAKED and position.get("account_uuid") not in wallets
    ]


def _is_unreachable(wallet: Mapping[str, Any]) -> bool:
    switched_off = wallet.get("active") is False or wallet.get("ready") is False
    elsewhere = wallet.get("type") in _UNREACHABLE_TYPES or wallet.get("platform") in _UNREACHABLE_PLATFORMS
    return switched_off or elsewhere


def _add(sums: dict[str, Decimal], asset: str, quantity: Decimal) -> None:
    sums[asset] = sums.get(asset, Decimal(0)) + quantity


def _product_ids(client: Any, symbol: str) -> list[str]:
    """Return the product and its aliases: USD and USDC share their books, and an order may show under either."""
    if symbol not in client.markets:  # delisted since: its orders are still there
        return [symbol.replace("/", "-")]
    market = client.market(symbol)
    info = market.get("info") or {}
    aliases = [info.get("alias"), *(info.get("alias_to") or ())]
    return [market["id"], *(name for name in aliases if isinstance(name, str) and name)]


def _of(client: Any, order: Mapping[str, Any], symbol: str) -> dict[str, Any]:
    """Read an order that was asked for by symbol."""
    parsed: dict[str, Any] = dict(client.parse_order(order))
    return parsed | {"symbol": symbol} if order.get("product_id") in _product_ids(client, symbol) else parsed
