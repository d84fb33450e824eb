"""What ccxt's class for Alpaca does not do by itself: both spellings of a symbol, empty answers, late orders."""

from collections.abc import Mapping
from typing import Any

import ccxt.async_support as ccxt
from ccxt.base.types import Entry

from brokers.client import last_answer
from brokers.order_window import current_window
from brokers.venue_clock import VenueClock

_NO_CONTENT = 204


class AlpacaClient:
    """Mixed in, in front of ccxt's class."""

    trader_get_order_by_client_id = Entry("v2/orders:by_client_order_id", ["trader", "private"], "GET", {"cost": 1})
    venue_clock: VenueClock
    _full_ids: tuple[Any, dict[str, str]] | None = None

    def sign(self, path: str, api: Any = "public", method: str = "GET", params: Any = None) -> Any:
        """Sign a call. Raises: ccxt.NotSupported for an order whose time is over, before anything of it is sent.

        The venue takes no deadline: this is the last instant at which a late order can be held back, as the one of a
        process that stood still since it committed it.
        """
        window = current_window()
        if window is not None and method == "POST" and self.venue_clock.now() >= window.closes_at:
            raise ccxt.NotSupported("the time of the order is over, and the venue cannot be told to refuse it")
        return super().sign(path, api, method, params or {})  # type: ignore[misc]

    def safe_market(
        self, market_id: str | None = None, market: Any = None, delimiter: str | None = None, kind: str | None = None
    ) -> Any:
        """Find a market by its id, with or without the slash: positions write BTCUSD, orders BTC/USD."""
        return super().safe_market(self._with_slash(market_id), market, delimiter, kind)  # type: ignore[misc]

    def parse_market(self, asset: Mapping[str, Any]) -> Any:
        """Parse a market; one that is listed and cannot be traded is not active."""
        market = super().parse_market(asset)  # type: ignore[misc]
        if market is not None and asset.get("tradable") is False:
            market["active"] = False
        return market

    def parse_order_status(self, status: str | None) -> str | None:
        """Parse a state; an order whose cancel is under way may still fill."""
        return "open" if status == "pending_cancel" else super().parse_order_status(status)  # type: ignore[misc]

    async def cancel_order(self, order_id: str, symbol: str | None = None, params: Any = None) -> Any:
        """Cancel an order; the venue's yes is a status without a body."""
        try:
            return await super().cancel_order(order_id, symbol, params or {})  # type: ignore[misc]
        except ccxt.BadResponse:
            if last_answer().status != _NO_CONTENT:
                raise
            return {"id": order_id, "symbol": symbol}

    def base_of(self, position_symbol: str) -> str | None:
        """Return the asset of a position by the venue's list of markets; None where it is not in it."""
        markets: Any = self.markets_by_id  # type: ignore[attr-defined]
        found = markets.get(self._with_slash(position_symbol))
        return str(found[0]["base"]) if found else None

    def _with_slash(self, market_id: str | None) -> str | None:
        markets: Any = self.markets_by_id  # type: ignore[attr-defined]
        if market_id is None or not markets or market_id in markets:
            return market_id
        if self._full_ids is None or self._full_ids[0] is not markets:
            # Positions are stated in USD: where two markets share a spelling, the one in USD is meant.
            in_order = sorted(markets, key=lambda name: str(name).endswith("/USD"))
            self._full_ids = markets, {str(name).replace("/", ""): str(name) for name in in_order}
        return self._full_ids[1].get(market_id, market_id)
