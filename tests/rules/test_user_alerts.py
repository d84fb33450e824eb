"""A person's alert fires on the edge alone, and what is not known says nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.user_alert import Alert, AlertKind, Metric, Observed, Side
from rules.user_alerts import Judged, judge

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

values = st.decimals("0.01", "200", places=2)
sides = st.sampled_from(Side)


def an_alert(side: Side = Side.ABOVE, threshold: str = "100", hysteresis: str = "0", **fields: object) -> Alert:
    given = {"kind": AlertKind.PRICE, "metric": Metric.PRICE, "venue": "kraken", "symbol": "BTC/USD"}
    return Alert.model_validate(
        given | {"side": side, "threshold": threshold, "hysteresis_fraction": hysteresis} | fields
    )


def look(
    alert: Alert, seen: Observed | str, *, is_met: bool = False, last_at: datetime | None = None, now: datetime = NOW
) -> Judged:
    if isinstance(seen, str):
        seen = Observed(Decimal(seen), now)
    return judge(alert, is_met=is_met, last_at=last_at, seen=seen, now=now)


def fired(alert: Alert, seen: list[Decimal]) -> list[Decimal]:
    """Judge figure after figure; return those at which it fired."""
    is_met, at = False, []
    for value in seen:
        judged = look(alert, str(value), is_met=is_met)
        is_met = judged.is_met
        at += [value] if judged.fires else []
    return at


def test_it_fires_at_the_first_look_at_what_holds_already_and_not_again_while_it_does() -> None:
    assert fired(an_alert(), [Decimal(101), Decimal(150), Decimal(101)]) == [101]


def test_on_the_threshold_itself_it_does_not_hold() -> None:
    assert not look(an_alert(Side.ABOVE), "100").is_met
    assert not look(an_alert(Side.BELOW), "100").is_met


def test_with_hysteresis_it_waits_until_the_figure_is_far_enough_back() -> None:
    alert = an_alert(hysteresis="0.05")
    seen = [Decimal(n) for n in (101, 96, 101, 95, 101)]

    assert fired(alert, seen) == [101, 101]


@given(sides, st.lists(values, max_size=30))
def test_without_hysteresis_it_fires_whenever_its_condition_becomes_true(side: Side, seen: list[Decimal]) -> None:
    holds = [(value > 100) if side is Side.ABOVE else (value < 100) for value in seen]
    edges = [v for v, now, before in zip(seen, holds, [False, *holds], strict=False) if now and not before]

    assert fired(an_alert(side), seen) == edges


@given(sides, values, st.decimals("0", "0.99", places=2), st.lists(values, max_size=30))
def test_between_two_firings_the_figure_was_back_over_the_whole_band(
    side: Side, threshold: Decimal, band: Decimal, seen: list[Decimal]
) -> None:
    alert = an_alert(side, str(threshold), str(band))
    is_met, was_back = False, True
    edge = threshold * (1 - band) if side is Side.ABOVE else threshold * (1 + band)
    for value in seen:
        judged = look(alert, str(value), is_met=is_met)
        was_back = was_back or (value <= edge if side is Side.ABOVE else value >= edge)
        if judged.fires:
            assert was_back
            was_back = False
        is_met = judged.is_met


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Observed(problem="the venue is away"), "the venue is away"),
        (Observed(), "there is no figure"),
        (Observed(Decimal(150)), "there is no figure"),
        (Observed(Decimal("NaN"), NOW), "no number"),
        (Observed(Decimal("Infinity"), NOW), "no number"),
        (Observed(Decimal(0), NOW), "not above zero"),
        (Observed(Decimal(-1), NOW), "not above zero"),
        (Observed(Decimal(150), NOW - 6 * MINUTE), "6 min old, older than 5 min"),
        (Observed(Decimal(150), NOW + 2 * MINUTE), "dated 2 min ahead"),
    ],
)
@pytest.mark.parametrize("is_met", [True, False])
def test_what_is_missing_old_or_no_number_says_nothing_either_way(seen: Observed, words: str, *, is_met: bool) -> None:
    judged = look(an_alert(), seen, is_met=is_met)

    assert (judged.fires, judged.is_met, judged.value) == (False, is_met, None)
    assert words in judged.problem


def test_a_figure_older_than_the_last_one_is_not_judged_again() -> None:
    judged = look(an_alert(), Observed(Decimal(50), NOW - MINUTE), is_met=True, last_at=NOW)

    assert (judged.is_met, judged.problem) == (True, "a newer figure was judged already")


@pytest.mark.parametrize(
    "fields",
    [
        {"threshold": "NaN"},
        {"threshold": "Infinity"},
        {"hysteresis_fraction": "1"},
        {"hysteresis_fraction": "-0.1"},
        {"metric": Metric.EQUITY},
        {"symbol": ""},
        {"venue": ""},
        {"account": "alice"},
        {"max_age": timedelta(0)},
        {"kind": AlertKind.STRATEGY, "metric": Metric.CONFIDENCE},
        {"unknown": 1},
    ],
)
def test_an_alert_that_means_nothing_cannot_be_made(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        an_alert(**fields)  # type: ignore[arg-type]
