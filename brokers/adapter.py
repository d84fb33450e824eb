"""How one venue differs from the ccxt norm. The base class is the generic venue; a subclass holds what is different."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import ccxt.async_support as ccxt

from brokers.capabilities import Capabilities, Dust, LookUp, Permissions
from brokers.order_window import OrderWindow
from brokers.trade_history import TradesPage
from models.amounts import exact
from models.position import Holding

# Venues without an adapter of ours whose conversions ccxt can call.
_GENERIC_DUST = {"gate": Dust(into="GT", assets_per_request=20), "mexc": Dust(into="MX", assets_per_request=15)}


class Adapter:
    """Any ccxt spot venue, with what ccxt alone can promise."""

    # Mixed into ccxt's class, in front of it: what its signing or parsing does not do by itself.
    client_mixins: ClassVar[tuple[type, ...]] = ()
    # Texts that prove nothing although ccxt's error class suggests a refusal, and the other way round.
    unknown_texts: ClassVar[tuple[str, ...]] = ()
    # Parameters by which a market buy names a quantity and no amount of quote.
    buy_params: ClassVar[Mapping[str, Any]] = {}
    refusal_texts: ClassVar[tuple[str, ...]] = ()
    # Whether the venue lists fills symbol by symbol, how many pages of them are read at most, and how old they get.
    trades_by_symbol: ClassVar[bool] = True
    most_trade_pages: ClassVar[int] = 50
    trades_kept: ClassVar[timedelta | None] = None

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self.venue = capabilities.venue

    def config(self, url: str | None) -> dict[str, Any]:
        """Return ccxt's configuration; with `url`, every REST call goes there."""
        if url is None:
            return {}
        # The production addresses differ only in their host: keep each one's path.
        api = getattr(ccxt, self.venue)().urls["api"]
        return {"urls": {"api": redirected(api, url)}}

    def required_key(self, url: str) -> str | None:  # noqa: ARG002 - the generic venue has no rule by address
        """Return the key an answer from `url` must have; None: any non-empty one will do."""
        return None

    async def holdings(self, client: Any) -> tuple[Holding, ...]:
        """Read every balance. Raises: ValueError for a number that is none, or is negative."""
        balance = await client.fetch_balance()
        return tuple(
            holding_of(asset, entry.get("free"), entry.get("used"))
            for asset, entry in balance.items()
            if isinstance(entry, dict) and asset not in {"info", "free", "used", "total", "debt"}
        )

    async def open_orders(self, client: Any) -> Sequence[Mapping[str, Any]]:
        """Return ccxt's orders that rest at the venue, of every symbol and whoever placed them."""
        orders: list[Mapping[str, Any]] = await client.fetch_open_orders()
        return orders

    async def tickers(self, client: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return ccxt's ticker of every market, by one call where the venue has one."""
        tickers: dict[str, Mapping[str, Any]] = await client.fetch_tickers()
        return tickers

    async def reported_equity(self, client: Any, quote: str) -> Decimal | None:  # noqa: ARG002 - no generic source
        """Return what the venue says the account is worth in `quote`; None: it does not say."""
        return None

    async def permissions(self, client: Any) -> Permissions | None:  # noqa: ARG002 - no generic source
        """Return what the key may do; None: the venue does not say."""
        return None

    def place_params(self, client_order_id: str, window: OrderWindow) -> dict[str, Any]:  # noqa: ARG002
        """Return the parameters that name the order and, where the venue can, refuse it outside of its window."""
        return {"clientOrderId": client_order_id}

    async def find(self, client: Any, client_order_id: str, symbol: str, since: datetime) -> Mapping[str, Any] | None:
        """Look an order up by our id among open and closed orders. None: the venue knows no such order (yet)."""
        milliseconds = int(since.timestamp() * 1000)
        for look in (client.fetch_open_orders, client.fetch_closed_orders):
            for order in await look(symbol, milliseconds):
                if order.get("clientOrderId") == client_order_id:
                    return dict(order)
        return None

    async def orders_by_id(self, client: Any, ids: Sequence[tuple[str, str]]) -> dict[str, Mapping[str, Any]]:
        """Read orders by (venue order id, symbol); an order the venue does not find is left out."""
        found: dict[str, Mapping[str, Any]] = {}
        for order_id, symbol in ids:
            try:
                found[order_id] = await client.fetch_order(order_id, symbol)
            except ccxt.OrderNotFound:
                continue
        return found

    async def order_ids_traded(self, client: Any, symbol: str, since: datetime) -> frozenset[str]:
        """Return the venue ids of the orders that traded in `symbol` since then."""
        trades = await client.fetch_my_trades(symbol, int(since.timestamp() * 1000))
        return frozenset(str(t["order"]) for t in trades if t.get("order") and t.get("symbol") == symbol)

    async def trades_page(self, client: Any, symbol: str, cursor: Any) -> TradesPage:  # noqa: ARG002 - see below
        """Return one page of ccxt's trades of the account, the newest first; the cursor is the last page's."""
        # ccxt has no common way to ask for older ones, and some venues ignore what they do not know.
        return TradesPage(await client.fetch_my_trades(symbol), cursor=None)

    async def time(self, client: Any) -> datetime | None:
        """Return the hour at the venue, by which it judges whether an order is late. None: it does not tell."""
        if not client.has.get("fetchTime"):
            return None
        return datetime.fromtimestamp(int(await client.fetch_time()) / 1000, UTC)


def generic_capabilities(venue: str) -> Capabilities:
    """Return what ccxt alone says of a venue."""
    client = getattr(ccxt, venue)()
    listed = client.has.get("fetchOpenOrders") and client.has.get("fetchClosedOrders")
    return Capabilities(
        venue=venue,
        name=str(client.name),
        look_up=LookUp.IN_LISTS if listed else LookUp.NONE,
        dust=_GENERIC_DUST.get(venue),
        needs_passphrase=bool(client.requiredCredentials.get("password")),
    )


def holding_of(asset: str, free: Any, held: Any, locked: Decimal = Decimal(0)) -> Holding:
    """Build a holding from raw numbers. Raises: ValueError for nan, infinity, empty, missing or negative ones."""
    amounts = exact(free), exact(held)
    if min(amounts) < 0 or locked < 0:
        raise ValueError(f"expected amounts of zero or more for {asset}, found {free!r} free, {held!r} held")
    return Holding(asset=asset, free=amounts[0], held=amounts[1], locked=locked)


def yes_or_no(raw: Any) -> bool:
    """Return what a venue said as the truth it is. Raises: ValueError for anything but true and false."""
    if not isinstance(raw, bool):
        raise ValueError(f"expected true or false, found {raw!r}")  # noqa: TRY004 - a bad value, like "maybe"
    return raw


def redirected(api: Any, url: str) -> Any:
    """Return ccxt's addresses with the host of `url`, each with its own path."""
    if isinstance(api, dict):
        return {key: redirected(value, url) for key, value in api.items()}
    path = "/".join(str(api).split("/")[3:])
    return f"{url.rstrip('/')}/{path}".rstrip("/")
