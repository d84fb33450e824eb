"""Read Binance's new-order parameters into an order request."""

import re
from decimal import Decimal
from typing import TypeVar

from brokers.simulator.numbers import parsed
from brokers.simulator.orders import Kind, Lifetime, Request, Side
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import Listing

_CLIENT_ID = re.compile(r"[\.A-Z:/a-z0-9_-]{1,36}")
_KINDS = {"MARKET": Kind.MARKET, "LIMIT": Kind.LIMIT, "LIMIT_MAKER": Kind.LIMIT}
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_LIFETIMES = {"GTC": Lifetime.UNTIL_CANCELED, "IOC": Lifetime.AT_ONCE, "FOK": Lifetime.ALL_AT_ONCE}
_FINEST_PLACES = 8
_Choice = TypeVar("_Choice")


def order_request(account: str, listing: Listing, params: dict[str, str]) -> Request:
    """Build the request. Raises: Refusal in the venue's words."""
    side = _one_of(params, "side", _SIDES)
    kind = _one_of(params, "type", _KINDS)
    maker = params["type"] == "LIMIT_MAKER"
    lifetime = Lifetime.UNTIL_CANCELED
    if kind is Kind.LIMIT and not maker:
        lifetime = _one_of(params, "timeInForce", _LIFETIMES)
    client_id = params.get("newClientOrderId")
    if client_id is not None and not _CLIENT_ID.fullmatch(client_id):
        words = "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."
        raise Refusal(Reason.VERBATIM, words, code=-1100, status=400)
    spent = parsed(params, "quoteOrderQty") if kind is Kind.MARKET else None
    quantity = _amount(params, "quantity") if spent is None else None
    return Request(
        account=account,
        symbol=listing.symbol,
        side=side,
        kind=kind,
        quantity=quantity,
        quote_quantity=spent,
        limit_price=_amount(params, "price") if kind is Kind.LIMIT else None,
        client_order_id=client_id,
        lifetime=lifetime,
        post_only=maker,
    )


def _amount(params: dict[str, str], name: str) -> Decimal:
    number = parsed(params, name)
    if number is None:
        raise Refusal(Reason.INVALID_ARGUMENT, name)
    if number != round(number, _FINEST_PLACES):
        raise Refusal(Reason.VERBATIM, f"Parameter '{name}' has too much precision.", code=-1111, status=400)
    return number


def _one_of(params: dict[str, str], name: str, choices: dict[str, _Choice]) -> _Choice:
    choice = choices.get(params.get(name, ""))
    if choice is None:
        raise Refusal(Reason.INVALID_ARGUMENT, name)
    return choice
