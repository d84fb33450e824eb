"""CoinGecko's points become candles on the grid and nothing is made up; its plans, errors and keys are minded."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from brokers.history.coingecko import read_refusal
from brokers.history.source import open_source
from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from models.errors import VenueRefused, VenueUnavailable
from models.history import Fetched, Series, Span, Timeframe, Why
from models.settings import HistorySettings
from tests.brokers.at_venue import hub, impatient
from tests.brokers.history.sources import DAY, HOUR, back, source_of
from validations.candles import judge_candles

pytestmark = pytest.mark.wire
KEY = "CG-averysecretkey123"


def a_gecko(**changes: Any) -> World:
    row = {"symbol": "BTC/USD", "price": "50000", "tick": "0.01"}
    return World.model_validate({"venue": "coingecko", "markets": [row], **changes})


def a_gecko_with_a_key(**changes: Any) -> World:
    return a_gecko(accounts={"me": {"api_key": KEY}}, **changes)


def bitcoin(timeframe: str) -> Series:
    return Series("coingecko", "bitcoin/usd", Timeframe.parse(timeframe))


async def fetched(
    world: World, span: Span, timeframe: str, *faults: dict[str, Any], **settings: Any
) -> tuple[Fetched, int]:
    """Ask once; return what came and how many calls that took."""
    with RunningVenue(world) as running:
        async with source_of(running, **settings) as source:
            running.set_faults(*faults)
            return await source.fetch(bitcoin(timeframe), span), running.calls("candles")


@pytest.mark.parametrize(("timeframe", "since", "count"), [("5m", 100, 90), ("1h", 60, 48), ("1d", 200, 150)])
async def test_points_become_candles_of_one_price_on_the_grid(timeframe: str, since: int, count: int) -> None:
    span = back(timeframe, since, count)

    found, calls = await fetched(a_gecko(), span, timeframe)
    judged = judge_candles(bitcoin(timeframe), span, found.rows, now=datetime.now(UTC), bad=found.bad)

    step = Timeframe.parse(timeframe).seconds
    assert judged.accepted["time"].tolist() == list(range(span.start, span.end, step))
    assert (judged.rejected, calls, found.asked) == ((), 1, span)
    for name in ("open", "high", "low"):
        assert found.rows[name].tolist() == found.rows["close"].tolist()
    assert found.provenance.startswith("points: http://127.0.0.1:")


async def test_a_page_is_as_long_as_the_points_stay_dense() -> None:
    async with hub() as venues:
        source = open_source("coingecko", venues=venues, policy=impatient(), settings=HistorySettings())

        rows = {t: source.page_rows(Timeframe.parse(t)) for t in ("5m", "30m", "1h", "4h", "1d")}
        assert rows == {"5m": 288, "30m": 48, "1h": 2160, "4h": 540, "1d": 365}
        with pytest.raises(ValueError, match="no prices each"):
            source.page_rows(Timeframe.parse("1m"))


async def test_what_the_demo_plan_keeps_is_a_year_and_of_minutes_a_day() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    async with hub() as venues:
        demo, pro = (
            open_source("coingecko", venues=venues, policy=impatient(), settings=HistorySettings(coingecko_plan=plan))
            for plan in ("demo", "pro")
        )

        assert demo.reach(bitcoin("1d"), now) == int(datetime(2025, 6, 2, tzinfo=UTC).timestamp())
        assert pro.reach(bitcoin("1d"), now) is None
        for source in (demo, pro):
            assert source.reach(bitcoin("5m"), now) == int(datetime(2026, 5, 31, 12, 10, tzinfo=UTC).timestamp())


async def test_a_span_older_than_the_plan_serves_is_not_asked_for() -> None:
    found, calls = await fetched(a_gecko(), back("1d", 500, 60), "1d")

    assert (calls, len(found.rows)) == (0, 0)
    assert found.reaches_back_to is not None
    assert found.reaches_back_to >= found.asked.end


async def test_of_a_span_that_is_partly_too_old_the_rest_is_asked_for() -> None:
    span = back("1d", 400, 60)

    found, calls = await fetched(a_gecko(), span, "1d")

    assert calls == 1
    assert found.reaches_back_to == int(found.rows["time"].iloc[0])
    assert int(found.rows["time"].iloc[-1]) == span.end - DAY


async def test_a_plan_that_serves_less_than_we_think_says_how_far_it_reaches() -> None:
    """A key of the pro address may be of a plan that keeps a year as well."""
    fault = {"operation": "candles", "fault": "error", "code": 10012, "times": None}
    span = back("1d", 400, 60)

    found, _ = await fetched(a_gecko(plan="pro"), span, "1d", fault, coingecko_plan="pro", coingecko_api_key=KEY)

    assert len(found.rows) == 0
    assert span.start < found.asked.end < span.end  # what is younger was not answered for
    assert found.reaches_back_to == found.asked.end


@pytest.mark.parametrize(
    ("code", "expected"),
    [(10002, "AUTHENTICATION"), (10005, "PERMISSION_DENIED"), (10010, "AUTHENTICATION"), (10011, "AUTHENTICATION")],
)
async def test_each_of_its_errors_has_a_code_and_is_not_asked_again(code: int, expected: str) -> None:
    fault = {"operation": "candles", "fault": "error", "code": code, "times": None}
    with RunningVenue(a_gecko()) as running:
        async with source_of(running) as source:
            running.set_faults(fault)
            with pytest.raises(VenueRefused) as caught:
                await source.fetch(bitcoin("1h"), back("1h", 30, 10))

        assert (caught.value.code, running.calls("candles")) == (expected, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"status": {"error_code": 10005, "error_message": "no"}},
        {"error": {"status": {"error_code": 10005, "error_message": "no"}}},
        {"error_code": 10005, "error": "no"},
    ],
)
def test_an_error_is_read_in_each_of_its_shapes(body: dict[str, Any]) -> None:
    refusal = read_refusal(401, body)

    assert refusal is not None
    assert refusal.code == "PERMISSION_DENIED"


async def test_a_coin_or_currency_that_it_has_not_is_refused() -> None:
    with RunningVenue(a_gecko()) as running:
        async with source_of(running) as source:
            codes = []
            for symbol in ("nocoin/usd", "bitcoin/xyz"):
                with pytest.raises(VenueRefused) as caught:
                    await source.fetch(Series("coingecko", symbol, Timeframe(HOUR)), back("1h", 30, 10))
                codes.append(caught.value.code)

    assert codes == ["BAD_SYMBOL", "BAD_REQUEST"]


@pytest.mark.parametrize("plan", ["demo", "pro"])
async def test_the_key_goes_into_its_header_and_nowhere_else(plan: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with RunningVenue(a_gecko_with_a_key(plan=plan)) as running:
        async with source_of(running, coingecko_plan=plan, coingecko_api_key=KEY) as source:
            found = await source.fetch(bitcoin("1h"), back("1h", 30, 10))
            log = running.call_log()

    assert [call.account for call in log] == ["me"]
    assert KEY not in json.dumps([call.params for call in log]) + found.provenance + repr(source.__dict__)
    assert KEY not in caplog.text


async def test_a_key_of_the_other_plan_is_refused_with_what_to_set() -> None:
    with RunningVenue(a_gecko_with_a_key(plan="pro")) as running:
        async with source_of(running, coingecko_plan="demo", coingecko_api_key=KEY) as source:
            with pytest.raises(VenueRefused, match="NIJA_COINGECKO_PLAN"):
                await source.fetch(bitcoin("1h"), back("1h", 30, 10))


@pytest.mark.parametrize("fault", ["html", "empty", "empty_object", "status", "refuse_before", "truncated", "hang"])
async def test_an_answer_that_is_none_is_tried_again_and_is_an_error_then(fault: str) -> None:
    with RunningVenue(a_gecko()) as running:
        async with source_of(running) as source:
            running.set_faults({"operation": "candles", "fault": fault, "times": None})
            with pytest.raises(VenueUnavailable):
                await source.fetch(bitcoin("1h"), back("1h", 30, 10))

        # aiohttp itself asks again where a connection that it kept was reset.
        assert running.calls("candles") == (4 if fault == "refuse_before" else 2)


async def test_a_refusal_for_the_rate_is_tried_again() -> None:
    found, calls = await fetched(
        a_gecko(), back("1h", 30, 10), "1h", {"operation": "candles", "fault": "rate_limited", "times": 2}
    )

    assert (len(found.rows), calls) == (10, 3)


async def test_points_further_apart_than_the_candles_are_an_error() -> None:
    with pytest.raises(VenueUnavailable, match="further apart"):
        await fetched(
            a_gecko(), back("1h", 200, 150), "1h", {"operation": "candles", "fault": "wrong_timeframe", "times": None}
        )


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("nan_row", Why.NOT_A_NUMBER),
        ("negative_row", Why.NOT_POSITIVE),
        ("spike", Why.JUMP),
        ("future_row", Why.FUTURE),
    ],
)
async def test_what_it_gets_wrong_reaches_the_contract(fault: str, why: Why) -> None:
    span = back("1h", 60, 48)

    found, _ = await fetched(a_gecko(), span, "1h", {"operation": "candles", "fault": fault})
    judged = judge_candles(bitcoin("1h"), span, found.rows, now=datetime.now(UTC), bad=found.bad)

    assert any(why in row.why for row in judged.rejected)
