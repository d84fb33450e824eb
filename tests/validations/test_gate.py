from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandera.config import ValidationDepth, config_context

from models.errors import ConfigError, ContractBroken
from models.market import Price
from models.position import Holding, Position, Snapshot
from rules.valuation import value_holdings
from tests.builders import NOW, a_holding, a_policy, a_position, a_price, a_snapshot, positions_worth
from tests.strategies import ASSETS, snapshots
from validations.frames import Breach
from validations.gate import FrameBreach, GateResult, gate_account, gate_positions, gate_prices


def positions_gate(snapshot: Snapshot, *, known: str = "BTC ETH SOL AUT") -> GateResult:
    return gate_positions(snapshot, known_assets=known.split(), now=NOW, policy=a_policy())


def one_position(position: Position) -> tuple[Breach, ...]:
    """Return why a position is rejected that stands beside two good ones."""
    result = positions_gate(a_snapshot(a_position("ETH/USD"), position, a_position("SOL/USD", None)))
    assert result.accepted == ("ETH/USD", "SOL/USD")
    (rejected,) = result.rejected
    assert not result.ok
    return rejected.reasons


def priced(value: str = "100", *, at: datetime = NOW, **held: str) -> Position:
    return Position("BTC/USD", a_holding("BTC", **({"free": "1"} | held)), price=a_price(value, at=at))


def one_price(price: object) -> GateResult:
    """Return what the gate says of a needed price that stands beside a good one."""
    prices = {"BTC/USD": price, "ETH/USD": a_price(50)}
    return gate_prices(prices, needed=["BTC/USD", "ETH/USD"], now=NOW)


def test_good_positions_are_accepted_the_unvalued_among_them() -> None:
    result = positions_gate(a_snapshot(a_position("BTC/USD"), a_position("AUT/USD", None)))

    assert result == GateResult("positions", accepted=("BTC/USD", "AUT/USD"))
    assert result.ok


def test_an_account_where_nothing_is_valued_is_accepted() -> None:
    assert positions_gate(a_snapshot(a_position("AUT/USD", None))).ok


def test_an_account_without_positions_is_accepted() -> None:
    assert positions_gate(a_snapshot()) == GateResult("positions", accepted=())


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        (priced("Infinity"), Breach.NOT_FINITE),
        (priced("NaN"), Breach.NOT_FINITE),
        (priced("sNaN"), Breach.NOT_FINITE),
        (priced("1E+400"), Breach.NOT_FINITE),
        (priced(free="Infinity"), Breach.NOT_FINITE),
        (priced("0"), Breach.NOT_POSITIVE),
        (priced("-5"), Breach.NEGATIVE),
        (priced(free="-1", held="3"), Breach.NEGATIVE),
        (priced(locked="-0.5"), Breach.NEGATIVE),
        (priced(free="0"), Breach.NOT_POSITIVE),
        (priced(at=NOW - timedelta(seconds=301)), Breach.STALE),
        (priced(at=NOW + timedelta(seconds=61)), Breach.FUTURE),
        (priced(at=NOW.replace(tzinfo=None)), Breach.NAIVE_TIME),
        (a_position("XYZ/USD"), Breach.UNKNOWN_ASSET),
        (replace(a_position("BTC/USD"), symbol="BTCB/USD"), Breach.WRONG_SYMBOL),
        (Position("BTC/USD", Holding("BTC", free=True)), Breach.WRONG_TYPE),
        (Position("BTC/USD", Holding("BTC", free=1.5)), Breach.WRONG_TYPE),
    ],
)
def test_a_bad_position_is_rejected_with_its_reason_and_the_rest_accepted(position: Position, reason: Breach) -> None:
    assert reason in one_position(position)


def test_all_reasons_of_a_position_are_collected() -> None:
    position = Position("XYZ/USD", a_holding("XYZ", -1), price=a_price(1, at=NOW - timedelta(days=1)))

    assert one_position(position) == (Breach.NEGATIVE, Breach.STALE, Breach.UNKNOWN_ASSET)


