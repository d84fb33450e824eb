"""Candles of every venue come as the venue sent them: finished ones, a page a request, lies for the contract to see."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brokers.history.kraken_trades import TradeCandles
from brokers.history.source import open_source
from brokers.simulator.handle import RunningVenue
from models.errors import ConfigError, VenueRefused, VenueUnavailable
from models.history import Fetched, Series, Span, Timeframe, Why
from models.settings import HistorySettings
from tests.brokers.at_venue import QUOTE, hub, impatient
from tests.brokers.history.sources import HOUR, a_market, back, bitcoin, source_of
from validations.candles import judge_candles

pytestmark = pytest.mark.wire
PAGES = {"kraken": 720, "binance": 1000, "coinbase": 300, "okx": 300, "bybit": 1000, "alpaca": 10_000}


async def fetched(venue: str, span: Span, timeframe: str = "1h", *faults: dict[str, Any], **changes: Any) -> Fetched:
    """Ask once for a span of bitcoin."""
    with RunningVenue(a_market(venue, **changes)) as running:
        async with source_of(running) as source:
            running.set_faults(*faults)
            return await source.fetch(bitcoin(venue, timeframe), span)


def times(found: Fetched) -> list[Any]:
    return [int(t) for t in found.rows["time"]]


@pytest.mark.parametrize("venue", QUOTE)
async def test_a_span_comes_oldest_first_and_without_the_unfinished_candle(venue: str) -> None:
    span = back("1h", 30, 31)

    found = await fetched(venue, span)

    assert times(found) == list(range(span.start, span.end - HOUR, HOUR))
    assert (found.asked, found.bad) == (span, ())
    judged = judge_candles(bitcoin(venue), span, found.rows, now=datetime.now(UTC))
    assert (len(judged.accepted), judged.rejected) == (30, ())


@pytest.mark.parametrize("venue", [venue for venue in QUOTE if venue != "kraken"])  # its older ones come from trades
async def test_old_candles_come_page_by_page_with_one_request_each(venue: str) -> None:
    rows = min(PAGES[venue], 300)
    span = back("1h", 5000, 2 * rows)
    with RunningVenue(a_market(venue)) as running:
        async with source_of(running) as source:
            series = bitcoin(venue)
            assert source.page_rows(series.timeframe) == PAGES[venue]
            pages = [await source.fetch(series, page) for page in span.pages(series.timeframe, rows)]
            asked = running.calls("candles")

    assert [t for page in pages for t in times(page)] == list(range(span.start, span.end, HOUR))
    assert asked == 2


async def test_numbers_are_those_of_the_venue() -> None:
    span = back("1h", 5, 3)
    with RunningVenue(a_market("binance", volatility_per_day="0.03")) as running:
        async with source_of(running) as source:
            found = await source.fetch(bitcoin("binance"), span)
        truth = running._at(
            lambda venue: venue.prices.candles(
                "BTC/USDT", HOUR * 1000, span.start * 1000, span.end * 1000 - 1, venue.now_ms()
            )
        )

    for name in ("open", "high", "low", "close", "volume"):
        assert found.rows[name].tolist() == pytest.approx([float(getattr(c, name)) for c in truth])
    assert found.rows.dtypes.astype(str).tolist() == ["int64", *["float64"] * 5]


async def test_where_it_came_from_is_told_without_a_key() -> None:
    found = await fetched("alpaca", back("1h", 5, 3))

    assert found.provenance.startswith("alpaca fetch_ohlcv at 127.0.0.1:")
    assert found.fetched_at.tzinfo is not None


async def test_times_before_the_listing_are_told_apart_from_those_without_a_trade() -> None:
    listed = back("1h", 100, 1).start
    found = await fetched("binance", back("1h", 200, 50), listed_at=datetime.fromtimestamp(listed, UTC).isoformat())

    assert (times(found), found.reaches_back_to) == ([], listed)


async def test_a_page_over_the_listing_has_what_there_is() -> None:
    listed = back("1h", 100, 1).start
    found = await fetched("binance", back("1h", 120, 50), listed_at=datetime.fromtimestamp(listed, UTC).isoformat())

    assert (len(times(found)), times(found)[0], found.reaches_back_to) == (30, listed, listed)


async def test_the_wait_is_behind_everything_else_and_its_faults_close_no_other_way() -> None:
    with RunningVenue(a_market("kraken")) as running:
        async with hub() as venues, source_of(running, venues) as source:
            running.set_faults({"operation": "candles", "fault": "html", "times": None})
            with pytest.raises(VenueUnavailable):
                await source.fetch(bitcoin("kraken"), back("1h", 5, 3))
            tickers = await venues.public("kraken", running.url).tickers(impatient())

    assert set(tickers.prices) == {"BTC/USD"}


@pytest.mark.parametrize("fault", ["html", "empty_object", "empty_result", "status", "refuse_before", "truncated"])
@pytest.mark.parametrize("venue", ["binance", "kraken"])
async def test_an_answer_that_is_none_is_an_error(venue: str, fault: str) -> None:
    with pytest.raises(VenueUnavailable):
        await fetched(venue, back("1h", 30, 20), "1h", {"operation": "candles", "fault": fault, "times": None})


async def test_an_empty_answer_of_a_venue_that_leaves_out_candles_is_asked_for_twice() -> None:
    span = back("1h", 30, 20)

    found = await fetched("coinbase", span, "1h", {"operation": "candles", "fault": "empty_result"})

    assert len(found.rows) == 20


async def test_an_answer_that_stops_early_is_no_answer_where_the_venue_would_have_gone_on() -> None:
    span = back("1h", 300, 200)

    found = await fetched("binance", span, "1h", {"operation": "candles", "fault": "missing_rows"})

    assert len(found.rows) == 200  # the second try


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("future_row", Why.FUTURE),
        ("nan_row", Why.NOT_A_NUMBER),
        ("negative_row", Why.NOT_POSITIVE),
        ("spike", Why.JUMP),
        ("wrong_timeframe", Why.BAD_ROW),
    ],
)
@pytest.mark.parametrize("venue", QUOTE)
async def test_what_a_venue_gets_wrong_reaches_the_contract(venue: str, fault: str, why: Why) -> None:
    span = back("1h", 400, 250)  # the middle of what Kraken answers, up to now, is in it

    found = await fetched(venue, span, "1h", {"operation": "candles", "fault": fault, "times": None})
    judged = judge_candles(bitcoin(venue), span, found.rows, now=datetime.now(UTC), bad=found.bad)

    assert any(why in row.why for row in judged.rejected)


@pytest.mark.parametrize("venue", QUOTE)
async def test_rows_that_come_shuffled_or_twice_are_seen_as_they_came(venue: str) -> None:
    span = back("1h", 30, 20)

    shuffled = await fetched(venue, span, "1h", {"operation": "candles", "fault": "shuffled_rows"})
    twice = await fetched(venue, span, "1h", {"operation": "candles", "fault": "duplicated_rows"})

    assert times(shuffled) != sorted(times(shuffled))
    assert len(times(twice)) == 2 * len(set(times(twice)))


async def test_a_row_without_the_shape_of_one_is_kept_as_text() -> None:
    body = '{"error":[],"result":{"XXBTZUSD":[["x"],7,[%d,"1","1","1","1","1","2",1]],"last":1}}'
    fault = {"operation": "candles", "fault": "html", "status": 200, "body": body % (time.time() // HOUR * HOUR)}

    found = await fetched("kraken", back("1h", 5, 3), "1h", fault)

    assert found.bad == (("7", Why.BAD_ROW),)
    assert found.rows["time"].isna().tolist() == [True]  # a list it was: the contract sees what is in it


async def test_a_symbol_that_nobody_lists_is_refused() -> None:
    with RunningVenue(a_market("binance")) as running:
        async with source_of(running) as source:
            with pytest.raises((VenueRefused, VenueUnavailable)) as caught:
                await source.fetch(Series("binance", "NO/USDT", Timeframe(HOUR)), back("1h", 5, 3))

    assert caught.value.code == "BAD_SYMBOL"


@pytest.mark.parametrize("timeframe", ["7m", "1w", "2d"])
async def test_a_timeframe_that_stands_on_no_common_grid_is_refused(timeframe: str) -> None:
    with RunningVenue(a_market("binance")) as running:
        async with source_of(running) as source:
            with pytest.raises(ValueError, match="no candles of"):
                source.page_rows(Timeframe.parse(timeframe))


async def test_a_venue_whose_markets_take_a_key_says_so() -> None:
    async with hub() as venues:
        with pytest.raises(ConfigError, match="only to a key"):
            open_source("alpaca", venues=venues, policy=impatient(), settings=HistorySettings())
        with pytest.raises(ConfigError, match="unknown venue"):
            open_source("krakn", venues=venues, policy=impatient(), settings=HistorySettings())


async def test_a_venue_nobody_knows_gets_small_pages_and_no_promise() -> None:
    async with hub() as venues:
        source = open_source("bitstamp", venues=venues, policy=impatient(), settings=HistorySettings())

        assert source.page_rows(Timeframe(HOUR)) == 100
        assert source.reach(bitcoin("binance"), datetime.now(UTC)) is None


async def test_older_candles_of_kraken_are_built_from_its_trades() -> None:
    span = back("5m", 2000, 6)
    with RunningVenue(a_market("kraken")) as running:
        async with source_of(running) as source:
            found = await source.fetch(bitcoin("kraken", "5m"), span)
            candles, trades = running.calls("candles"), running.calls("public_trades")
        truth = running._at(lambda venue: venue.prices.trades("BTC/USD", span.start * 1000, span.end * 1000 - 1))

    assert (candles, trades) == (0, 1)  # a thousand trades
    assert (found.asked, times(found)) == (span, list(range(span.start, span.end, 300)))
    first = [t for t in truth if t.time_ms < (span.start + 300) * 1000]
    assert found.rows.iloc[0].tolist()[1:] == pytest.approx(
        [
            float(first[0].price),
            float(max(t.price for t in first)),
            float(min(t.price for t in first)),
            float(first[-1].price),
            float(sum(t.quantity for t in first)),
        ]
    )
    assert "Trades" in found.provenance


async def test_candles_from_trades_are_those_of_the_venue_where_both_are_there() -> None:
    span = back("1h", 6, 3)
    with RunningVenue(a_market("kraken")) as running:
        async with hub() as venues, source_of(running, venues) as source:
            direct = await source.fetch(bitcoin("kraken"), span)
            trades = TradeCandles(venues.public("kraken", running.url), impatient())
            asked, built = await trades.read(bitcoin("kraken"), span)

    assert asked == span
    assert [row[0] for row in built] == times(direct)
    assert [row[1] for row in built] == pytest.approx(direct.rows["open"].tolist(), rel=1e-3)


async def test_a_long_page_of_trades_ends_with_a_whole_candle_and_says_so() -> None:
    span = back("5m", 3000, 200)
    with RunningVenue(a_market("kraken")) as running:
        async with hub() as venues:
            trades = TradeCandles(venues.public("kraken", running.url), impatient(), most_pages=2)
            asked, rows = await trades.read(bitcoin("kraken", "5m"), span)
            rest, more = await trades.read(bitcoin("kraken", "5m"), Span(asked.end, span.end))

    assert span.start < asked.end < span.end
    assert [row[0] for row in (*rows, *more)] == list(range(span.start, rest.end, 300))


async def test_a_fault_in_the_middle_of_a_long_page_keeps_what_is_whole() -> None:
    span = back("5m", 3000, 200)
    fault = {"operation": "public_trades", "fault": "status", "skip": 2, "times": None}

    found = await fetched("kraken", span, "5m", fault)

    assert span.start < found.asked.end < span.end
    assert times(found) == list(range(span.start, found.asked.end, 300))


@pytest.mark.parametrize("fault", ["empty_result", "duplicated_rows", "shuffled_rows", "nan_row", "negative_row"])
async def test_trades_that_cannot_be_true_make_no_candle(fault: str) -> None:
    with pytest.raises(VenueUnavailable):
        await fetched(
            "kraken", back("5m", 2000, 6), "5m", {"operation": "public_trades", "fault": fault, "times": None}
        )


async def test_a_venue_whose_clock_is_ahead_has_its_own_unfinished_candle() -> None:
    ahead = a_world_ahead()
    with RunningVenue(ahead) as running:
        async with source_of(running) as source:
            found = await source.fetch(bitcoin("binance", "1m"), back("1m", 5, 125))

    now = datetime.now(UTC) + timedelta(hours=2)
    assert times(found)[-1] + 60 <= now.timestamp() < times(found)[-1] + 180


def a_world_ahead() -> Any:
    world = a_market("binance")
    return world.model_copy(update={"clock_skew_seconds": 7200})


async def test_a_refusal_for_the_rate_is_tried_again() -> None:
    found = await fetched("binance", back("1h", 30, 20), "1h", {"operation": "candles", "fault": "rate_limited"})

    assert len(found.rows) == 20
