"""Read OKX's parameters of a new order into an order request."""

import re
from collections.abc import Mapping
from typing import TypeVar

from brokers.simulator.numbers import parsed
from brokers.simulator.orders import Kind, Lifetime, Request, Side
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import Listing

# https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-place-order
_CLIENT_ID = re.compile(r"[0-9A-Za-z]{1,32}")
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_KINDS: dict[str, tuple[Kind, Lifetime]] = {
    "market": (Kind.MARKET, Lifetime.UNTIL_CANCELED),
    "limit": (Kind.LIMIT, Lifetime.UNTIL_CANCELED),
    "post_only": (Kind.LIMIT, Lifetime.UNTIL_CANCELED),
    "ioc": (Kind.LIMIT, Lifetime.AT_ONCE),
    "fok": (Kind.LIMIT, Lifetime.ALL_AT_ONCE),
}
_TARGETS = {"base_ccy": False, "quote_ccy": True}
_UNSUPPORTED = "Request unsupported under current account mode"
_Choice = TypeVar("_Choice")


def order_request(account: str, listing: Listing, params: dict[str, str]) -> Request:
    """Build the request. A market buy is an amount of quote unless it says otherwise. Raises: Refusal."""
    if params.get("tdMode") != "cash":
        raise Refusal(Reason.VERBATIM, _UNSUPPORTED, code=51010, status=200)
    side = _one_of(params, "side", _SIDES)
    kind, lifetime = _one_of(params, "ordType", _KINDS)
    client_id = params.get("clOrdId") or None
    if client_id is not None and not _CLIENT_ID.fullmatch(client_id):
        raise Refusal(Reason.INVALID_ARGUMENT, "clOrdId")
    size = parsed(params, "sz")
    if size is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "sz")
    target = params.get("tgtCcy") or ("quote_ccy" if side is Side.BUY else "base_ccy")
    in_quote = kind is Kind.MARKET and _one_of({"tgtCcy": target}, "tgtCcy", _TARGETS)
    return Request(
        account=account,
        symbol=listing.symbol,
        side=side,
        kind=kind,
        quantity=None if in_quote else size,
        quote_quantity=size if in_quote else None,
        limit_price=parsed(params, "px") if kind is Kind.LIMIT else None,
        client_order_id=client_id,
        lifetime=lifetime,
        post_only=params["ordType"] == "post_only",
    )


def _one_of(params: Mapping[str, str], name: str, choices: Mapping[str, _Choice]) -> _Choice:
    choice = choices.get(params.get(name, ""))
    if choice is None:
        raise Refusal(Reason.INVALID_ARGUMENT, name)
    return choice
