"""Kraken, where it differs: suffixed balances, ordered nonces, client ids unique among open orders only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import ccxt.async_support as ccxt

from brokers.adapter import Adapter, holding_of
from brokers.capabilities import Permissions
from brokers.order_window import OrderWindow
from brokers.trade_history import TradesPage
from models.amounts import exact
from models.position import Holding

# https://docs.kraken.com/api/docs/rest-api/get-extended-balance: .F earns while it stays tradable and belongs to its
# base asset; .S (staked), .B (yield) and .M (opt-in rewards) cannot be sold; .P is parachain, .T is tokenized.
_TRADABLE_SUFFIX = ".F"
_LOCKED_SUFFIXES = (".S", ".B", ".M", ".P")
_FEE_CREDITS = "KFEE"  # in every balance and no asset: it pays fees, and can neither be traded nor withdrawn

# https://docs.kraken.com/api/docs/guides/spot-errors: texts that ccxt has no class for.
_NAMED = {
    "EAPI:Invalid signature": ccxt.AuthenticationError,
    "EQuery:Unknown asset pair": ccxt.BadSymbol,
    "EOrder:Cost minimum not met": ccxt.InvalidOrder,
}


class Kraken(Adapter):
    """Kraken spot."""

    trades_by_symbol: ClassVar[bool] = False
    most_trade_pages: ClassVar[int] = 40  # of fifty; each counts twice, six seconds of the lowest tier
    unknown_texts: ClassVar[tuple[str, ...]] = (
        "EService:Deadline elapsed",
        "EService:Timeout",
        "EService:Unavailable",
        "EService:Busy",
        "EGeneral:Internal error",
        "EDatabase:Internal error",
        "cl_ord_id not unique",  # an order of ours is open under this id
    )
    refusal_texts: ClassVar[tuple[str, ...]] = (
        "EQuery:Unknown asset pair",
        "EOrder:Cost minimum not met",
        "EOrder:Order minimum not met",
        "EAPI:Invalid signature",
        "EOrder:Orders limit exceeded",
        "EOrder:Positions limit exceeded",
        "EOrder:Trading agreement required",
        "EOrder:Insufficient",
        "EOrder:Market",
        "EGeneral:Invalid arguments",
        "EGeneral:Permission denied",
        "EAccount:Invalid permissions",
    )

    def config(self, url: str | None) -> dict[str, Any]:
        """Redirect both APIs; name what ccxt has no class for."""
        config: dict[str, Any] = {"exceptions": {"exact": _NAMED}}
        if url is not None:
            base = url.rstrip("/")
            config["urls"] = {"api": {"public": base, "private": base}}
        return config

    def required_key(self, url: str) -> str | None:  # noqa: ARG002 - the same everywhere
        """Kraken wraps every answer."""
        return "result"

    async def holdings(self, client: Any) -> tuple[Holding, ...]:
        """Read BalanceEx, folding suffixed assets into their base asset."""
        answer = await client.privatePostBalanceEx()
        free: dict[str, Decimal] = {}
        held: dict[str, Decimal] = {}
        locked: dict[str, Decimal] = {}
        for name, entry in answer["result"].items():
            if name == _FEE_CREDITS:
                continue
            base, dot, suffix = str(name).partition(".")
            asset = client.safe_currency_code(base)
            total, on_hold = exact(entry["balance"]), exact(entry.get("hold_trade", "0"))
            if dot + suffix in _LOCKED_SUFFIXES:
                locked[asset] = locked.get(asset, Decimal(0)) + total
                continue
            if dot and dot + suffix != _TRADABLE_SUFFIX:
                asset = client.safe_currency_code(str(name))
            credit = exact(entry.get("credit", "0")) - exact(entry.get("credit_used", "0"))
            free[asset] = free.get(asset, Decimal(0)) + total + credit - on_hold
            held[asset] = held.get(asset, Decimal(0)) + on_hold
        return tuple(
            holding_of(asset, free.get(asset, "0"), held.get(asset, "0"), locked.get(asset, Decimal(0)))
            for asset in free.keys() | locked.keys()
        )

    async def reported_equity(self, client: Any, quote: str) -> Decimal | None:
        """Read `eb` of TradeBalance: the combined balance of all currencies, in `quote`."""
        answer = await client.privatePostTradeBalance({"asset": client.currency(quote)["id"]})
        return exact(answer["result"]["eb"])

    async def permissions(self, client: Any) -> Permissions:
        """Read what the key was given: https://docs.kraken.com/api/docs/rest-api/get-api-key-info."""
        answer = await client.privatePostGetApiKeyInfo()
        given = answer["result"]["permissions"]
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            raise ValueError("expected the names of permissions")
        return Permissions(
            trade="modify-trades" in given,
            withdraw="withdraw-funds" in given,
            detail=", ".join(given),
        )

    def place_params(self, client_order_id: str, window: OrderWindow) -> dict[str, Any]:
        """Name the order; the engine refuses it when it arrives after the deadline (2 to 60 s ahead)."""
        until = window.closes_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"clientOrderId": client_order_id, "deadline": until}

    async def find(self, client: Any, client_order_id: str, symbol: str, since: datetime) -> Mapping[str, Any] | None:
        """Look among open, then closed orders; the filter is the venue's, the comparison ours."""
        wanted = {"clientOrderId": client_order_id}
        for order in await client.fetch_open_orders(symbol, None, None, wanted):
            if order.get("clientOrderId") == client_order_id:
                return dict(order)
        start = int(since.timestamp() * 1000)
        for order in await client.fetch_closed_orders(symbol, start, None, wanted):
            if order.get("clientOrderId") == client_order_id:
                return dict(order)
        return None

    async def trades_page(self, client: Any, symbol: str, cursor: Any) -> TradesPage:  # noqa: ARG002 - all in one
        """Read fifty fills of any pair: https://docs.kraken.com/api/docs/rest-api/get-trade-history."""
        offset = cursor or 0
        result = (await client.privatePostTradesHistory({"ofs": offset}))["result"]
        rows = [client.parse_trade({**row, "id": trade_id}) for trade_id, row in result["trades"].items()]
        read = offset + len(rows)
        return TradesPage(rows, cursor=read if rows and read < int(result["count"]) else None)

    async def orders_by_id(self, client: Any, ids: Sequence[tuple[str, str]]) -> dict[str, Mapping[str, Any]]:
        """Read orders fifty at a time."""
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), self.capabilities.orders_per_read):
            page = [order_id for order_id, _ in ids[start : start + self.capabilities.orders_per_read]]
            try:
                orders = await client.fetch_orders_by_ids(page)
            except ccxt.InvalidOrder:  # one unknown id refuses the page
                continue
            found.update((str(order["id"]), order) for order in orders)
        return found
