"""Read Kraken's AddOrder parameters into an order request."""

import re
from typing import TypeVar

from brokers.simulator.numbers import parsed
from brokers.simulator.orders import Kind, Lifetime, Request, Side
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import Listing

# A UUID with or without dashes, or up to 18 characters of free text (docs.kraken.com, spot client order ids).
_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[\x20-\x7e]{1,18}")
_Choice = TypeVar("_Choice")
_LIFETIMES = {"GTC": Lifetime.UNTIL_CANCELED, "IOC": Lifetime.AT_ONCE, "FOK": Lifetime.ALL_AT_ONCE}


def order_request(account: str, listing: Listing, params: dict[str, str]) -> Request:
    """Build the request. Raises: Refusal naming the parameter that is wrong."""
    side = _one_of(params, "type", {side.value: side for side in Side})
    kind = _one_of(params, "ordertype", {kind.value: kind for kind in Kind})
    lifetime = _one_of({"timeinforce": "GTC", **params}, "timeinforce", _LIFETIMES)
    volume = parsed(params, "volume")
    if volume is None:
        raise Refusal(Reason.QUANTITY_INVALID)
    flags = set(params.get("oflags", "").split(","))
    spends = "viqc" in flags
    client_id = params.get("cl_ord_id")
    if client_id is not None and not _CLIENT_ID.fullmatch(client_id):
        raise Refusal(Reason.INVALID_ARGUMENT, "cl_ord_id")
    reference = parsed(params, "userref")
    return Request(
        account=account,
        symbol=listing.symbol,
        side=side,
        kind=kind,
        quantity=None if spends else volume,
        quote_quantity=volume if spends else None,
        limit_price=parsed(params, "price") if kind is Kind.LIMIT else None,
        client_order_id=client_id,
        user_reference=int(reference) if reference is not None else None,
        lifetime=lifetime,
        post_only="post" in flags,
        fee_in_base="fcib" in flags,
    )


def _one_of(params: dict[str, str], name: str, choices: dict[str, _Choice]) -> _Choice:
    choice = choices.get(params.get(name, ""))
    if choice is None:
        raise Refusal(Reason.INVALID_ARGUMENT, name)
    return choice
