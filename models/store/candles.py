"""Keep what a source answered, whole or not at all: its candles, what is rejected of it, what it says is absent."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

import numpy as np
import pandas as pd
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from models.history import Absence, Fetched, Judged, Series, Span, Timeframe
from models.store.absences import note_within
from models.store.engine import Store
from models.store.history_tables import HistoryBatch, PriceSeries
from models.store.history_upserts import shape_of, upsert_postgres, upsert_sqlite
from models.store.quarantine_rows import quarantine_within

PAGE_ROWS = 50_000  # of what is read at once

_SERIES = PriceSeries.metadata.tables["price_series"]
_BATCHES = HistoryBatch.metadata.tables["history_batches"]


async def series_of(store: Store, series: Series) -> int:
    """Return the number of a series, a new one where it has none. Raises: StoreError."""
    return await store.write(lambda connection: series_within(store, connection, series))


async def known_series(store: Store) -> tuple[tuple[int, Series], ...]:
    """Return every series of the store with its number, in the order of their names. Raises: StoreError."""
    rows = await store.rows(select(_SERIES).order_by(_SERIES.c.source, _SERIES.c.symbol, _SERIES.c.step_seconds))
    return tuple((row.series_id, Series(row.source, row.symbol, Timeframe(row.step_seconds))) for row in rows)


async def keep_batch(
    store: Store,
    series: Series,
    fetched: Fetched,
    judged: Judged,
    absences: Iterable[tuple[Span, Absence]] = (),
) -> int:
    """Keep an answer in one transaction and return its number; kept twice, it changes no candle.

    An outage within what was asked is over, unless it stands in `absences`. At most some 100,000 rows at once: other
    writers of SQLite wait meanwhile. Raises: StoreError.
    """
    found = tuple(absences)
    if store.is_sqlite:

        def work(connection: Connection) -> int:
            series_id, batch_id = enter_within(
                store, connection, series, fetched=fetched, judged=judged, absences=found
            )
            upsert_sqlite(connection, series_id, judged.accepted, batch_id)
            return batch_id

        return await store.write(work)
    async with store.writing() as connection:
        series_id, batch_id = await connection.run_sync(
            lambda within: enter_within(store, within, series, fetched=fetched, judged=judged, absences=found)
        )
        await upsert_postgres(connection, series_id, judged.accepted, batch_id)
        return batch_id


async def upsert_frame(store: Store, series_id: int, frame: pd.DataFrame, batch_id: int) -> int:
    """Write a frame of COLUMNS (or POINT_COLUMNS): on the grid, finite, no time twice. Return what is new or changed.

    Raises: StoreError.
    """
    if store.is_sqlite:
        return await store.write(lambda connection: upsert_sqlite(connection, series_id, frame, batch_id))
    async with store.writing() as connection:
        await connection.run_sync(lambda within: store.queue(within, _turn(series_id)))
        return await upsert_postgres(connection, series_id, frame, batch_id)


async def candles(store: Store, series: Series, span: Span) -> pd.DataFrame:
    """Return what is stored of a span: COLUMNS (POINT_COLUMNS of Polymarket), by time. Raises: StoreError."""
    pages = [page async for page in candle_pages(store, series, span)]
    return pd.concat(pages, ignore_index=True) if pages else _frame(series, [])


async def candle_pages(store: Store, series: Series, span: Span, rows: int = PAGE_ROWS) -> AsyncIterator[pd.DataFrame]:
    """Yield the same in frames of at most `rows` rows, none of them empty. Raises: StoreError."""
    shape, start = shape_of(series), span.start
    query = text(
        f"SELECT {', '.join(shape.frame_columns)} FROM {shape.table} WHERE series_id = :series"  # noqa: S608 - our own names
        " AND time >= :start AND time < :end ORDER BY time LIMIT :rows"
    )

    def look(connection: Connection) -> pd.DataFrame:
        series_id = number_of(connection, series)
        if series_id is None:
            return _frame(series, [])
        asked = {"series": series_id, "start": start, "end": span.end, "rows": rows}
        return _frame(series, [tuple(row) for row in connection.execute(query, asked)])

    while True:
        page = await store.read(look)
        if page.empty:
            return
        yield page
        start = int(page["time"].iloc[-1]) + 1
        if len(page) < rows:
            return


def number_of(connection: Connection, series: Series) -> int | None:
    """Return the number of a series; None: nothing was ever kept of it."""
    named = (
        _SERIES.c.source == series.source,
        _SERIES.c.symbol == series.symbol,
        _SERIES.c.timeframe == str(series.timeframe),
    )
    return cast("int | None", connection.execute(select(_SERIES.c.series_id).where(*named)).scalar())


def series_within(store: Store, connection: Connection, series: Series) -> int:
    """Return the number of a series, a new one where it has none, in the running transaction."""
    found = number_of(connection, series)
    if found is None:
        new = {
            "source": series.source,
            "symbol": series.symbol,
            "timeframe": str(series.timeframe),
            "step_seconds": series.timeframe.seconds,
        }
        add = (sqlite.insert if store.is_sqlite else postgresql.insert)(_SERIES).values(new)
        connection.execute(add.on_conflict_do_nothing())  # another process may have been first
        found = number_of(connection, series)
    return cast("int", found)


def enter_within(
    store: Store,
    connection: Connection,
    series: Series,
    *,
    fetched: Fetched,
    judged: Judged,
    absences: Iterable[tuple[Span, Absence]],
) -> tuple[int, int]:
    """Write all of an answer but its candles; return the numbers of its series and of the batch."""
    series_id = series_within(store, connection, series)
    store.queue(connection, _turn(series_id))
    received = {"accepted": len(judged.accepted), "rejected": len(judged.rejected)}
    batch = {
        "series_id": series_id,
        "provenance": fetched.provenance,
        "asked_from": fetched.asked.start,
        "asked_to": fetched.asked.end,
        "fetched_at": fetched.fetched_at,
        "received": sum(received.values()),
        **received,
    }
    batch_id = cast("int", connection.execute(insert(_BATCHES).values(batch).returning(_BATCHES.c.batch_id)).scalar())
    quarantine_within(connection, series_id, batch_id, judged.rejected, now=fetched.fetched_at)
    note_within(
        connection,
        series_id,
        series,
        absences,
        answered=fetched.asked,
        there=judged.accepted["time"].to_numpy(np.int64),
        now=fetched.fetched_at,
    )
    return series_id, batch_id


def _turn(series_id: int) -> str:
    return f"history of series {series_id}"


def _frame(series: Series, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows as a frame; a time has 53 bits in a float, which is enough for seconds."""
    columns = shape_of(series).frame_columns
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))
    frame = {name: table[:, number].copy() for number, name in enumerate(columns)}
    return pd.DataFrame(frame | {"time": table[:, 0].astype(np.int64)})
