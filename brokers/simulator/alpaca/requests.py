"""Read Alpaca's new-order body into an order request."""

from decimal import Decimal

from brokers.simulator.numbers import parsed
from brokers.simulator.orders import Kind, Lifetime, Request, Side
from brokers.simulator.prices import Quote
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import Listing

_SIDES = {side.value: side for side in Side}
_KINDS = {kind.value: kind for kind in Kind}
_LIFETIMES = {"gtc": Lifetime.UNTIL_CANCELED, "ioc": Lifetime.AT_ONCE}
_LONGEST_CLIENT_ID = 128
_LEAST_BUY = Decimal(10)  # of what is priced in dollars; sells are not held to it


def order_request(account: str, listing: Listing, params: dict[str, str]) -> Request:
    """Build the request. Raises: Refusal in the venue's words."""
    side = _SIDES.get(params.get("side", ""))
    if side is None:
        raise _wrong("side must be buy or sell")
    kind = _KINDS.get(params.get("type", ""))
    if kind is None:
        raise _wrong("invalid order type for crypto order")
    lifetime = _LIFETIMES.get(params.get("time_in_force", ""))
    if lifetime is None:
        raise Refusal(Reason.VERBATIM, "invalid crypto time_in_force", code=42210000, status=422)
    client_id = params.get("client_order_id") or None
    if client_id is not None and len(client_id) > _LONGEST_CLIENT_ID:
        raise _wrong(f"client_order_id must be no more than {_LONGEST_CLIENT_ID} characters")
    quantity, spent = parsed(params, "qty"), parsed(params, "notional")
    if (quantity is None) == (spent is None):
        raise _wrong("qty or notional is required" if quantity is None else "only one of qty or notional is accepted")
    return Request(
        account=account,
        symbol=listing.symbol,
        side=side,
        kind=kind,
        quantity=quantity,
        quote_quantity=spent,
        limit_price=parsed(params, "limit_price") if kind is Kind.LIMIT else None,
        client_order_id=client_id,
        lifetime=lifetime,
    )


def check_worth(request: Request, listing: Listing, quote: Quote | None) -> None:
    """Hold buys in dollars to the venue's minimum. Raises: Refusal."""
    price = request.limit_price or (None if quote is None else quote.ask)
    if request.side is Side.SELL or listing.quote != "USD" or price is None:
        return
    if (request.quote_quantity or (request.quantity or Decimal(0)) * price) < _LEAST_BUY:
        raise Refusal(Reason.NOTIONAL_BELOW_MINIMUM)


def _wrong(words: str) -> Refusal:
    return Refusal(Reason.VERBATIM, words, code=40010001, status=422)
