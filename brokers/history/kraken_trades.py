"""Kraken's candles older than its newest 720, built from what was traded: its public trades reach back to the listing.

https://docs.kraken.com/api/docs/rest-api/get-recent-trades: a thousand at a time from a cursor in nanoseconds on, which
every answer hands on as `last`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from brokers.hub import SharedVenue
from models.errors import VenueUnavailable
from models.history import Series, Span, utc
from models.policy import Policy

# Requests of one fetch, once it has a whole candle: a minute of what the venue allows, which is what a kill costs.
MOST_PAGES = 60
_NANO = 1_000_000_000
_AHEAD_SECONDS = 60  # clocks differ
_TRADE_PARTS = 7  # price, volume, time, side, kind, miscellaneous, id


@dataclass(frozen=True, slots=True)
class _Trade:
    at: float
    price: float
    quantity: float
    number: int


@dataclass(frozen=True, slots=True)
class TradeCandles:
    """Builds candles of one venue."""

    shared: SharedVenue
    policy: Policy
    most_pages: int = MOST_PAGES

    async def read(self, series: Series, span: Span) -> tuple[Span, list[list[Any]]]:
        """Return candles from the start of a span on, and for how much of it they speak: whole candles only.

        A candle is whole when a later one is known to have a trade. Where nobody traded there is no candle.
        Raises: VenueUnavailable, also where no trade after the first candle is known; VenueRefused. A fault that comes
        after the first whole candle ends the answer there.
        """
        step = series.timeframe.seconds
        rows: dict[int, list[Any]] = {}
        cursor, newest, until = span.start * _NANO - 1, -1, span.start
        pages = 0
        while until < span.end:
            try:
                trades, last = await self._page(series, cursor)
            except VenueUnavailable:
                if until <= span.start:
                    raise
                break  # what is whole is not thrown away; whoever asks on meets the fault
            fresh = [trade for trade in trades if trade.number > newest]
            add(rows, (trade for trade in fresh if span.start <= trade.at < span.end), step)
            if fresh:
                newest = fresh[-1].number
                until = min(span.end, int(fresh[-1].at) // step * step)
            if not fresh or last <= cursor:
                break  # nothing further: neither is the last candle known to be whole, nor what is after it empty
            cursor, pages = last, pages + 1
            if pages >= self.most_pages and until > span.start:
                break
        if until <= span.start:
            raise VenueUnavailable(
                "EMPTY_READ", "kraken", "public_trades", f"no trade is known after {utc(span.start)}"
            )
        asked = Span(span.start, until)
        return asked, [rows[time] for time in sorted(rows) if time < asked.end]

    async def _page(self, series: Series, cursor: int) -> tuple[list[_Trade], int]:
        async def ask(client: Any) -> tuple[list[_Trade], int]:
            market = client.market(series.symbol)
            answer = await client.publicGetTrades({"pair": market["id"], "since": str(cursor)})
            found = answer["result"]
            listed = [rows for name, rows in found.items() if name != "last"]
            if len(listed) != 1 or not isinstance(listed[0], list):
                raise ValueError("expected the trades of one pair")
            trades = read_trades(listed[0])
            if trades and trades[-1].at > self.shared.now().timestamp() + _AHEAD_SECONDS:
                raise ValueError("a trade is dated ahead")  # it would prove all times before it answered for
            return trades, int(found["last"])

        return await self.shared.history("public_trades", ask, self.policy)


def read_trades(rows: Iterable[Any]) -> list[_Trade]:
    """Read trades, oldest first. Raises: ValueError: one is malformed, or they are not in the order of their ids."""
    found: list[_Trade] = []
    for row in rows:
        if not isinstance(row, list) or len(row) < _TRADE_PARTS:
            raise ValueError("a trade has not its seven parts")
        trade = _Trade(at=float(row[2]), price=float(row[0]), quantity=float(row[1]), number=int(row[6]))
        if not (0 < trade.price < float("inf") and 0 <= trade.quantity < float("inf") and trade.at > 0):
            raise ValueError("a trade has a number that is none")
        if found and (trade.number <= found[-1].number or trade.at < found[-1].at):
            raise ValueError("the trades are out of order")
        found.append(trade)
    return found


def add(rows: dict[int, list[Any]], trades: Iterable[_Trade], step: int) -> None:
    """Put trades into the candles of their times: open, high, low, close, volume in base units."""
    for trade in trades:
        time = int(trade.at) // step * step
        row = rows.get(time)
        if row is None:
            rows[time] = [time, trade.price, trade.price, trade.price, trade.price, trade.quantity]
            continue
        row[2], row[3] = max(row[2], trade.price), min(row[3], trade.price)
        row[4] = trade.price
        row[5] += trade.quantity
