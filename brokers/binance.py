"""Binance, where it differs: its error table under another address, one look-up by client id, a receive window."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

import ccxt.async_support as ccxt

from brokers.adapter import Adapter, holding_of, yes_or_no
from brokers.capabilities import Permissions
from brokers.client import last_answer
from brokers.order_window import OrderWindow
from brokers.trade_history import TradesPage
from models.position import Holding

_NO_SUCH_ORDER = "-2013"
_FILLS_PER_PAGE = 1000
_FIRST_ID = 1  # zero might be taken for none


class Binance(Adapter):
    """Binance spot."""

    unknown_texts: ClassVar[tuple[str, ...]] = ("-1000", "-1001", "-1006", "-1007", "Duplicate order")
    refusal_texts: ClassVar[tuple[str, ...]] = ("-1013", "-2010")

    def config(self, url: str | None) -> dict[str, Any]:
        """Spot only, fetched by the public endpoints; under another address ccxt needs the spot error table named."""
        config: dict[str, Any] = {
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
        }
        if url is not None:
            base = url.rstrip("/")
            api = {"public": f"{base}/api/v3", "private": f"{base}/api/v3", "v1": f"{base}/api/v1"}
            config["urls"] = {"api": {**api, "sapi": f"{base}/sapi/v1"}}
            config["exceptions"] = {"exact": _spot_errors()}
        return config

    async def holdings(self, client: Any) -> tuple[Holding, ...]:
        """Read the account's balances as the venue wrote them."""
        answer = await client.privateGetAccount()
        balances = answer["balances"]
        return tuple(holding_of(client.safe_currency_code(b["asset"]), b["free"], b["locked"]) for b in balances)

    def required_key(self, url: str) -> str | None:
        """Name the key without which an answer is empty."""
        path = url.split("?", 1)[0]
        if path.endswith("/account"):
            return "balances"
        return "symbols" if path.endswith("/exchangeInfo") else None

    async def permissions(self, client: Any) -> Permissions:
        """Read the restrictions of the key."""
        answer = await client.sapiGetAccountApiRestrictions()
        given = sorted(name for name, value in answer.items() if value is True)
        return Permissions(
            trade=yes_or_no(answer["enableSpotAndMarginTrading"]),
            withdraw=yes_or_no(answer["enableWithdrawals"]),
            detail=", ".join(given),
        )

    def place_params(self, client_order_id: str, window: OrderWindow) -> dict[str, Any]:
        """Name the order; the venue refuses it when it arrives later than the receive window after its timestamp."""
        # ccxt would stamp it when it signs, which may be long after the instant that the ledger holds.
        length = window.closes_ms - window.opens_ms
        return {"clientOrderId": client_order_id, "timestamp": window.opens_ms, "recvWindow": length}

    async def trades_page(self, client: Any, symbol: str, cursor: Any) -> TradesPage:
        """Read the newest thousand fills; where there are more, all from the first one on until they meet those.

        The venue lists on from an id and never back from one:
        https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints
        """
        if cursor is None:
            newest = await client.fetch_my_trades(symbol, None, _FILLS_PER_PAGE)
            first = min((int(trade["id"]) for trade in newest), default=0)
            return TradesPage(newest, cursor=(_FIRST_ID, first) if len(newest) >= _FILLS_PER_PAGE else None)
        start, meets = cursor
        rows = await client.fetch_my_trades(symbol, None, _FILLS_PER_PAGE, {"fromId": start})
        last = max((int(trade["id"]) for trade in rows), default=meets)
        joined = last >= meets or len(rows) < _FILLS_PER_PAGE
        return TradesPage(rows, cursor=None if joined else (last + 1, meets), joins=joined)

    async def find(self, client: Any, client_order_id: str, symbol: str, since: datetime) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Ask for the newest order under our id. Only the venue's own "does not exist" counts as not found."""
        try:
            return dict(await client.fetch_order(None, symbol, {"clientOrderId": client_order_id}))
        except ccxt.OrderNotFound:
            if (last_answer().venue_code or "").startswith(_NO_SUCH_ORDER):
                return None
            raise


@cache
def _spot_errors() -> dict[str, Any]:
    return dict(ccxt.binance().exceptions["spot"]["exact"])
