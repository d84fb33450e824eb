"""Polymarket: what an outcome's share cost, which is its probability; and which markets and outcomes there are.

Markets come from Gamma (https://docs.polymarket.com/api-reference/markets/list-markets), prices from the CLOB
(https://docs.polymarket.com/api-reference/markets/get-prices-history).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from brokers.history.frames import bad_row, is_of_other_step, number, on_grid, point_frame
from brokers.history.http import JsonApi
from brokers.hub import Venues
from models.errors import VenueRefused
from models.history import Fetched, Series, Span, Timeframe, Why
from models.history_plan import POLYMARKET
from models.policy import Policy
from models.store.history_tables import PolymarketMarket

_GAMMA, _CLOB = "https://gamma-api.polymarket.com", "https://clob.polymarket.com"
_LONGEST_SECONDS = 15 * 86_400  # a longer span is refused
# A resolved market answers with nothing at a finer fidelity: https://github.com/Polymarket/py-clob-client/issues/216
_RESOLVED_STEP = 12 * 3600
_MINUTE, _DAY = 60, 86_400
_STEPS = tuple(_MINUTE * n for n in (1, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440))
_TOLERANCE_SECONDS = 600.0
_PAGE = 100  # markets


class Polymarket:
    """Prices by CLOB token id, the nearest one to each time of the grid; nothing is made up between them."""

    name = POLYMARKET

    def __init__(self, venues: Venues, policy: Policy, url: str | None) -> None:
        self._clock = venues.clock
        self._markets: dict[str, PolymarketMarket] = {}
        self._gamma, self._clob = (
            JsonApi(
                name=POLYMARKET,
                base=url or address,
                session=venues.session,
                clock=venues.clock,
                timeout_seconds=venues.timeout_seconds,
                policy=policy,
                gate=None if venues.throttle is None else venues.throttle.gate(POLYMARKET, url, None),
                breaker=venues.history_breaker(POLYMARKET, url),
            )
            for address in (_GAMMA, _CLOB)
        )

    def page_rows(self, timeframe: Timeframe) -> int:
        """Return fifteen days of them. Raises: ValueError for what is no even part of a day from a minute on."""
        if timeframe.seconds not in _STEPS:
            allowed = ", ".join(str(Timeframe(step)) for step in _STEPS)
            raise ValueError(f"polymarket has no prices each {timeframe} (allowed: {allowed})")
        # The tolerance on both sides belongs to the span that is asked for.
        return max(1, (_LONGEST_SECONDS - 2 * _MINUTE * 10) // timeframe.seconds)

    def reach(self, series: Series, now: datetime) -> int | None:  # noqa: ARG002 - it is not known
        """Return None: Polymarket does not say how far back it goes."""
        return None

    async def fetch(self, series: Series, span: Span) -> Fetched:
        """Ask for the prices of a span, a frame of POINT_COLUMNS.

        Raises: VenueUnavailable; VenueRefused: BAD_SYMBOL for a token that Gamma does not list; BAD_REQUEST for a
        timeframe below 12 hours of a market that is resolved; ValueError as `page_rows`.
        """
        self.page_rows(series.timeframe)
        span, step = span.on(series.timeframe), series.timeframe.seconds
        market = await self.outcome(series.symbol)
        if market.is_closed and step < _RESOLVED_STEP:
            raise VenueRefused(
                "BAD_REQUEST",
                POLYMARKET,
                "prices_history",
                f"{market.slug} is resolved, and of such markets prices are kept each 12 hours: collect 12h or 1d",
            )
        tolerance = min(step / 2, _TOLERANCE_SECONDS)
        params = {
            "market": series.symbol,
            "startTs": str(int(span.start - tolerance)),
            "endTs": str(int(span.end - step + tolerance)),
            "fidelity": str(_RESOLVED_STEP // _MINUTE if market.is_closed else step // _MINUTE),
        }
        rows, bad = await self._clob.get(
            "prices_history", "/prices-history", params, lambda body: read_rows(body, series.timeframe, tolerance)
        )
        where = f"points: {self._clob.base}/prices-history"
        return Fetched(series, span, point_frame(rows), where, self._clock.now(), tuple(bad))

    async def outcome(self, token_id: str) -> PolymarketMarket:
        """Return the outcome that is traded as a token; an open one is asked for anew in every run.

        Raises: VenueUnavailable, VenueRefused: BAD_SYMBOL.
        """
        if token_id not in self._markets:
            # Gamma leaves closed markets out unless they are asked for.
            for closed in ("false", "true"):
                found = await self._listed({"clob_token_ids": token_id, "closed": closed, "limit": "1"})
                self._markets |= {row.token_id: row for row in found}
                if token_id in self._markets:
                    break
            else:
                raise VenueRefused("BAD_SYMBOL", POLYMARKET, "markets", f"no market has the token {token_id}")
        return self._markets[token_id]

    async def markets(self, *, closed: bool, offset: int = 0, limit: int = _PAGE) -> tuple[PolymarketMarket, ...]:
        """Return the outcomes of a page of markets, 100 at most; none: the list is over.

        Raises: VenueUnavailable, VenueRefused.
        """
        wanted = {"closed": "true" if closed else "false", "limit": str(min(limit, _PAGE)), "offset": str(offset)}
        return await self._listed(wanted)

    async def _listed(self, params: Mapping[str, str]) -> tuple[PolymarketMarket, ...]:
        seen_at = self._clock.now()
        return await self._gamma.get("markets", "/markets", params, lambda body: read_markets(body, seen_at))


def read_markets(body: Any, seen_at: datetime) -> tuple[PolymarketMarket, ...]:
    """Read a page of markets. Raises: ValueError."""
    if not isinstance(body, list):
        raise ValueError("the answer is no list of markets")  # noqa: TRY004 - a bad answer
    try:
        return tuple(row for raw in body for row in outcomes_of(raw, seen_at))
    except (TypeError, KeyError, AttributeError):
        raise ValueError("a market cannot be read") from None


def read_rows(body: Any, timeframe: Timeframe, tolerance: float) -> tuple[list[Sequence[Any]], list[tuple[str, Why]]]:
    """Read prices on the grid. Raises: ValueError."""
    points, bad = read_history(body)
    on = on_grid(points, timeframe.seconds, tolerance)
    if is_of_other_step((time for time, _ in on), timeframe.seconds):
        raise ValueError(f"the points are further apart than {timeframe}")
    return [(time, *values) for time, values in on], bad


def outcomes_of(raw: Mapping[str, Any], seen_at: datetime) -> list[PolymarketMarket]:
    """Return a row for each outcome of a market of Gamma's. None: it was never in the order book.

    Raises: ValueError, TypeError, KeyError for what is no market.
    """
    tokens, names = _texts(raw.get("clobTokenIds")), _texts(raw.get("outcomes"))
    prices = _texts(raw.get("outcomePrices"))
    if not tokens:
        return []
    if len(tokens) != len(names):
        raise ValueError("there are not as many outcomes as tokens")
    closed = raw["closed"]
    if not isinstance(closed, bool):
        raise ValueError("a market is closed or it is not")  # noqa: TRY004 - a bad value
    is_resolved = closed and len(prices) == len(tokens)
    return [
        PolymarketMarket(
            token_id=token,
            condition_id=str(raw["conditionId"]),
            slug=str(raw["slug"]),
            question=str(raw["question"]),
            outcome=name,
            is_closed=closed,
            resolved_price=_price(prices[place]) if is_resolved else None,
            ends_at=_instant(raw.get("endDate")),
            seen_at=seen_at,
        )
        for place, (token, name) in enumerate(zip(tokens, names, strict=True))
    ]


def read_history(body: Any) -> tuple[list[tuple[Any, tuple[Any]]], list[tuple[str, Why]]]:
    """Read points as (seconds, (price,)), in their order, and what is none. Raises: ValueError."""
    history = body.get("history") if isinstance(body, dict) else None
    if not isinstance(history, list):
        raise ValueError("the answer has no history")  # noqa: TRY004 - a bad answer
    points: list[tuple[Any, tuple[Any]]] = []
    bad: list[tuple[str, Why]] = []
    for row in history:
        if not isinstance(row, dict) or "t" not in row or "p" not in row:
            bad.append(bad_row(row))
            continue
        points.append((number(row["t"]), (number(row["p"]),)))
    return points, bad


def _texts(raw: Any) -> list[str]:
    """Return a list that stands as JSON inside of a string; empty where there is none. Raises: ValueError."""
    found = json.loads(raw) if isinstance(raw, str) and raw else raw or []
    if not isinstance(found, list):
        raise ValueError("expected a list")  # noqa: TRY004 - a bad value
    return [str(item) for item in found]


def _price(raw: str) -> float:
    price = float(raw)
    if not 0 <= price <= 1:
        raise ValueError("a probability is from 0 to 1")
    return price


def _instant(raw: Any) -> datetime | None:
    if not raw:
        return None
    at = datetime.fromisoformat(str(raw))
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
