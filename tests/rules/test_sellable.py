from decimal import Decimal

import pytest

from models.market import Market
from models.position import OpenOrder, Position, Snapshot
from models.reasons import Reason
from rules.sellable import Sellable, sellable
from tests.builders import a_market, a_policy, a_position, a_snapshot, an_open_order


def ask(position: Position, market: Market | None = None, *orders: OpenOrder, **policy: object) -> Sellable | Reason:
    snapshot = a_snapshot(position, markets=[market] if market else None, open_orders=orders)
    return sellable(position, snapshot=snapshot, policy=a_policy(**policy))


def test_less_than_a_lot_step_cannot_be_sold() -> None:
    assert ask(a_position(free="0.005"), a_market(lot_step="0.01")) is Reason.BELOW_LOT_STEP


def test_a_quantity_is_floored_to_the_lot_step_and_the_rest_is_named() -> None:
    sale = ask(a_position(free="0.055"), a_market(lot_step="0.01"))

    assert sale == Sellable(quantity=Decimal("0.05"), remainder=Decimal("0.005"))


@pytest.mark.parametrize(
    ("market", "reason"),
    [
        (a_market(active=False), Reason.MARKET_INACTIVE),
        (a_market(minimum_quantity="1.1"), Reason.BELOW_MINIMUM_QUANTITY),
        (a_market(minimum_notional="100.01"), Reason.BELOW_MINIMUM_NOTIONAL),
        (a_market(lot_step=0), Reason.NO_MARKET),
    ],
)
def test_a_market_that_would_refuse_the_order_is_not_asked(market: Market, reason: Reason) -> None:
    assert ask(a_position(value=100), market) is reason


@pytest.mark.parametrize("market", [a_market(minimum_quantity=1), a_market(minimum_notional=100)])
def test_an_order_at_exactly_the_venues_minimum_can_be_sold(market: Market) -> None:
    assert isinstance(ask(a_position(value=100), market), Sellable)


def test_a_symbol_the_venue_does_not_list_cannot_be_sold() -> None:
    position = a_position()
    bare = Snapshot("platform", a_snapshot().taken_at, Decimal(0), Decimal(0), (position,))

    assert sellable(position, snapshot=bare, policy=a_policy()) is Reason.NO_MARKET


def test_what_has_no_price_is_not_sold() -> None:
    assert ask(a_position(value=None)) is Reason.UNVALUED


def test_an_order_stays_below_the_venues_largest_and_on_the_lot_step() -> None:
    sale = ask(a_position(free=10), a_market(lot_step="0.2", maximum_quantity="3.5"))

    assert sale == Sellable(quantity=Decimal("3.4"), remainder=Decimal("6.6"))


def test_what_a_resting_sell_order_holds_is_sold_once_the_order_is_canceled() -> None:
    sale = ask(a_position(free=1, held=2), None, an_open_order(order_id="V7", quantity=2))

    assert sale == Sellable(quantity=Decimal(3), remainder=Decimal(0), cancel_first=("V7",))


def test_no_more_is_freed_than_the_canceled_orders_hold() -> None:
    sale = ask(a_position(free=1, held=2), None, an_open_order(quantity="0.5"))

    assert (sale.quantity, sale.withheld_by) == (Decimal("1.5"), Reason.FUNDS_HELD)


def test_buy_orders_and_orders_of_other_symbols_are_left_alone() -> None:
    sale = ask(
        a_position(free=1, held=2),
        None,
        an_open_order(side="buy", quantity=2),
        an_open_order("ETH/USD", quantity=2),
    )

    assert (sale.quantity, sale.cancel_first) == (Decimal(1), ())


def test_held_funds_stay_held_where_the_policy_cancels_no_order() -> None:
    sale = ask(a_position(free=0, held=2), None, an_open_order(quantity=2), cancel_open_orders=False)

    assert sale is Reason.FUNDS_HELD


def test_locked_funds_are_never_sold() -> None:
    sale = ask(a_position(free=1, locked=4))

    assert (sale.quantity, sale.remainder, sale.withheld_by) == (1, 4, Reason.LOCKED_AT_VENUE)


def test_locked_funds_are_named_when_they_are_what_makes_a_sale_too_small() -> None:
    sale = ask(a_position(value=50, free="0.05", locked=1), a_market(minimum_notional=10))

    assert sale is Reason.LOCKED_AT_VENUE


def test_a_holding_too_small_even_as_a_whole_says_so_although_part_of_it_is_locked() -> None:
    sale = ask(a_position(value=5, free=1, locked=1), a_market(minimum_notional=10))

    assert sale is Reason.BELOW_MINIMUM_NOTIONAL