def test_every_copy_of_a_repeated_position_is_rejected() -> None:
    result = positions_gate(a_snapshot(*positions_worth({"BTC": 1, "ETH": 2}), a_position("BTC/USD", 3)))

    assert result.accepted == ("ETH/USD",)
    assert [(r.symbol, r.reasons) for r in result.rejected] == [("BTC/USD", (Breach.DUPLICATE,))] * 2


def test_a_time_in_another_zone_is_the_instant_it_names() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=9)))

    assert positions_gate(a_snapshot(priced(at=there))).ok


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"taken_at": NOW - timedelta(seconds=301)}, Breach.STALE),
        ({"taken_at": NOW + timedelta(seconds=61)}, Breach.FUTURE),
        ({"taken_at": NOW.replace(tzinfo=None)}, Breach.NAIVE_TIME),
        ({"cash": "NaN", "cash_free": 0}, Breach.NOT_FINITE),
        ({"cash_free": -1}, Breach.NEGATIVE),
        ({"reported_equity": "Infinity"}, Breach.NOT_FINITE),
    ],
)
def test_a_fault_no_row_owns_breaks_the_whole_frame(changes: dict[str, object], reason: Breach) -> None:
    result = positions_gate(a_snapshot(a_position(), **changes))

    assert [b.reason for b in result.breaches] == [reason]
    assert not result.ok


def test_good_prices_are_accepted_and_those_nobody_needs_left_out() -> None:
    prices = {"BTC/USD": a_price(1), "ETH/USD": a_price(2), "XYZ/USD": a_price("NaN")}

    result = gate_prices(prices, needed=["BTC/USD"], now=NOW)

    assert result == GateResult("prices", accepted=("BTC/USD",), ignored=2)
    assert result.ok


def test_no_price_at_all_while_one_is_needed_breaks_the_whole_frame() -> None:
    result = gate_prices({}, needed=["BTC/USD"], now=NOW)

    assert result.breaches == (FrameBreach(Breach.EMPTY, "no price at all, 1 needed"),)
    assert not result.ok


def test_no_price_at_all_is_fine_where_none_is_needed() -> None:
    assert gate_prices({}, needed=[], now=NOW).ok


def test_one_missing_price_is_named_and_blocks_nothing() -> None:
    result = gate_prices({"BTC/USD": a_price(1)}, needed=["BTC/USD", "AUT/USD"], now=NOW)

    assert (result.ok, result.missing) == (True, ("AUT/USD",))


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (None, Breach.MISSING),
        (Price(None, "test", NOW), Breach.MISSING),
        (a_price(0), Breach.NOT_POSITIVE),
        (a_price(1, at=NOW - timedelta(seconds=301)), Breach.STALE),
    ],
)
def test_a_price_that_says_nothing_is_rejected_and_blocks_nothing(price: Price | None, reason: Breach) -> None:
    result = one_price(price)

    assert [(r.reasons, r.blocks) for r in result.rejected] == [((reason,), False)]
    assert (result.accepted, result.ok) == (("ETH/USD",), True)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (a_price("NaN"), Breach.NOT_FINITE),
        (a_price("Infinity"), Breach.NOT_FINITE),
        (a_price(-1), Breach.NEGATIVE),
        (a_price(1, at=NOW + timedelta(seconds=61)), Breach.FUTURE),
        (a_price(1, at=NOW.replace(tzinfo=None)), Breach.NAIVE_TIME),
        (Price(value=True, source="test", at=NOW), Breach.WRONG_TYPE),
        (Price(1.5, "test", NOW), Breach.WRONG_TYPE),
    ],
)
def test_a_price_that_cannot_be_true_blocks_the_account(price: Price, reason: Breach) -> None:
    result = one_price(price)

    assert [(r.reasons, r.blocks) for r in result.rejected] == [((reason,), True)]
    assert (result.accepted, result.ok) == (("ETH/USD",), False)


