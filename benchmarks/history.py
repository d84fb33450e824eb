"""Keep candles by Nija and by the bare driver, then look for gaps in all of them; one run, one store.

Both ways write the same frames into the same table of the same file or server, batch by batch, one commit a batch, in
turns: `executemany` (SQLite) or `copy_records_to_table` (PostgreSQL) of rows that lie ready, against contract, batch
row, upsert and absences from a frame as a source gives it. Making the rows is not counted for either. Then the gaps of
twice as many rows are looked for, complete and with 1,000 holes.

    python benchmarks/history.py [--rows 5000000] [--batch 50000] --store sqlite|postgresql

Seen with 1,000,000 rows on a machine of 2 processors that others kept busy (load 8 to 13, so only the shares tell
something): SQLite 67 % of the bare driver, 77 % over rows that are there; PostgreSQL 94 %, and 41 % over rows
that are there, which COPY could not write at all. Python held 9 to 13 MiB more while a batch of 50,000 was kept.
"""

import argparse
import asyncio
import os
import resource
import shutil
import sqlite3
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import text
from stores import Stores, postgres

from models.history import Fetched, Series, Span, Timeframe
from models.store.candles import keep_batch, series_of
from models.store.engine import Store
from models.store.gaps import coverage, gaps
from models.store.history_upserts import CANDLES
from validations.candles import judge_candles

STEP = 60
FIRST = 1_000_000_020 // STEP * STEP
NOW = datetime(2100, 1, 1, tzinfo=UTC)
HOLES = 1000
RAW, OURS = (Series(name, "BTC/USD", Timeframe(STEP)) for name in ("raw", "ours"))


@dataclass
class Measured:
    """What was seen: seconds by name, and rows by name."""

    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, seconds: float, rows: int) -> None:
        """Count."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.rows[name] = self.rows.get(name, 0) + rows

    def rate(self, name: str) -> float:
        """Return rows a second."""
        return self.rows[name] / self.seconds[name]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--batch", type=int, default=50_000)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nija-bench-"))
    load = os.getloadavg()
    try:
        with postgres(wanted=options.store == "postgresql") as server:
            measured, traced = asyncio.run(measure(options, Stores(folder, server)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(options, measured, traced, load)


async def measure(options: argparse.Namespace, stores: Stores) -> tuple[Measured, int]:
    """Write both ways in turn, then look for gaps."""
    url = await stores(options.store)
    measured = Measured()
    async with await Store.open(url) as store:
        number = await series_of(store, RAW)
        raw = await raw_writer(url)
        with bar() as progress:
            task = progress.add_task("rows", total=2 * options.rows)
            for start in range(0, options.rows, options.batch):
                frame = a_frame(start, min(options.batch, options.rows - start))
                rows = [(number, *row, 0) for row in frame.itertuples(index=False, name=None)]
                before = time.perf_counter()
                await raw(rows)
                measured.add("bare driver", time.perf_counter() - before, len(rows))
                del rows
                await ours(store, frame, measured)
                progress.advance(task, 2 * len(frame))
            await again(store, options, measured)
            traced = await memory(store, options)
            await double(store, url, options, progress)
        await look(store, options, measured)
    return measured, traced


async def ours(store: Store, frame: pd.DataFrame, measured: Measured) -> None:
    """Judge and keep a batch."""
    asked = Span(int(frame["time"].iloc[0]), int(frame["time"].iloc[-1]) + STEP)
    before = time.perf_counter()
    judged = judge_candles(OURS, asked, frame, now=NOW, before=None, second=None)
    between = time.perf_counter()
    await keep_batch(store, OURS, Fetched(OURS, asked, frame, "benchmark", NOW), judged)
    after = time.perf_counter()
    assert len(judged.accepted) == len(frame)
    measured.add("contract alone", between - before, len(frame))
    measured.add("upsert alone", after - between, len(frame))
    measured.add("validated upsert", after - before, len(frame))


async def again(store: Store, options: argparse.Namespace, measured: Measured) -> None:
    """Keep batches once more that are there, one row in a hundred with another number."""
    for start in range(0, min(options.rows, 10 * options.batch), options.batch):
        frame = a_frame(start, min(options.batch, options.rows - start))
        frame.loc[::100, "volume"] += 1
        inner = Measured()
        await ours(store, frame, inner)
        name = "validated upsert of rows that are there"
        measured.add(name, inner.seconds["validated upsert"], len(frame))


async def memory(store: Store, options: argparse.Namespace) -> int:
    """Return the bytes that Python holds at most while a batch is judged and kept, besides the frame itself."""
    frame = a_frame(options.rows, options.batch)
    tracemalloc.start()
    await ours(store, frame, Measured())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


async def double(store: Store, url: str, options: argparse.Namespace, progress: Progress) -> None:
    """Let our series have twice as many rows."""
    task = progress.add_task("as many again", total=options.rows)
    for start in range(options.rows + options.batch, 2 * options.rows, options.batch):
        await ours(store, a_frame(start, min(options.batch, 2 * options.rows - start)), Measured())
        progress.advance(task, options.batch)
    if not store.is_sqlite:  # what autovacuum does about a minute after so many rows came
        driver: Any = await asyncpg.connect(url)
        await driver.execute(f"VACUUM ANALYZE {CANDLES.table}")
        await driver.close()


async def look(store: Store, options: argparse.Namespace, measured: Measured) -> None:
    """Look for the gaps of all rows."""
    rows, number = 2 * options.rows, await series_of(store, OURS)
    span = Span(FIRST, FIRST + rows * STEP)
    gone: list[int] = []
    for holes in (0, HOLES):
        if holes:
            picked = sorted({int(n) for n in np.random.default_rng(1).integers(1, rows - 1, holes)})
            gone = [n for n, before in zip(picked, [-9, *picked], strict=False) if n - before > 1]
            await punch(store, number, gone)
        before = time.perf_counter()
        found = await gaps(store, OURS, span)
        measured.add(f"gap scan, {holes} holes", time.perf_counter() - before, rows)
        assert len(found) == len(gone), len(found)
    before = time.perf_counter()
    covered = await coverage(store, OURS)
    measured.add("coverage by day", time.perf_counter() - before, rows)
    assert covered.missing == len(gone)


async def punch(store: Store, number: int, gone: list[int]) -> None:
    """Take candles away."""
    delete = text(f"DELETE FROM {CANDLES.table} WHERE series_id = :series AND time = :time")  # noqa: S608 - our own names
    times = [{"series": number, "time": FIRST + n * STEP} for n in gone]
    await store.write(lambda connection: connection.execute(delete, times))


async def raw_writer(url: str) -> Callable[[list[tuple[Any, ...]]], Any]:
    """Return what writes rows by the bare driver, one commit a call."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")
        values = ", ".join("?" * len(CANDLES.columns))
        statement = f"INSERT INTO {CANDLES.table} VALUES ({values})"  # noqa: S608 - our own names

        async def write(rows: list[tuple[Any, ...]]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, rows)
            connection.execute("COMMIT")

        return write
    driver: Any = await asyncpg.connect(url)

    async def copy(rows: list[tuple[Any, ...]]) -> None:
        await driver.copy_records_to_table(CANDLES.table, records=rows, columns=CANDLES.columns)

    return copy


