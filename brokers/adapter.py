"""How one venue differs from the ccxt norm. The base class is the generic venue; a subclass holds what is different."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import ccxt.async_support as ccxt

from models.amounts import exact
from models.position import Holding


class Adapter:
    """Any ccxt spot venue, with what ccxt alone can promise."""

    venue: str = ""
    ordered_nonces: ClassVar[bool] = False  # nonces must reach the venue in the order they were drawn
    orders_per_read: ClassVar[int] = 1  # how many orders one call of `orders_by_id` can read
    # Texts that prove nothing although ccxt's error class suggests a refusal, and the other way round.
    unknown_texts: ClassVar[tuple[str, ...]] = ()
    refusal_texts: ClassVar[tuple[str, ...]] = ()
    not_found_texts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, venue: str) -> None:
        self.venue = venue

    def config(self, url: str | None) -> dict[str, Any]:
        """Return ccxt's configuration; with `url`, every REST call goes there."""
        if url is None:
            return {}
        # The production addresses differ only in their host: keep each one's path.
        api = getattr(ccxt, self.venue)().urls["api"]
        return {"urls": {"api": _redirect(api, url)}}

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

    async def reported_equity(self, client: Any, quote: str) -> Decimal | None:  # noqa: ARG002 - no generic source
        """Return what the venue says the account is worth in `quote`; None: it does not say."""
        return None

    def place_params(self, client_order_id: str, sent_at: datetime, deadline: timedelta) -> dict[str, Any]:  # noqa: ARG002
        """Return the parameters that name the order and, where the venue can, refuse it later than `deadline` after."""
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

    async def time(self, client: Any) -> datetime | None:
        """Return the hour at the venue, by which it judges whether an order is late. None: it does not tell."""
        if not client.has.get("fetchTime"):
            return None
        return datetime.fromtimestamp(int(await client.fetch_time()) / 1000, UTC)


def holding_of(asset: str, free: Any, held: Any, locked: Decimal = Decimal(0)) -> Holding:
    """Build a holding from raw numbers. Raises: ValueError for nan, infinity, empty, missing or negative ones."""
    amounts = exact(free), exact(held)
    if min(amounts) < 0 or locked < 0:
        raise ValueError(f"expected amounts of zero or more for {asset}, found {free!r} free, {held!r} held")
    return Holding(asset=asset, free=amounts[0], held=amounts[1], locked=locked)


def _redirect(api: Any, url: str) -> Any:
    if isinstance(api, dict):
        return {key: _redirect(value, url) for key, value in api.items()}
    path = "/".join(str(api).split("/")[3:])
    return f"{url.rstrip('/')}/{path}".rstrip("/")