def test_two_prices_for_one_needed_symbol_block_the_account() -> None:
    result = gate_prices([("BTC/USD", a_price(1)), ("BTC/USD", a_price(2))], needed=["BTC/USD"], now=NOW)

    assert [r.reasons for r in result.rejected] == [(Breach.DUPLICATE,)] * 2
    assert not result.ok


def test_one_gate_names_everything_that_broke_in_an_account() -> None:
    snapshot = a_snapshot(a_position("BTC/USD"), a_position("XYZ/USD"))
    prices = {"BTC/USD": a_price(-1), "XYZ/USD": a_price(1)}

    with pytest.raises(ContractBroken) as caught:
        gate_account(snapshot, prices, known_assets=["BTC"], now=NOW, policy=a_policy())

    assert caught.value.rows == ("XYZ/USD: unknown_asset", "BTC/USD: negative")
    assert caught.value.frame == "positions and prices"


def test_a_holding_without_a_price_leaves_its_account_writable() -> None:
    holdings = [a_holding("BTC"), a_holding("AUT")]
    markets = a_snapshot(a_position("BTC/USD"), a_position("AUT/USD")).markets
    prices = {"BTC/USD": a_price(1), "AUT/USD": a_price(0)}
    positions = value_holdings(
        holdings, quote="USD", markets=markets, prices=prices, now=NOW, max_price_age=timedelta(seconds=300)
    )

    results = gate_account(a_snapshot(*positions), prices, known_assets=["BTC", "AUT"], now=NOW, policy=a_policy())

    assert [r.ok for r in results] == [True, True]
    assert [p.symbol for p in positions if p.value is None] == ["AUT/USD"]


def test_the_gate_refuses_to_run_when_validation_is_switched_off() -> None:
    with config_context(validation_enabled=False), pytest.raises(ConfigError, match="PANDERA_VALIDATION_ENABLED"):
        positions_gate(a_snapshot(a_position()))


@pytest.mark.parametrize("depth", [ValidationDepth.SCHEMA_ONLY, ValidationDepth.DATA_ONLY])
def test_the_gate_refuses_to_run_on_half_a_validation(depth: ValidationDepth) -> None:
    with config_context(validation_depth=depth), pytest.raises(ConfigError, match="PANDERA_VALIDATION_DEPTH"):
        gate_prices({}, needed=[], now=NOW)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(snapshots(), st.sets(st.sampled_from(ASSETS)))
def test_accepted_and_rejected_add_up_to_what_was_read(snapshot: Snapshot, known: set[str]) -> None:
    result = gate_positions(snapshot, known_assets=known, now=NOW, policy=a_policy())

    assert len(result.accepted) + len(result.rejected) == len(snapshot.positions)
    assert {r.symbol for r in result.rejected} == {p.symbol for p in snapshot.positions if p.holding.asset not in known}


def test_prices_that_are_all_stale_block_the_account_because_that_is_a_clock_and_not_the_holdings() -> None:
    snapshot = a_snapshot(a_position("BTC/USD", None), a_position("ETH/USD", None))
    old = a_price(at=NOW - timedelta(hours=1))

    with pytest.raises(ContractBroken, match="check the clock"):
        gate_account(
            snapshot, {"BTC/USD": old, "ETH/USD": old}, known_assets=["BTC", "ETH"], now=NOW, policy=a_policy()
        )


def test_one_stale_price_leaves_its_holding_unvalued_and_the_account_goes_on() -> None:
    snapshot = a_snapshot(a_position("BTC/USD", None), a_position("ETH/USD"))
    prices = {"BTC/USD": a_price(at=NOW - timedelta(hours=1)), "ETH/USD": a_price()}

    _, judged = gate_account(snapshot, prices, known_assets=["BTC", "ETH"], now=NOW, policy=a_policy())

    assert judged.ok
    assert [r.symbol for r in judged.rejected] == ["BTC/USD"]
