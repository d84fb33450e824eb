"""Candles of a ccxt venue, a page at a time, oldest first: what the venue sent, not what ccxt makes of it."""

from dataclasses import dataclass, replace
from typing import Any

import ccxt.async_support as ccxt

from brokers.client import last_answer
from brokers.history.frames import bad_row, candle_frame, number, seconds
from brokers.history.kraken_trades import TradeCandles
from brokers.history.manners import UNKNOWN_PAGE_ROWS, manners_of
from brokers.hub import SharedVenue
from brokers.venues import capabilities_of
from models.clock import Clock
from models.history import Fetched, Series, Span, Timeframe, Why
from models.policy import Policy

_LONGEST = 86_400  # weeks begin on a Monday or a Thursday, as the venue has it: longer ones stand on no common grid
_MARGIN = 5  # candles: what a venue keeps moves on while a call waits for its turn
Row = tuple[Any, list[Any] | None]


@dataclass(frozen=True, slots=True)
class _Page:
    """One answer. `goes_on`: the venue says that it has more for the span than it sent."""

    rows: list[Row]
    goes_on: bool = False


class VenueHistory:
    """One venue.

    A fetch is one request; with an empty answer of a venue that leaves out candles without a trade, two. Kraken serves
    its newest 720 so; older ones are built from trades, many requests each, and `Fetched.asked` may then end before the
    span does: ask on from there.
    """

    def __init__(self, venue: str, shared: SharedVenue, policy: Policy, clock: Clock) -> None:
        self.name = venue
        self._shared = shared
        self._policy = policy
        self._clock = clock
        self._manners = manners_of(venue)
        self._kept = capabilities_of(venue).candles_kept
        self._trades = TradeCandles(shared, policy) if venue == "kraken" else None
        self._known = sorted(Timeframe.parse(t).seconds for t in shared.timeframes() if t[-1] in "mhd")
        self._first: dict[tuple[str, int], int] = {}

    def page_rows(self, timeframe: Timeframe) -> int:
        """Return what the venue serves at once, 100 where nobody knows.

        Raises: ValueError: it has no such timeframe, or one longer than a day.
        """
        if timeframe.seconds not in self._known or timeframe.seconds > _LONGEST:
            allowed = ", ".join(str(Timeframe(s)) for s in self._known if s <= _LONGEST)
            raise ValueError(f"{self.name} has no candles of {timeframe} that can be kept (allowed: {allowed})")
        return capabilities_of(self.name).candles_per_page or UNKNOWN_PAGE_ROWS

    def reach(self, series: Series, now: Any) -> int | None:
        """Return the oldest candle that is kept, where the venue is known to keep so many and no trades serve."""
        if self._kept is None or self._trades is not None:
            return None
        step = series.timeframe.seconds
        return (int(now.timestamp()) // step - self._kept + 1) * step

    async def fetch(self, series: Series, span: Span) -> Fetched:
        """Ask for the candles of a span. Raises: VenueUnavailable, VenueRefused; ValueError as `page_rows`."""
        self.page_rows(series.timeframe)
        span = span.on(series.timeframe)
        step = series.timeframe.seconds
        await self._shared.load(self._policy)
        if self._trades is not None and self._kept is not None:
            oldest = (int(self._shared.now().timestamp()) // step - self._kept + _MARGIN) * step
            if span.start < oldest:
                return await self._from_trades(self._trades, series, replace(span, end=min(span.end, oldest)))
        page = await self._shared.history("candles", lambda client: self._ask(client, series, span), self._policy)
        rows, bad = self._sorted_out(page.rows, span, step)
        asked = span
        if page.goes_on and rows:
            asked = replace(span, end=max(span.start, min(span.end, int(rows[-1][0]) + step)))
        back_to = await self._reaches_back_to(series, span, rows)
        return self._fetched(series, asked, rows, "fetch_ohlcv", bad=tuple(bad), reaches_back_to=back_to)

    async def _from_trades(self, trades: TradeCandles, series: Series, span: Span) -> Fetched:
        asked, rows = await trades.read(series, span)
        return self._fetched(series, asked, rows, "candles from Trades")

    def _fetched(self, series: Series, asked: Span, rows: list[list[Any]], method: str, **known: Any) -> Fetched:
        where = f"{self.name} {method}" + (f" at {self._shared.address}" if self._shared.address else "")
        return Fetched(series, asked, candle_frame(rows), where, self._clock.now(), **known)

    async def _ask(self, client: Any, series: Series, span: Span) -> _Page:
        """Ask once, and once more where nothing came. Raises: ValueError for an answer that cannot be the truth."""
        step = series.timeframe.seconds
        market = client.market(series.symbol)
        page = await self._page(client, series, span)
        if not page.rows and not self._manners.is_flat:
            page = await self._page(client, series, span)
        if market.get("active") is not False and all(self._is_of_its_length(raw, step) for raw, _ in page.rows):
            self._check_end([row[0] for _, row in page.rows if row], span, step)
        return page

    async def _page(self, client: Any, series: Series, span: Span) -> _Page:
        params = dict(self._manners.until(span, series.timeframe.seconds))
        limit = max(1, span.steps(series.timeframe))
        rows = await client.fetch_ohlcv(series.symbol, str(series.timeframe), span.start * 1000, limit, params)
        return _Page(rows, goes_on='"next_page_token":"' in (last_answer().body or "").replace(" ", ""))

    def _is_of_its_length(self, raw: Any, step: int) -> bool:
        """Whether a row ends where a candle of the timeframe does, as far as the venue tells its end."""
        at = self._manners.close_at
        if at is None or not isinstance(raw, list) or len(raw) <= at:
            return True
        begin, end = number(raw[0]), number(raw[at])
        if not isinstance(begin, float) or not isinstance(end, float) or begin > self._shared.now().timestamp() * 1000:
            return True  # the contract sees what is wrong with it
        return end - begin == step * 1000 - 1

    def _check_end(self, times: list[Any], span: Span, step: int) -> None:
        """Refuse an answer that stops early where the venue would have gone on to the present."""
        if not self._manners.runs_on:
            return
        numbers = [t for t in (seconds(raw) for raw in times) if isinstance(t, int | float)]
        now = self._shared.now().timestamp()
        newest = max(numbers, default=span.start - step)
        if newest + step < span.end and newest + 2 * step <= now:
            raise ValueError("the candles stop early")

    def _sorted_out(self, rows: list[Row], span: Span, step: int) -> tuple[list[list[Any]], list[tuple[str, Why]]]:
        """Leave out the unfinished candle, and what the venue is documented to send beside the span."""
        now = self._shared.now().timestamp()
        kept: list[list[Any]] = []
        bad: list[tuple[str, Why]] = []
        for raw, parsed in reversed(rows) if self._manners.newest_first else rows:
            is_candle = parsed is not None and len(parsed) >= 6  # noqa: PLR2004 - a time and five numbers
            if not is_candle or parsed is None or not self._is_of_its_length(raw, step):
                bad.append(bad_row(raw))
                continue
            time = seconds(parsed[0])
            if isinstance(time, int | float) and time <= now:
                is_beside = self._manners.runs_on and not span.start <= time < span.end
                if is_beside or now < time + step:
                    continue
            kept.append([time, *(number(value) for value in parsed[1:6])])
        return kept, bad

    async def _reaches_back_to(self, series: Series, span: Span, rows: list[list[Any]]) -> int | None:
        """Return when the venue's candles begin, where that is after the beginning of the span."""
        if rows and rows[0][0] == span.start:
            return None
        first = await self._shared.history("listing", lambda client: self._listed(client, series), self._policy)
        return first if first is not None and first > span.start else None

    async def _listed(self, client: Any, series: Series) -> int | None:
        key = series.symbol, series.timeframe.seconds
        if self._manners.tells_listing:
            created = seconds(client.market(series.symbol).get("created"))
            return None if not isinstance(created, int | float) else int(created)
        if not self._manners.probes_listing:
            return None
        if key not in self._first:
            rows = await client.fetch_ohlcv(series.symbol, str(series.timeframe), 1, 1)
            time = seconds(rows[0][1][0]) if rows and rows[0][1] else None
            if not isinstance(time, int) or not 0 < time <= self._shared.now().timestamp():
                raise ccxt.BadResponse("the first candle has no time")
            self._first[key] = time
        return self._first[key]
