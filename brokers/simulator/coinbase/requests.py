"""Read the body of Coinbase's create-order call into an order request."""

import json
from decimal import Decimal
from typing import Any

from brokers.simulator.numbers import parsed
from brokers.simulator.orders import Kind, Lifetime, Request, Side
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import Listing

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_SHAPES = {
    "market_market_ioc": (Kind.MARKET, Lifetime.UNTIL_CANCELED),  # the rules of the world say when it is filled
    "limit_limit_gtc": (Kind.LIMIT, Lifetime.UNTIL_CANCELED),
    "sor_limit_ioc": (Kind.LIMIT, Lifetime.AT_ONCE),
    "limit_limit_fok": (Kind.LIMIT, Lifetime.ALL_AT_ONCE),
}


def order_request(account: str, listing: Listing, params: dict[str, str]) -> Request:
    """Build the request. Raises: Refusal."""
    side = _SIDES.get(params.get("side", ""))
    if side is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "side")
    if not params.get("client_order_id"):
        raise Refusal(Reason.INVALID_ARGUMENT, "client_order_id")
    shape, terms = _configuration(params)
    kind, lifetime = _SHAPES[shape]
    spent = parsed(terms, "quote_size") if kind is Kind.MARKET else None
    if spent is not None and side is Side.SELL:
        raise unsupported("market sells take a base size")
    return Request(
        account=account,
        symbol=listing.symbol,
        side=side,
        kind=kind,
        quantity=_size(terms) if spent is None else None,
        quote_quantity=spent,
        limit_price=parsed(terms, "limit_price") if kind is Kind.LIMIT else None,
        client_order_id=params["client_order_id"],
        lifetime=lifetime,
        post_only=terms.get("post_only") == "true",
    )


def unsupported(words: str) -> Refusal:
    """Make the refusal of an order whose configuration the venue does not take."""
    return Refusal(Reason.VERBATIM, f"UNSUPPORTED_ORDER_CONFIGURATION: {words}", status=200)


def _configuration(params: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return which kind of order is asked for, and its terms as texts."""
    try:
        shapes: Any = json.loads(params.get("order_configuration", ""))
        ((shape, terms),) = shapes.items()
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in terms.items()}
    except (ValueError, AttributeError) as error:
        raise Refusal(Reason.INVALID_ARGUMENT, "order_configuration") from error
    if shape not in _SHAPES:
        raise unsupported(f"{shape} is not enabled")
    return str(shape), texts


def _size(terms: dict[str, str]) -> Decimal:
    size = parsed(terms, "base_size")
    if size is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "base_size")
    return size
