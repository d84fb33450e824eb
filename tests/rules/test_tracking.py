from decimal import Decimal

import pytest

from models.order import LedgerOrder
from models.reasons import OrderState
from rules.tracking import looks_empty, not_yet_shown
from tests.builders import a_ledger_order, a_position, a_snapshot, an_intent

TRACKED = {"BTC/USD": Decimal(900), "ETH/USD": Decimal(100)}


def test_nothing_held_while_positions_are_tracked_looks_empty() -> None:  # case B7
    assert looks_empty(TRACKED, Decimal(50), a_snapshot(cash=50))


@pytest.mark.parametrize(("cash", "empty"), [(549, True), (550, False), (1050, False)])
def test_cash_that_rose_by_half_of_what_was_tracked_explains_an_empty_account(cash: int, empty: bool) -> None:
    assert looks_empty(TRACKED, Decimal(50), a_snapshot(cash=cash)) is empty


def test_one_holding_left_is_not_an_empty_read() -> None:
    assert not looks_empty(TRACKED, Decimal(50), a_snapshot(a_position("SOL/USD", None), cash=50))


def test_an_account_without_tracked_holdings_may_be_empty() -> None:
    assert not looks_empty({}, None, a_snapshot(cash=0))


@pytest.mark.parametrize(("tracked", "cash"), [({"AUT/USD": None}, Decimal(0)), (TRACKED, None)])
def test_where_no_value_or_no_cash_is_known_nothing_explains_an_empty_read(
    tracked: dict[str, Decimal | None], cash: Decimal | None
) -> None:
    assert looks_empty(tracked, cash, a_snapshot(cash=5000))


def a_sale(filled: str, *, before: str = "10", side: str = "sell") -> LedgerOrder:
    intent = an_intent("ETH/USD", side=side, quantity=before)
    return a_ledger_order(OrderState.FILLED, intent=intent, filled=filled)


@pytest.mark.parametrize(
    ("held", "lags"),
    [("10", True), ("7.51", True), ("7.5", False), ("5.0001", False), ("5", False)],
)
def test_a_balance_lags_while_less_than_half_of_a_sale_shows(held: str, lags: bool) -> None:
    read = a_snapshot(a_position("ETH/USD", free=held))

    assert not_yet_shown([a_sale("5")], read) == (("ETH/USD",) if lags else ())


def test_what_is_gone_altogether_has_been_shown() -> None:
    assert not_yet_shown([a_sale("10")], a_snapshot()) == ()


def test_the_newest_sale_of_a_symbol_tells_what_is_left() -> None:
    read = a_snapshot(a_position("ETH/USD", free="5"))

    assert not_yet_shown([a_sale("5"), a_sale("5", before="5")], read) == ("ETH/USD",)


@pytest.mark.parametrize(("held", "lags"), [("10", True), ("12.4", True), ("12.5", False), ("15", False)])
def test_a_buy_shows_once_half_of_it_is_there(held: str, lags: bool) -> None:
    read = a_snapshot(a_position("ETH/USD", free=held))

    assert not_yet_shown([a_sale("5", side="buy")], read) == (("ETH/USD",) if lags else ())