def a_frame(start: int, count: int) -> pd.DataFrame:
    """Return candles that hold their contract: a price that walks."""
    random = np.random.default_rng(start)
    close = 100 + np.cumsum(random.normal(0, 0.01, count)).clip(-50, 50)
    opened = np.concatenate([close[:1], close[:-1]])
    return pd.DataFrame(
        {
            "time": FIRST + STEP * np.arange(start, start + count, dtype=np.int64),
            "open": opened,
            "high": np.maximum(opened, close) + 0.01,
            "low": np.minimum(opened, close) - 0.01,
            "close": close,
            "volume": random.random(count) * 10,
        }
    )


def bar() -> Progress:
    """Return a progress bar."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn()
    )


def show(options: argparse.Namespace, measured: Measured, traced: int, load: tuple[float, float, float]) -> None:
    """Print the table."""
    table = Table(title=f"{options.store}, {options.rows:,} rows each way, batches of {options.batch:,}")
    for name in ("", "rows", "seconds", "rows a second", "of the bare driver"):
        table.add_column(name, justify="left" if not name else "right")
    bare = measured.rate("bare driver")
    for name, seconds in measured.seconds.items():
        rate = measured.rate(name)
        share = "" if "scan" in name or "coverage" in name else f"{rate / bare:.0%}"
        table.add_row(name, f"{measured.rows[name]:,}", f"{seconds:.2f}", f"{rate:,.0f}", share)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console = Console()
    console.print(table)
    console.print(
        f"Peak memory: process {peak:.0f} MiB; Python, while a batch is judged and kept: {traced / 2**20:.1f} MiB"
    )
    console.print(f"Load of the machine: before {load[0]:.1f}, after {os.getloadavg()[0]:.1f}")
    console.print(f"SQLite {sqlite3.sqlite_version}, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
