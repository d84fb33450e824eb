"""Alpaca's crypto, where it differs: cash and coins are read apart, symbols come in two spellings, no order expires."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import ccxt.async_support as ccxt

from brokers.adapter import Adapter, holding_of
from brokers.alpaca_client import AlpacaClient
from brokers.capabilities import Permissions
from brokers.trade_history import TradesPage
from models.amounts import exact
from models.position import Holding

_ORDERS_PER_PAGE = 500
_FILLS_PER_PAGE = 100
_CENT = Decimal("0.01")  # the account's figures are rounded to it, each by itself
# 40410000 is told of an order that does not exist, 42210000 of a cancel that came too late.
_NAMED = {"40410000": ccxt.OrderNotFound, "42210000": ccxt.InvalidOrder}
# What 40310000 says beside the texts that ccxt knows. A sale against an open buy of one's own is a wash trade to it.
_WORDS = {
    "insufficient": ccxt.InsufficientFunds,
    "minimal qty of order": ccxt.InvalidOrder,
    "wash trade": ccxt.InvalidOrder,
}
_BLOCKS = ("trading_blocked", "account_blocked", "trade_suspended_by_user")


class Alpaca(Adapter):
    """Alpaca's crypto spot. Stocks and options of the same account are not ours: they are left out."""

    client_mixins: ClassVar[tuple[type, ...]] = (AlpacaClient,)
    trades_by_symbol: ClassVar[bool] = False
    # An order of ours exists under this id: it is looked up.
    unknown_texts: ClassVar[tuple[str, ...]] = ("order_id must be unique", "order id must be unique")
    # https://docs.alpaca.markets/reference/postorder: 403 and 422 are given before an order exists.
    refusal_texts: ClassVar[tuple[str, ...]] = ("40010000", "40010001", "40310000", "42210000")

    def config(self, url: str | None) -> dict[str, Any]:
        """Redirect every API."""
        config: dict[str, Any] = {
            # ccxt would state 10 USD as the least value of every order. The venue asks that of buys alone, and a
            # holding below it could not be sold any more: https://github.com/ccxt/ccxt/blob/master/ts/src/alpaca.ts
            "options": {"minCostUSD": 0},
            "exceptions": {"exact": _NAMED, "broad": _WORDS},
        }
        if url is not None:
            base = url.rstrip("/")
            config["urls"] = {"api": {"trader": base, "market": base, "broker": base}}
        return config

    def required_key(self, url: str) -> str | None:
        """Name the key without which an answer is empty."""
        path = url.split("?", 1)[0]
        if "/v2/orders" in path:
            return "id"
        name = path.rpartition("/")[2]
        return {"account": "cash", "clock": "timestamp"}.get(name, name if "/v1beta3/crypto/" in path else None)

    async def holdings(self, client: Any) -> tuple[Holding, ...]:
        """Read the cash off the account and the coins off the positions, as the venue wrote them.

        Raises: ValueError for numbers that are none, what is short, a list that is torn or names an asset twice.
        """
        account = await client.traderPrivateGetV2Account()
        positions = _rows(await client.traderPrivateGetV2Positions())
        worth = exact(account["long_market_value"]) + exact(account["short_market_value"])
        if worth and not positions:
            raise ValueError(f"no position is listed, and together they are worth {worth}")
        coins = [_coin(await _asset_of(client, p), p) for p in positions if _is_crypto(p)]
        found = {holding.asset: holding for holding in [_cash(client, account, worth), *coins]}
        if len(found) <= len(coins):
            raise ValueError("an asset is listed twice")
        return tuple(found.values())

    async def open_orders(self, client: Any) -> Sequence[Mapping[str, Any]]:
        """Return the resting crypto orders, page after page from the oldest on."""
        found: dict[str, Mapping[str, Any]] = {}
        request = {"status": "open", "direction": "asc", "limit": _ORDERS_PER_PAGE}
        while True:
            page = _rows(await client.traderPrivateGetV2Orders(request))
            known = len(found)
            found.update((str(order["id"]), order) for order in page)
            if len(page) < _ORDERS_PER_PAGE:
                return [client.parse_order(order) for order in found.values() if _is_crypto(order)]
            if len(found) == known:
                raise ValueError("the pages of open orders do not advance")
            # `after` leaves out its own instant, which may be that of further orders: ask from just before it.
            request["after"] = client.iso8601(client.parse8601(page[-1]["submitted_at"]) - 1)

    async def reported_equity(self, client: Any, quote: str) -> Decimal | None:
        """Read what cash and positions are worth together; None in another currency, or with stocks in it."""
        account = await client.traderPrivateGetV2Account()
        if client.safe_currency_code(account["currency"]) != quote:
            return None
        positions = _rows(await client.traderPrivateGetV2Positions())
        return exact(account["equity"]) if all(_is_crypto(p) for p in positions) else None

    async def permissions(self, client: Any) -> Permissions:
        """Read what the account may do; of the key's own rights the venue says nothing."""
        account = await client.traderPrivateGetV2Account()
        flags, status = {name: account.get(name) for name in _BLOCKS}, account.get("crypto_status")
        blocks = [name for name, flag in flags.items() if flag is True]
        blocks += [] if status in {"ACTIVE", None} else [f"crypto_status {status}"]
        is_told = status is not None and all(isinstance(flag, bool) for flag in flags.values())
        trade = False if blocks else is_told or None
        return Permissions(trade=trade, withdraw=None, detail=", ".join(blocks))

    async def find(self, client: Any, client_order_id: str, symbol: str, since: datetime) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Ask for the order under our id, which is unique for ever."""
        try:
            raw = await client.trader_get_order_by_client_id({"client_order_id": client_order_id})
        except ccxt.OrderNotFound:
            return None
        return dict(client.parse_order(raw))

    async def order_ids_traded(self, client: Any, symbol: str, since: datetime) -> frozenset[str]:
        """Return the ids of the orders that traded, out of every page of the fills since then."""
        found: set[str] = set()
        request = {
            "activity_type": "FILL",
            "after": client.iso8601(int(since.timestamp() * 1000)),
            "direction": "asc",
            "page_size": _FILLS_PER_PAGE,
        }
        while True:
            page = _rows(await client.traderPrivateGetV2AccountActivitiesActivityType(request))
            found.update(str(fill["order_id"]) for fill in page if client.safe_symbol(fill["symbol"]) == symbol)
            if len(page) < _FILLS_PER_PAGE:
                return frozenset(found)
            if request.get("page_token") == page[-1]["id"]:
                raise ValueError("the pages of fills do not advance")
            request["page_token"] = page[-1]["id"]

    async def trades_page(self, client: Any, symbol: str, cursor: Any) -> TradesPage:  # noqa: ARG002 - all in one
        """Read a hundred fills of any asset, from the newest back. What they cost in fees is in none of them."""
        request = {"activity_type": "FILL", "direction": "desc", "page_size": _FILLS_PER_PAGE}
        request |= {"page_token": cursor} if cursor else {}
        rows = _rows(await client.traderPrivateGetV2AccountActivitiesActivityType(request))
        last = str(rows[-1]["id"]) if rows else None
        if last is not None and last == cursor:
            raise ValueError("the pages of fills do not advance")
        parsed = [client.parse_trade(row) for row in rows]
        return TradesPage(parsed, cursor=last if len(rows) >= _FILLS_PER_PAGE else None)


def _rows(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise ValueError("expected a list, found an object")  # noqa: TRY004 - what is unreadable is a ValueError
    return answer


def _is_crypto(row: Mapping[str, Any]) -> bool:
    """Whether a position or an order is ours. Raises: ValueError where the venue does not say of which class it is."""
    kind = row["asset_class"]
    if not isinstance(kind, str) or not kind:
        raise ValueError(f"expected a class of assets, found {kind!r}")
    return kind == "crypto"


def _cash(client: Any, account: Mapping[str, Any], worth_of_positions: Decimal) -> Holding:
    """Read the cash: `cash` leaves out what open buys keep back, and equity has it.

    What is not settled yet buys no crypto: https://docs.alpaca.markets/docs/account-plans.
    """
    cash = exact(account["cash"])
    spendable = account.get("non_marginable_buying_power")
    free = cash if spendable is None else min(cash, exact(spendable))
    kept_back = exact(account["equity"]) - worth_of_positions - cash
    held = cash - free + (kept_back if kept_back >= _CENT else 0)
    return holding_of(client.safe_currency_code(account["currency"]), free, held)


async def _asset_of(client: Any, position: Mapping[str, Any]) -> str:
    """Name the asset of a position, by the list of markets. Raises: ValueError where that list is torn.

    One that is not listed is looked up: a list that lacks what is still traded would have others sold in its stead.
    """
    symbol = str(position["symbol"])
    base: str | None = client.base_of(symbol)
    if base is not None:
        return base
    try:
        asset = await client.traderPrivateGetV2AssetsSymbolOrAssetId({"symbol_or_asset_id": position["asset_id"]})
    except ccxt.OrderNotFound:  # the code means any thing that does not exist
        return symbol  # it counts under the name it has there: none is made out of a part of another
    if asset["status"] != "inactive":
        raise ValueError(f"{symbol} is {asset['status']}, and the list of markets lacks it")
    named, slash, _ = str(asset["symbol"]).partition("/")
    return str(client.safe_currency_code(named)) if slash else symbol


def _coin(asset: str, position: Mapping[str, Any]) -> Holding:
    if position["side"] != "long":
        raise ValueError(f"expected what is owned of {asset}, found a {position['side']} position")
    total, free = exact(position["qty"]), exact(position["qty_available"])
    return holding_of(asset, free, total - free)
