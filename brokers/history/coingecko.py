"""CoinGecko: prices at instants, as the mean of many venues. They become candles without a body, and say so.

`/coins/{id}/market_chart/range` answers with points, no candles; `/coins/{id}/ohlc` has some, but on the free plan only
of 30 minutes, four hours and four days, without a volume and counted back from now, so they stand on no grid that could
be asked for again. So: open, high, low and close are the price of the point nearest to the candle's open time, within a
tolerance; between the grid's times nothing is made up. `volume` is what CoinGecko says there, and that is the volume of
the 24 hours before, in the currency of the price: never add it up. What such a candle says is known minutes after its
open time, so none looks ahead of its end.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from brokers.history.frames import bad_row, candle_frame, is_of_other_step, number, on_grid
from brokers.history.http import JsonApi, words_of
from brokers.hub import Venues
from brokers.limits import COINGECKO_DEMO_A_MINUTE, COINGECKO_PRO_A_MINUTE, Limits, per_minute
from models.errors import VenueError, VenueRefused
from models.history import Fetched, Series, Span, Timeframe, Why
from models.history_plan import COINGECKO
from models.policy import Policy
from models.settings import CoinGeckoPlan, HistorySettings

_ADDRESSES = {
    CoinGeckoPlan.DEMO: "https://api.coingecko.com/api/v3",
    CoinGeckoPlan.PRO: "https://pro-api.coingecko.com/api/v3",
}
_HEADERS = {CoinGeckoPlan.DEMO: "x-cg-demo-api-key", CoinGeckoPlan.PRO: "x-cg-pro-api-key"}

# How far apart points are: five minutes in the day before now, an hour in spans of up to 90 days, else a day
# (https://docs.coingecko.com/reference/coins-id-market-chart-range).
_FIVE_MINUTES, _HOUR, _DAY = 300, 3600, 86_400
_PAGE_DAYS = {_HOUR: 90, _DAY: 365}
_STEPS = (*(_FIVE_MINUTES * n for n in (1, 3, 6)), *(_HOUR * n for n in (1, 2, 3, 4, 6, 8, 12)), _DAY)
_TOLERANCE_SECONDS = 600.0  # an hourly point comes some minutes after the hour
_DEMO_KEEPS = timedelta(days=365)
_MARGIN = timedelta(minutes=10)  # what is just young enough now may be too old when it is asked for

# https://docs.coingecko.com/reference/common-errors-rate-limit; 10012 is not in that list: older than the plan serves.
_TOO_OLD = 10012
_KEY_ERRORS = {
    10002: ("AUTHENTICATION", "a key is asked for: set NIJA_COINGECKO_API_KEY"),
    10005: ("PERMISSION_DENIED", "not part of the plan"),
    10010: ("AUTHENTICATION", "the key is of the other plan: NIJA_COINGECKO_PLAN says which service is asked"),
    10011: ("AUTHENTICATION", "the key is of the other plan: NIJA_COINGECKO_PLAN says which service is asked"),
}
_BY_STATUS = {
    400: "BAD_REQUEST",
    401: "AUTHENTICATION",
    403: "PERMISSION_DENIED",
    404: "BAD_SYMBOL",
    422: "BAD_REQUEST",
}


class CoinGecko:
    """Prices by coin id and currency: `bitcoin/usd`."""

    name = COINGECKO

    def __init__(self, venues: Venues, policy: Policy, settings: HistorySettings, url: str | None) -> None:
        self._plan = settings.coingecko_plan
        self._clock = venues.clock
        key = None if settings.coingecko_api_key is None else settings.coingecko_api_key.get_secret_value()
        base = url or _ADDRESSES[self._plan]
        self._api = JsonApi(
            name=COINGECKO,
            base=base,
            session=venues.session,
            clock=venues.clock,
            timeout_seconds=venues.timeout_seconds,
            policy=policy,
            gate=self._gate(venues, settings, url),
            breaker=venues.history_breaker(COINGECKO, url),
            headers={} if key is None else {_HEADERS[self._plan]: key},
            reading=read_refusal,
        )

    def page_rows(self, timeframe: Timeframe) -> int:
        """Return what keeps the points dense enough: a day of minutes, 90 days of hours, 365 days.

        Raises: ValueError for what is no 5, 15 or 30 minutes, no part of a day in hours, and no day.
        """
        step = timeframe.seconds
        if step not in _STEPS:
            allowed = ", ".join(str(Timeframe(known)) for known in _STEPS)
            raise ValueError(f"coingecko has no prices each {timeframe} (allowed: {allowed})")
        if step < _HOUR:
            return _DAY // step
        return _PAGE_DAYS[_DAY if step == _DAY else _HOUR] * _DAY // step

    def reach(self, series: Series, now: datetime) -> int | None:
        """Return the oldest time there is: of minutes a day back; of the rest a year back with the demo plan."""
        bounds = []
        if series.timeframe.seconds < _HOUR:
            bounds.append(now - timedelta(days=1) + _MARGIN)
        if self._plan is CoinGeckoPlan.DEMO:
            bounds.append(now - _DEMO_KEEPS + _MARGIN)
        if not bounds:
            return None
        return -(-int(max(bounds).timestamp()) // series.timeframe.seconds) * series.timeframe.seconds

    async def fetch(self, series: Series, span: Span) -> Fetched:
        """Ask for the prices of a span; nothing older than `reach` is asked for.

        Raises: VenueUnavailable; VenueRefused: AUTHENTICATION, PERMISSION_DENIED, BAD_SYMBOL, BAD_REQUEST;
        ValueError as `page_rows`.
        """
        self.page_rows(series.timeframe)
        span, step = span.on(series.timeframe), series.timeframe.seconds
        coin, currency = series.symbol.split("/")
        bound = self.reach(series, self._clock.now())
        back_to = bound if bound is not None and bound > span.start else None
        begin = span.start if back_to is None else back_to
        if begin >= span.end:
            return self._fetched(series, span, ([], []), coin, back_to)
        tolerance = min(step / 2, _TOLERANCE_SECONDS)
        try:
            rows, bad = await self._api.get(
                "market_chart",
                f"/coins/{coin}/market_chart/range",
                {
                    "vs_currency": currency,
                    "from": str(int(begin - (0 if back_to else tolerance))),
                    "to": str(int(span.end - step + tolerance)),
                },
                lambda body: self._rows(body, series, step, tolerance),
            )
        except VenueRefused as refused:
            if refused.code != "TOO_OLD":
                raise
            kept = self._clock.now() - _DEMO_KEEPS + _MARGIN
            oldest = -(-int(kept.timestamp()) // step) * step
            if oldest <= span.start:
                raise  # it serves even less, and does not say how much
            asked = Span(span.start, min(span.end, oldest))  # what is younger was not answered for
            return self._fetched(series, asked, ([], []), coin, oldest)
        return self._fetched(series, span, (rows, bad), coin, back_to)

    def _rows(
        self, body: Any, series: Series, step: int, tolerance: float
    ) -> tuple[list[Sequence[Any]], list[tuple[str, Why]]]:
        """Read an answer. Raises: ValueError."""
        points, bad = read_points(body)
        on = on_grid(points, step, tolerance)
        if is_of_other_step((time for time, _ in on), step):
            raise ValueError(f"the points are further apart than {series.timeframe}")
        now = self._clock.now().timestamp()
        rows = [(time, price, price, price, price, volume) for time, (price, volume) in on]
        return [row for row in rows if not _is_unfinished(row[0], step, now)], bad

    def _fetched(
        self,
        series: Series,
        asked: Span,
        found: tuple[list[Sequence[Any]], list[tuple[str, Why]]],
        coin: str,
        back_to: int | None,
    ) -> Fetched:
        rows, bad = found
        where = f"points: {self._api.base}/coins/{coin}/market_chart/range"
        return Fetched(series, asked, candle_frame(rows), where, self._clock.now(), tuple(bad), back_to)

    def _gate(self, venues: Venues, settings: HistorySettings, url: str | None) -> Any:
        if venues.throttle is None:
            return None
        pro = self._plan is CoinGeckoPlan.PRO
        usual = COINGECKO_PRO_A_MINUTE if pro else COINGECKO_DEMO_A_MINUTE
        limits: Limits = per_minute(settings.coingecko_calls_per_minute or usual)
        return venues.throttle.gate("coingecko-pro" if pro else COINGECKO, url, None, limits)


def read_refusal(status: int, body: Any) -> VenueError | None:
    """Say what CoinGecko's errors mean, in any of their three shapes, whatever HTTP status they come with.

    `{"status": {"error_code"}}`, `{"error": {"status": {"error_code"}}}`, `{"error": "text"}`.
    """
    if not isinstance(body, dict):
        return None
    told = body.get("error") if isinstance(body.get("error"), dict) else body
    inner = told.get("status") if isinstance(told, dict) else None
    state: Mapping[str, Any] = inner if isinstance(inner, dict) else {}
    raw = state.get("error_code", body.get("error_code"))
    code = int(raw) if str(raw).isdigit() else None
    text = str(state.get("error_message") or words_of(body))[:200]
    if code == _TOO_OLD:
        return VenueRefused("TOO_OLD", COINGECKO, "market_chart", text or "older than the plan serves")
    if code is not None and code in _KEY_ERRORS:
        name, words = _KEY_ERRORS[code]
    elif status in _BY_STATUS:
        name, words = _BY_STATUS[status], text or f"HTTP {status}"
    else:
        return None
    return VenueRefused(name, COINGECKO, "market_chart", words)


def read_points(body: Any) -> tuple[list[tuple[Any, tuple[Any, Any]]], list[tuple[str, Why]]]:
    """Read points as (seconds, (price, volume)), in their order, and what is none. Raises: ValueError."""
    prices = body.get("prices") if isinstance(body, dict) else None
    volumes = body.get("total_volumes") if isinstance(body, dict) else None
    if not isinstance(prices, list) or not isinstance(volumes, list):
        raise ValueError("the answer has no prices")  # noqa: TRY004 - a bad answer
    at_time = {str(row[0]): row[1] for row in volumes if isinstance(row, list) and len(row) == 2}  # noqa: PLR2004
    points: list[tuple[Any, tuple[Any, Any]]] = []
    bad: list[tuple[str, Why]] = []
    for row in prices:
        if not isinstance(row, list) or len(row) != 2:  # noqa: PLR2004 - a time and a price
            bad.append(bad_row(row))
            continue
        at = number(row[0])
        at = at / 1000 if isinstance(at, float) else at
        points.append((at, (number(row[1]), number(at_time.get(str(row[0]))))))
    return points, bad


def _is_unfinished(time: Any, step: int, now: float) -> bool:
    return isinstance(time, int | float) and time <= now < time + step
