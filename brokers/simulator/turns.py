"""Change the venue itself at a call: markets, prices, fills and balances that turn in the middle of a run."""

from collections.abc import Callable
from decimal import Decimal

from brokers.simulator.fault_kinds import Fault
from brokers.simulator.faults import FaultRule
from brokers.simulator.orders import Status
from brokers.simulator.venue import Venue
from brokers.simulator.world import FillMode, FillRule, MarketStatus

# What the venue does at a call: (venue, rule, account of the call, market concerned).
TurnMaker = Callable[[Venue, FaultRule, str | None, str | None], None]


def turn(venue: Venue, rule: FaultRule, account: str | None, symbol: str | None, *, since_ms: int) -> None:
    """Make the change that a rule is about; one about a market changes nothing where no known market is named.

    `since_ms`: when the call arrived.
    """
    if rule.fault is Fault.FILLED_AFTER_CANCEL:
        _fill_what_was_canceled(venue, account, since_ms)
    else:
        TURNS[rule.fault](venue, rule, account, rule.market or symbol)


def _status(status: MarketStatus) -> TurnMaker:
    def change(venue: Venue, _rule: FaultRule, _account: str | None, symbol: str | None) -> None:
        if symbol is not None and symbol in venue.markets:
            venue.set_market(symbol, {"status": status})

    return change


def _price(price: Decimal | None) -> TurnMaker:
    """Show a price at which nobody buys, or none."""

    def change(venue: Venue, _rule: FaultRule, _account: str | None, symbol: str | None) -> None:
        if symbol is not None and symbol in venue.markets:
            venue.add_fill_rule(FillRule(symbol=symbol, mode=FillMode.NEVER))
            venue.set_price(symbol, price)

    return change


def _fills(mode: FillMode) -> TurnMaker:
    def change(venue: Venue, rule: FaultRule, account: str | None, _symbol: str | None) -> None:
        venue.add_fill_rule(FillRule(account=account, mode=mode, fraction=Decimal(str(rule.fraction))))

    return change


def _fill_what_was_canceled(venue: Venue, account: str | None, since_ms: int) -> None:
    """Fill the order that this call canceled: the venue took the cancel, and a buyer had been faster.

    One that was canceled before has been told of as canceled, and stays so.
    """
    orders = venue.book.by_account.get(account or "", ())
    canceled = [o for o in orders if o.status is Status.CANCELED and o.updated_ms >= since_ms]
    for order in canceled:
        order.status, order.closed_ms, order.held = Status.OPEN, None, order.remaining
        venue.book.keep(order)
    if canceled:
        venue.add_fill_rule(FillRule(account=account))


def _lag(venue: Venue, rule: FaultRule, _account: str | None, _symbol: str | None) -> None:
    venue.engine.lag_ms = int(rule.seconds * 1000)


TURNS: dict[Fault, TurnMaker] = {
    Fault.DELISTED: _status(MarketStatus.DELISTED),
    Fault.HALTED: _status(MarketStatus.HALTED),
    Fault.PRICE_ZERO: _price(Decimal(0)),
    Fault.PRICE_GONE: _price(None),
    Fault.PARTIAL_FILLS: _fills(FillMode.PARTIAL),
    Fault.NO_FILLS: _fills(FillMode.NEVER),
    Fault.BALANCE_LAG: _lag,
}
