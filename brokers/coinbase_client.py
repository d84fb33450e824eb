"""What ccxt's Coinbase client does not do by itself: tokens that end in time, refusals by class, any kind of order."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import ccxt.async_support as ccxt

from brokers.errors import Answer
from brokers.order_window import current_window

# A token lives for two minutes: https://docs.cdp.coinbase.com/get-started/authentication/jwt-authentication. Some of
# them lie before now: the venue's clock may be that far behind without refusing ours as not yet valid.
_BEFORE_SECONDS, _AFTER_SECONDS = 30, 90

_PEM = b"-----BEGIN"
_UNAUTHORIZED, _NOT_FOUND, _TOO_MANY, _FIRST_SERVER_ERROR = 401, 404, 429, 500

# Why an order is refused, by the first that its reasons contain. The names are those of new_order_failure_reason and
# preview_failure_reason: https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/create-order.
# A reason that is not here proves nothing.
_REFUSALS: tuple[tuple[str, type[ccxt.BaseError]], ...] = (
    ("INSUFFICIENT_", ccxt.InsufficientFunds),
    ("INVALID_PRODUCT_ID", ccxt.BadSymbol),
    ("INELIGIBLE_PAIR", ccxt.BadSymbol),
    ("ORDER_ENTRY_DISABLED", ccxt.MarketClosed),
    ("UNTRADABLE_PRODUCT", ccxt.MarketClosed),
    ("GEOFENCING_RESTRICTION", ccxt.PermissionDenied),
    ("UNSUPPORTED_ORDER_CONFIGURATION", ccxt.BadRequest),
    ("COMMANDER_REJECTED_NEW_ORDER", ccxt.InvalidOrder),
    ("IN_LIQUIDATION", ccxt.InvalidOrder),
    ("PREVIEW_", ccxt.InvalidOrder),
    ("INVALID_", ccxt.InvalidOrder),
)
_NO_SUCH_ORDER = "orderID was not found"
_UNKNOWN_CANCEL_FAILURE = "UNKNOWN_CANCEL_FAILURE_REASON"

# States that ccxt passes on as they are; an order may still fill in each of them.
_STILL_OPEN = frozenset({"PENDING", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED"})

# Whichever is true, a market order is refused.
_CLOSED_BY = (
    "is_disabled",
    "trading_disabled",
    "cancel_only",
    "limit_only",
    "post_only",
    "view_only",
    "auction_mode",
)


class CoinbaseClient:
    """Mixed into ccxt's class, in front of it."""

    def jwt(self, request: Mapping[str, Any], secret: Any, *arguments: Any) -> str:
        """Sign a token. One for an order ends with the order's window: the venue itself refuses what comes later.

        Raises: AuthenticationError for a secret that is no private key.
        """
        now = self.seconds()  # type: ignore[attr-defined]
        begins, ends = now, now + _AFTER_SECONDS
        window = current_window()
        if window is not None:
            begins, ends = min(now, window.opens_ms // 1000), min(ends, window.closes_ms // 1000)
        begins -= _BEFORE_SECONDS
        claims = {**request, "nbf": begins, "iat": begins, "exp": ends}
        if "uri" in claims:
            claims["uri"] = claims["uri"].replace("http://", "")  # ccxt takes off https:// only
        if isinstance(secret, bytes) and secret.startswith(_PEM):
            secret = secret.replace(rb"\n", b"\n")  # as the file that the venue hands out has it
        try:
            return str(super().jwt(claims, secret, *arguments))  # type: ignore[misc]
        except ValueError:
            raise ccxt.AuthenticationError("the secret is no private key") from None

    def handle_errors(  # noqa: PLR0917 - ccxt calls it with these
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Mapping[str, str],
        body: str,
        response: Any,
        request_headers: Any,
        request_body: Any,
    ) -> None:
        """Raise by status and reason; ccxt knows but one of the reasons, and takes a 500 with a body for a refusal."""
        if code == _UNAUTHORIZED:
            raise self._unauthorized(headers)
        if code == _TOO_MANY:
            raise ccxt.RateLimitExceeded("429")
        if code >= _FIRST_SERVER_ERROR or not isinstance(response, dict):
            return  # its status says what it is
        words = Answer(code, body).venue_code or ""
        if isinstance(response.get("error_response"), dict):
            raise next((kind for name, kind in _REFUSALS if name in words), ccxt.ExchangeError)(words)
        if response.get("error") and _NO_SUCH_ORDER in words:
            raise ccxt.OrderNotFound(words)
        if response.get("error") and code == _NOT_FOUND:
            raise ccxt.BadRequest(words)
        super().handle_errors(  # type: ignore[misc]
            code, reason, url, method, headers, body, response, request_headers, request_body
        )

    async def fetch_markets(self, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Read spot markets by one call; ccxt would ask for futures and for the account's fees as well."""
        answer = await self.v3PublicGetBrokerageMarketProducts(dict(params or {}))  # type: ignore[attr-defined]
        spot = [product for product in answer["products"] if product.get("product_type") == "SPOT"]
        markets = [self.parse_spot_market(product, {}) for product in spot]
        return [market for market in markets if market is not None]

    def parse_spot_market(self, market: Mapping[str, Any], fees: Mapping[str, Any]) -> dict[str, Any] | None:
        """Read a market; ccxt takes most of those for active that take no market order."""
        parsed: dict[str, Any] | None = super().parse_spot_market(market, fees)  # type: ignore[misc]
        closed = any(market.get(name) is True for name in _CLOSED_BY)
        if parsed is not None and (closed or market.get("status") not in {None, "", "online"}):
            parsed["active"] = False
        return parsed

    def parse_order(self, order: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
        """Read an order, with the states and configurations that ccxt leaves out."""
        # Without a market ccxt finds no currency for the fee.
        market = market or self.safe_market(order.get("product_id"), None, "-")  # type: ignore[attr-defined]
        parsed: dict[str, Any] = dict(super().parse_order(order, market))  # type: ignore[misc]
        # Where they are missing ccxt works them out: an order of unknown fills would be taken for filled.
        parsed["filled"], parsed["average"] = order.get("filled_size"), order.get("average_filled_price")
        if parsed["status"] in _STILL_OPEN:
            parsed["status"] = "open"
        if parsed["amount"] is None:
            terms = [t for t in (order.get("order_configuration") or {}).values() if isinstance(t, Mapping)]
            size = next((t["base_size"] for t in terms if t.get("base_size")), None)
            # One that spends an amount has no size of its own; once it has ended, what was filled is all there is.
            parsed["amount"] = parsed["filled"] if size is None and parsed["status"] != "open" else size
        return parsed

    async def cancel_orders(
        self, ids: Sequence[str], symbol: str | None = None, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Cancel orders. Raises: InvalidOrder for one that cannot be canceled any more, with the venue's reason."""
        request = {"order_ids": list(ids), **(params or {})}
        answer = await self.v3PrivatePostBrokerageOrdersBatchCancel(request)  # type: ignore[attr-defined]
        results = answer["results"]
        if not results:
            raise ccxt.BadResponse("the answer to a cancel has no result")
        for result in results:
            if result["success"] is not True:
                why = str(result["failure_reason"])
                raise (ccxt.ExchangeError if why == _UNKNOWN_CANCEL_FAILURE else ccxt.InvalidOrder)(why)
        return list(self.parse_orders(results, None if symbol is None else self.market(symbol)))  # type: ignore[attr-defined]

    def _unauthorized(self, headers: Mapping[str, str]) -> ccxt.BaseError:
        """Say what a plain "Unauthorized" means: the hour, where the venue's own header shows the token was not valid.

        The venue gives no reason, and refuses before it looks at what is asked.
        """
        told = _hour_of(headers)
        if told is not None:
            seconds = told.timestamp()
            ahead = seconds - self.seconds()  # type: ignore[attr-defined]
            window = current_window()
            late = window is not None and seconds >= window.closes_ms // 1000
            if late or not -_BEFORE_SECONDS <= ahead < _AFTER_SECONDS:
                return ccxt.InvalidNonce("401 by the hour")
        return ccxt.AuthenticationError("401")


def _hour_of(headers: Mapping[str, str]) -> datetime | None:
    """Return the instant that an answer says it was written at; None: it does not say."""
    raw = next((value for name, value in (headers or {}).items() if name.lower() == "date"), None)
    try:
        told = None if raw is None else parsedate_to_datetime(raw)
    except ValueError:
        return None
    return told.replace(tzinfo=UTC) if told is not None and told.tzinfo is None else told
