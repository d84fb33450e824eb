import numpy as np
import pandas as pd
import pytest

from tests.builders import NOW
from validations.frames import Breach, PositionFrame, PriceFrame
from validations.gate import failures


def a_price_frame(rows: int = 2, **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "symbol": [f"A{n}/USD" for n in range(rows)],
            "price": [100.0] * rows,
            "at": pd.DatetimeIndex([NOW] * rows, dtype="datetime64[ns, UTC]"),
            "age_seconds": [0.0] * rows,
            "stale_in_seconds": [300.0] * rows,
        },
    )
    return frame.assign(**columns)


def a_position_frame(rows: int = 2, **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "account": ["platform"] * rows,
            "symbol": [f"A{n}/USD" for n in range(rows)],
            "asset": [f"A{n}" for n in range(rows)],
            "free": [1.0] * rows,
            "held": [0.5] * rows,
            "locked": [0.5] * rows,
            "quantity": [2.0] * rows,
            "is_valued": [True] * rows,
            "price": [10.0] * rows,
            "value": [20.0] * rows,
            "price_at": pd.DatetimeIndex([NOW] * rows, dtype="datetime64[ns, UTC]"),
            "age_seconds": [0.0] * rows,
            "stale_in_seconds": [300.0] * rows,
            "is_known": [True] * rows,
        },
    )
    return frame.assign(**columns)


@pytest.mark.parametrize(("frame", "contract"), [(a_price_frame(), PriceFrame), (a_position_frame(), PositionFrame)])
def test_a_good_frame_passes(frame: pd.DataFrame, contract: type[PriceFrame | PositionFrame]) -> None:
    assert failures(frame, contract) == ({}, ())


@pytest.mark.parametrize(("frame", "contract"), [(a_price_frame(0), PriceFrame), (a_position_frame(0), PositionFrame)])
def test_an_empty_frame_breaks_its_contract(frame: pd.DataFrame, contract: type[PriceFrame | PositionFrame]) -> None:
    _, breaches = failures(frame, contract)

    assert Breach.EMPTY in {b.reason for b in breaches}


@pytest.mark.parametrize(
    ("columns", "reasons"),
    [
        ({"price": [1.0, np.inf]}, {Breach.NOT_FINITE}),
        ({"price": [1.0, np.nan]}, {Breach.NOT_FINITE}),
        ({"price": [1.0, -1.0]}, {Breach.NEGATIVE}),
        ({"price": [1.0, 0.0]}, {Breach.NOT_POSITIVE}),
        ({"age_seconds": [0.0, -61.0]}, {Breach.FUTURE}),
        ({"stale_in_seconds": [0.0, -0.1]}, {Breach.STALE}),
        ({"at": pd.DatetimeIndex([NOW, None], dtype="datetime64[ns, UTC]")}, {Breach.MISSING}),
        ({"symbol": ["A0/USD", None]}, {Breach.MISSING}),
    ],
)
def test_a_bad_price_fails_alone(columns: dict[str, object], reasons: set[Breach]) -> None:
    by_row, breaches = failures(a_price_frame(**columns), PriceFrame)

    assert {row: set(found) for row, found in by_row.items()} == {1: reasons}
    assert not breaches


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"value": [20.0, 20.1]}, Breach.VALUE_MISMATCH),
        ({"value": [20.0, np.inf]}, Breach.NOT_FINITE),
        ({"value": [20.0, np.nan]}, Breach.HALF_VALUED),
        ({"price": [10.0, np.nan]}, Breach.HALF_VALUED),
        ({"is_valued": [True, False]}, Breach.HALF_VALUED),
        ({"quantity": [2.0, 3.0]}, Breach.QUANTITY_MISMATCH),
        ({"quantity": [2.0, 0.0]}, Breach.NOT_POSITIVE),
        ({"free": [1.0, -1.0]}, Breach.NEGATIVE),
        ({"is_known": [True, False]}, Breach.UNKNOWN_ASSET),
        ({"asset": ["A0", "A"]}, Breach.WRONG_SYMBOL),
    ],
)
def test_a_bad_position_fails_alone(columns: dict[str, object], reason: Breach) -> None:
    by_row, breaches = failures(a_position_frame(**columns), PositionFrame)

    assert reason in by_row[1]
    assert set(by_row) == {1}
    assert not breaches


def test_a_value_within_the_rounding_of_floats_passes() -> None:
    assert failures(a_position_frame(value=[20.0, 20.0 * (1 + 1e-10)]), PositionFrame) == ({}, ())


@pytest.mark.parametrize(
    "columns",
    [
        {"price": [True, True]},
        {"price": ["1", "2"]},
        {"price": [1, 2]},
        {"at": [NOW.replace(tzinfo=None)] * 2},
        {"extra": [1, 2]},
    ],
)
def test_a_column_of_the_wrong_kind_breaks_the_whole_frame(columns: dict[str, object]) -> None:
    _, breaches = failures(a_price_frame(**columns), PriceFrame)

    assert breaches


def test_a_missing_column_breaks_the_whole_frame() -> None:
    _, breaches = failures(a_price_frame().drop(columns="price"), PriceFrame)

    assert breaches


def test_a_repeated_index_breaks_the_whole_frame() -> None:
    _, breaches = failures(a_price_frame().set_axis([0, 0], axis="index"), PriceFrame)

    assert [b.reason for b in breaches] == [Breach.DUPLICATE]


def test_two_accounts_may_hold_the_same_symbol() -> None:
    frame = a_position_frame(symbol=["A0/USD", "A0/USD"], asset=["A0", "A0"], account=["platform", "alice"])

    assert failures(frame, PositionFrame) == ({}, ())
