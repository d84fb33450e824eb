"""What else is done with a holding that is too small to be sold."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dust import DustOffer
from models.position import Position, Snapshot
from models.reasons import ActionKind, Reason
from rules.unsellable import MARGIN, Ways
from tests.builders import a_market, a_policy, a_position, a_snapshot

SYMBOL = "DOGE/USD"


def held(price: str = "1", quantity: str = "0.6", *, cash: str = "1000", **market: Any) -> tuple[Position, Snapshot]:
    """Return a holding below the venue's minimum, and the account that has it."""
    position = a_position(SYMBOL, Decimal(quantity) * Decimal(price), free=quantity)
    default = {"minimum_notional": 5, "lot_step": "0.01", "taker_fee_fraction": "0.004"}
    described = a_market(SYMBOL, **(default | market))
    return position, a_snapshot(position, markets=[described], cash=cash, cash_free=cash)


def test_an_offer_is_taken_before_more_is_bought() -> None:
    position, snapshot = held()
    offer = DustOffer("DOGE", Decimal("0.6"), "BNB", Decimal("0.00098"), Decimal("0.00002"))

    action = Ways({SYMBOL: offer}, may_top_up=True).out(
        position, Reason.BELOW_MINIMUM_NOTIONAL, snapshot=snapshot, policy=a_policy()
    )

    assert action is not None
    assert (action.kind, action.quantity) == (ActionKind.CONVERT_DUST, Decimal("0.6"))
    assert "0.00098 BNB, costs 0.00002 BNB" in action.detail


def test_a_venue_that_names_no_rate_is_quoted_so() -> None:
    position, snapshot = held()
    offer = DustOffer("DOGE", Decimal("0.6"), "USDT", None, None)

    action = Ways({SYMBOL: offer}).out(position, Reason.BELOW_LOT_STEP, snapshot=snapshot, policy=a_policy())

    assert action is not None
    assert "a rate the venue does not name" in action.detail


@pytest.mark.parametrize("why", [Reason.MARKET_INACTIVE, Reason.NO_MARKET, Reason.LOCKED_AT_VENUE, Reason.FUNDS_HELD])
def test_only_what_is_too_small_is_converted_or_bought_up(why: Reason) -> None:
    position, snapshot = held()
    offer = DustOffer("DOGE", Decimal("0.6"), "BNB", Decimal("0.00098"), Decimal("0.00002"))

    assert Ways({SYMBOL: offer}, may_top_up=True).out(position, why, snapshot=snapshot, policy=a_policy()) is None


def test_as_much_is_bought_as_the_venue_takes_with_a_margin() -> None:
    position, snapshot = held()

    action = Ways(may_top_up=True).out(position, Reason.BELOW_MINIMUM_NOTIONAL, snapshot=snapshot, policy=a_policy())

    assert (action.kind, action.quantity, action.value) == (ActionKind.TOP_UP, Decimal("5.25"), Decimal("5.25"))
    assert "costs 0.0444 in fees" in action.detail  # (2 x 5.25 + 0.60) x 0.4 %


@pytest.mark.parametrize(
    "changed",
    [
        {"cash": "5"},
        {"quantity": "0.04"},  # worth less than the two fees
        {"minimum_notional": Decimal(7)},  # what results would not be closed by the policy
        {"active": False},
        {"lot_step": Decimal(0)},
    ],
)
def test_nothing_is_bought_where_it_does_not_pay_or_cannot_be(changed: dict[str, Any]) -> None:
    position, snapshot = held(**changed)
    ways = Ways(may_top_up=True)

    assert ways.out(position, Reason.BELOW_MINIMUM_NOTIONAL, snapshot=snapshot, policy=a_policy()) is None


def test_two_buys_share_the_cash() -> None:
    position, snapshot = held(cash="10")
    ways = Ways(may_top_up=True)
    first = ways.out(position, Reason.BELOW_MINIMUM_NOTIONAL, snapshot=snapshot, policy=a_policy())

    second = ways.after(first).out(position, Reason.BELOW_MINIMUM_NOTIONAL, snapshot=snapshot, policy=a_policy())

    assert first is not None
    assert second is None


@given(
    price=st.decimals("0.0001", "100000", places=4),
    notional=st.decimals("0", "20", places=2),
    minimum=st.decimals("0", "1000", places=3),
    quantity=st.decimals("0.001", "100", places=3),
    cash=st.decimals("0", "100", places=2),
)
def test_a_buy_is_on_the_step_paid_for_and_makes_the_whole_sellable(
    price: Decimal, notional: Decimal, minimum: Decimal, quantity: Decimal, cash: Decimal
) -> None:
    position, snapshot = held(
        str(price), str(quantity), cash=str(cash), minimum_notional=notional, minimum_quantity=minimum
    )
    policy = a_policy()

    action = Ways(may_top_up=True).out(position, Reason.BELOW_MINIMUM_NOTIONAL, snapshot=snapshot, policy=policy)

    if action is not None:
        assert action.quantity % Decimal("0.01") == 0
        assert action.quantity >= minimum
        assert action.quantity * price >= notional
        assert action.value * MARGIN <= cash
        assert position.value is not None
        assert action.value + position.value < policy.minimum_position_usd


def test_nothing_is_bought_of_what_may_not_be_entered() -> None:
    position, snapshot = held()

    ways = Ways(may_top_up=True, barred={SYMBOL})

    assert ways.out(position, Reason.BELOW_MINIMUM_NOTIONAL, snapshot=snapshot, policy=a_policy()) is None
