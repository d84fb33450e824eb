"""What was rejected and waits for a person: look at it, release a row into the history, or let it go.

A row is never lost: what became of it, who said so and why stands with it and among the decisions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, select, update

from models.history import Fetched, Judged, Series, Span, Timeframe, Why, utc
from models.store.candles import enter_within
from models.store.decisions import Decision, record
from models.store.engine import AlsoOf, Store, nothing_else_of
from models.store.history_tables import HistoryBatch, HistoryQuarantine, PriceSeries
from models.store.history_upserts import Shape, shape_of, upsert_postgres, upsert_sqlite

_QUARANTINE = HistoryQuarantine.metadata.tables["history_quarantine"]
_SERIES = PriceSeries.metadata.tables["price_series"]
_BATCHES = HistoryBatch.metadata.tables["history_batches"]

RELEASED, DROPPED = "released", "dropped"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that broke its contract. `time`: seconds since 1970; None: it has none. `decision` None: nobody decided."""

    row_id: int
    series: Series
    time: int | None
    row: Mapping[str, Any]
    why: tuple[Why, ...]
    provenance: str
    rejected_at: datetime
    decision: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Undecidable:
    """A row that was left as it is, and why: nobody has it, it was decided before, or it is no candle at all."""

    row_id: int
    why: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of the rows that were named."""

    done: tuple[int, ...]
    left: tuple[Undecidable, ...]


async def quarantined(
    store: Store, series: Series | None = None, *, waiting: bool = True, limit: int = 200
) -> tuple[Quarantined, ...]:
    """Return rejected rows, newest first; `waiting`: only those that nobody decided about. Raises: StoreError."""
    query = _query().order_by(_QUARANTINE.c.row_id.desc()).limit(limit)
    if waiting:
        query = query.where(_QUARANTINE.c.decision.is_(None))
    if series is not None:
        query = query.where(
            _SERIES.c.source == series.source,
            _SERIES.c.symbol == series.symbol,
            _SERIES.c.timeframe == str(series.timeframe),
        )
    return tuple(map(_quarantined, await store.rows(query)))


async def release(
    store: Store, row_ids: Sequence[int], *, by: str, reason: str, now: datetime, also: AlsoOf = nothing_else_of
) -> Decided:
    """Let rows into the history after all, in the place of what stands there; each is a batch of its own.

    Left as it is: what has no finite numbers, no time on the grid or in the past, or lows above highs.
    Raises: StoreError.
    """
    done: list[int] = []
    left: list[Undecidable] = []
    for row_id in dict.fromkeys(row_ids):
        why = await _release(store, row_id, by=by, reason=reason, now=now, also=also)
        if why is None:
            done.append(row_id)
        else:
            left.append(Undecidable(row_id, why))
    return Decided(tuple(done), tuple(left))


async def drop(
    store: Store, row_ids: Sequence[int], *, by: str, reason: str, now: datetime, also: AlsoOf = nothing_else_of
) -> Decided:
    """Let rows go: they stay where they are, decided. Raises: StoreError."""

    def work(connection: Connection) -> Decided:
        done: list[int] = []
        left: list[Undecidable] = []
        for row_id in dict.fromkeys(row_ids):
            found = _claim(connection, row_id, DROPPED, by=by, reason=reason, now=now)
            if isinstance(found, str):
                left.append(Undecidable(row_id, found))
            else:
                also(connection, row_id)
                done.append(row_id)
        return Decided(tuple(done), tuple(left))

    return await store.write(work)


async def _release(store: Store, row_id: int, *, by: str, reason: str, now: datetime, also: AlsoOf) -> str | None:
    """Release one row; return why it was not."""

    def enter(connection: Connection) -> str | tuple[int, int, pd.DataFrame]:
        row = connection.execute(_query().where(_QUARANTINE.c.row_id == row_id)).one_or_none()
        if row is None:
            return "there is no such row"
        found = _quarantined(row)
        shape = shape_of(found.series)
        problem = _problem(found, shape, now)
        if problem is not None:
            return problem
        claimed = _claim(connection, row_id, RELEASED, by=by, reason=reason, now=now)
        if isinstance(claimed, str):
            return claimed
        also(connection, row_id)
        columns = shape.frame_columns
        frame = pd.DataFrame({name: [found.row[name]] for name in columns}).astype(dict.fromkeys(columns, "float64"))
        frame["time"] = frame["time"].astype("int64")
        time = int(frame["time"].iloc[0])
        asked = Span(time, time + found.series.timeframe.seconds)
        fetched = Fetched(found.series, asked, frame, f"{found.provenance}, released by {by}", now)
        numbers = enter_within(store, connection, found.series, fetched=fetched, judged=Judged(frame, ()), absences=())
        return *numbers, frame

    if store.is_sqlite:

        def work(connection: Connection) -> str | None:
            entered = enter(connection)
            if isinstance(entered, str):
                return entered
            series_id, batch_id, frame = entered
            upsert_sqlite(connection, series_id, frame, batch_id)
            return None

        return await store.write(work)
    async with store.writing() as connection:
        entered = await connection.run_sync(enter)
        if isinstance(entered, str):
            return entered
        series_id, batch_id, frame = entered
        await upsert_postgres(connection, series_id, frame, batch_id)
        return None


def _claim(
    connection: Connection, row_id: int, decision: str, *, by: str, reason: str, now: datetime
) -> Quarantined | str:
    """Note a decision about a row that waits for one; return the row, or why it cannot be decided about."""
    row = connection.execute(_query().where(_QUARANTINE.c.row_id == row_id)).one_or_none()
    if row is None:
        return "there is no such row"
    waiting = update(_QUARANTINE).where(_QUARANTINE.c.row_id == row_id, _QUARANTINE.c.decision.is_(None))
    noted = {"decision": decision, "decided_by": by, "decided_at": now, "reason": reason}
    if not connection.execute(waiting.values(noted)).rowcount:
        return f"was {row.decision} by {row.decided_by}"
    found = _quarantined(row)
    when = "" if found.time is None else f" of {utc(found.time):%Y-%m-%d %H:%M}"
    verb = "release" if decision == RELEASED else "drop"
    record(connection, Decision("*", f"{verb} history row {row_id}: {found.series}{when}", by, reason, now))
    return found


def _problem(found: Quarantined, shape: Shape, now: datetime) -> str | None:
    """Say why a row is no candle, whoever wants it to be one."""
    for name in shape.frame_columns:
        value = found.row.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"its {name} is no number"
    time, step = found.row["time"], found.series.timeframe.seconds
    if time % step:
        return f"its time is not on the grid of {found.series.timeframe}"
    if time + step > now.timestamp():
        return "its time is not over yet"
    return _wrong_price(found.row) if "price" in shape.numbers else _wrong_candle(found.row)


def _wrong_price(row: Mapping[str, Any]) -> str | None:
    return None if 0 <= row["price"] <= 1 else "its price is no probability"


def _wrong_candle(row: Mapping[str, Any]) -> str | None:
    prices = [row[name] for name in ("open", "high", "low", "close")]
    if min(prices) <= 0 or row["volume"] < 0:
        return "a price of zero or less, or a volume below zero"
    if row["low"] > min(prices) or row["high"] < max(prices):
        return "its low or its high is not the outermost price"
    return None


def _query() -> Any:
    joined = _QUARANTINE.join(_SERIES, _SERIES.c.series_id == _QUARANTINE.c.series_id)
    joined = joined.outerjoin(_BATCHES, _BATCHES.c.batch_id == _QUARANTINE.c.batch_id)
    return select(
        _QUARANTINE, _SERIES.c.source, _SERIES.c.symbol, _SERIES.c.step_seconds, _BATCHES.c.provenance
    ).select_from(joined)


def _quarantined(row: Row[Any]) -> Quarantined:
    return Quarantined(
        row_id=row.row_id,
        series=Series(row.source, row.symbol, Timeframe(row.step_seconds)),
        time=row.time,
        row=row.row,
        why=tuple(map(Why, row.reasons)),
        provenance=row.provenance or "",
        rejected_at=row.rejected_at,
        decision=row.decision,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
    )
