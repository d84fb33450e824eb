"""Read Bybit's order parameters into an order request."""

import re
from typing import TypeVar

from brokers.simulator.numbers import parsed
from brokers.simulator.orders import Kind, Lifetime, Request, Side
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import Listing

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_KINDS = {"Market": Kind.MARKET, "Limit": Kind.LIMIT}
_LIFETIMES = {
    "GTC": Lifetime.UNTIL_CANCELED,
    "PostOnly": Lifetime.UNTIL_CANCELED,
    "IOC": Lifetime.AT_ONCE,
    "FOK": Lifetime.ALL_AT_ONCE,
}
_Choice = TypeVar("_Choice")


def order_request(account: str, listing: Listing, params: dict[str, str]) -> Request:
    """Build the request. Raises: Refusal in the venue's words."""
    side = _one_of(params, "side", _SIDES)
    kind = _one_of(params, "orderType", _KINDS)
    lifetime = Lifetime.UNTIL_CANCELED  # how much of a market order is filled at once is the world's affair
    if kind is Kind.LIMIT and params.get("timeInForce"):
        lifetime = _one_of(params, "timeInForce", _LIFETIMES)
    client_id = params.get("orderLinkId") or None
    if client_id is not None and not _CLIENT_ID.fullmatch(client_id):
        raise Refusal(Reason.INVALID_ARGUMENT, "orderLinkId")
    amount = parsed(params, "qty")
    if amount is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "qty")
    # A market buy spends an amount of quote unless it says otherwise; a market sell does only if it says so.
    usual = "quoteCoin" if side is Side.BUY else "baseCoin"
    spends = kind is Kind.MARKET and (params.get("marketUnit") or usual) == "quoteCoin"
    return Request(
        account=account,
        symbol=listing.symbol,
        side=side,
        kind=kind,
        quantity=None if spends else amount,
        quote_quantity=amount if spends else None,
        limit_price=parsed(params, "price") if kind is Kind.LIMIT else None,
        client_order_id=client_id,
        lifetime=lifetime,
        post_only=params.get("timeInForce") == "PostOnly",
    )


def _one_of(params: dict[str, str], name: str, choices: dict[str, _Choice]) -> _Choice:
    choice = choices.get(params.get(name, ""))
    if choice is None:
        raise Refusal(Reason.INVALID_ARGUMENT, name)
    return choice
