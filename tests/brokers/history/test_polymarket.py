"""Polymarket's outcomes and their prices: text inside of text, short spans, resolved markets at twelve hours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from brokers.history.polymarket import Polymarket, outcomes_of
from brokers.simulator.handle import RunningVenue
from brokers.simulator.polymarket.outcomes import outcomes
from brokers.simulator.world import World
from models.errors import VenueRefused, VenueUnavailable
from models.history import Fetched, Series, Timeframe, Why
from tests.brokers.history.sources import back, source_of
from validations.points import judge_points

pytestmark = pytest.mark.wire
YES, NO = (outcome.token for outcome in outcomes("RAIN/USDC"))
OVER = outcomes("OVER/USDC")[0].token


def a_polymarket() -> World:
    return World.model_validate(
        {
            "venue": "polymarket",
            "markets": [
                {"symbol": "RAIN/USDC", "price": "0.35"},
                {"symbol": "OVER/USDC", "price": "0.9", "status": "delisted"},
            ],
        }
    )


def of(token: str, timeframe: str = "1h") -> Series:
    return Series("polymarket", token, Timeframe.parse(timeframe))


async def fetched(series: Series, since: int, count: int, *faults: dict[str, Any]) -> Fetched:
    with RunningVenue(a_polymarket()) as running:
        async with source_of(running) as source:
            running.set_faults(*faults)
            return await source.fetch(series, back(str(series.timeframe), since, count))


@pytest.mark.parametrize(("timeframe", "since", "count"), [("1m", 90, 60), ("1h", 60, 48), ("1d", 30, 12)])
async def test_prices_stand_on_the_grid_and_keep_their_contract(timeframe: str, since: int, count: int) -> None:
    found = await fetched(of(YES, timeframe), since, count)
    judged = judge_points(of(YES, timeframe), found.asked, found.rows, now=datetime.now(UTC), bad=found.bad)

    step = Timeframe.parse(timeframe).seconds
    assert judged.accepted["time"].tolist() == list(range(found.asked.start, found.asked.end, step))
    assert judged.rejected == ()
    assert found.provenance.startswith("points: ")


async def test_both_outcomes_together_cost_a_dollar() -> None:
    with RunningVenue(a_polymarket()) as running:
        async with source_of(running) as source:
            yes, no = [await source.fetch(of(token), back("1h", 30, 10)) for token in (YES, NO)]

    assert (yes.rows["price"] + no.rows["price"]).tolist() == pytest.approx([1.0] * 10)


async def test_a_page_is_never_longer_than_it_allows() -> None:
    with RunningVenue(a_polymarket()) as running:
        async with source_of(running) as source:
            for timeframe in ("5m", "1h", "12h", "1d"):
                series = of(YES, timeframe)
                rows = source.page_rows(series.timeframe)
                assert len((await source.fetch(series, back(timeframe, rows + 1, rows))).rows) == rows
            with pytest.raises(ValueError, match="no prices each"):
                source.page_rows(Timeframe.parse("7m"))
            with pytest.raises(VenueRefused, match="too long"):
                await source.fetch(of(YES), back("1h", 500, 400))


async def test_a_resolved_market_has_prices_each_twelve_hours_and_says_so() -> None:
    found = await fetched(of(OVER, "12h"), 20, 10)

    assert len(found.rows) == 10
    with pytest.raises(VenueRefused, match="collect 12h or 1d"):
        await fetched(of(OVER, "1h"), 20, 10)


async def test_a_token_that_no_market_has_is_refused() -> None:
    with pytest.raises(VenueRefused) as caught:
        await fetched(of("123"), 20, 10)

    assert caught.value.code == "BAD_SYMBOL"


async def test_markets_are_listed_with_a_row_for_each_outcome() -> None:
    with RunningVenue(a_polymarket()) as running:
        async with source_of(running) as source:
            assert isinstance(source, Polymarket)
            running_ones, closed = await source.markets(closed=False), await source.markets(closed=True)
            after = await source.markets(closed=False, offset=1)

    assert [(row.outcome, row.token_id, row.is_closed, row.resolved_price) for row in running_ones] == [
        ("Yes", YES, False, None),
        ("No", NO, False, None),
    ]
    assert [(row.outcome, row.is_closed, row.resolved_price) for row in closed] == [
        ("Yes", True, 1.0),
        ("No", True, 0.0),
    ]
    assert (after, running_ones[0].slug) == ((), "will-rain-happen")
    assert running_ones[0].ends_at == datetime(2027, 12, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("change", [{"clobTokenIds": "[1"}, {"outcomes": '["Yes"]'}, {"closed": "yes"}, {"slug": None}])
def test_a_market_that_is_none_is_no_row(change: dict[str, Any]) -> None:
    market = {
        "conditionId": "0x1",
        "slug": "s",
        "question": "q",
        "outcomes": '["Yes", "No"]',
        "clobTokenIds": '["1", "2"]',
        "outcomePrices": None,
        "closed": False,
    }
    assert len(outcomes_of(market, datetime.now(UTC))) == 2
    broken = {name: value for name, value in (market | change).items() if value is not None}

    with pytest.raises((ValueError, KeyError)):
        outcomes_of(broken, datetime.now(UTC))


@pytest.mark.parametrize("operation", ["markets", "candles"])
@pytest.mark.parametrize("fault", ["html", "empty", "empty_object", "status", "refuse_before", "truncated"])
async def test_an_answer_that_is_none_is_an_error(operation: str, fault: str) -> None:
    with pytest.raises(VenueUnavailable):
        await fetched(of(YES), 30, 10, {"operation": operation, "fault": fault, "times": None})


@pytest.mark.parametrize(
    ("fault", "why"), [("nan_row", Why.NOT_A_NUMBER), ("negative_row", Why.NOT_POSITIVE), ("future_row", Why.FUTURE)]
)
async def test_what_it_gets_wrong_reaches_the_contract(fault: str, why: Why) -> None:
    found = await fetched(of(YES), 60, 48, {"operation": "candles", "fault": fault})
    judged = judge_points(of(YES), found.asked, found.rows, now=datetime.now(UTC), bad=found.bad)

    assert any(why in row.why for row in judged.rejected)


async def test_points_further_apart_than_asked_for_are_an_error() -> None:
    with pytest.raises(VenueUnavailable, match="further apart"):
        await fetched(of(YES), 200, 150, {"operation": "candles", "fault": "wrong_timeframe", "times": None})
