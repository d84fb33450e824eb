"""Finished backtests: kept, listed, and found by what an account's strategies are weighed by."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, null, or_, select

from models.backtest import Backtested, KeptBacktest
from models.store.backtest_tables import BACKTESTS
from models.store.engine import Store


async def keep_backtest(store: Store, kept: KeptBacktest) -> int:
    """Keep a finished backtest and return its number. Raises: StoreError."""
    row = {
        "tested": kept.tested.key,
        "strategy": kept.tested.strategy,
        "parameters": dict(kept.tested.parameters),
        "source": kept.tested.source,
        "symbol": kept.tested.symbol,
        "timeframe": kept.tested.timeframe,
        "measured_at": kept.measured_at,
        "since": kept.since,
        "until": kept.until,
        "bars": kept.bars,
        "settings": dict(kept.settings),
        "figures": dict(kept.figures),
        "verdict": kept.verdict,
        "points": kept.points,
        "trades": kept.trades,
        "equity": [list(pair) for pair in kept.equity],
    }
    added = insert(BACKTESTS).values(row).returning(BACKTESTS.c.backtest_id)
    return await store.write(lambda connection: int(connection.execute(added).scalar_one()))


async def backtests_of(
    store: Store, tested: Sequence[Backtested], *, since: datetime
) -> dict[str, tuple[KeptBacktest, ...]]:
    """Return the backtests of each by the key of `Backtested`, the newest first; without their curves.

    Those whose prices end before `since` are left out, but for the newest of all. Raises: StoreError.
    """
    keys = [one.key for one in tested]
    newest = select(func.max(BACKTESTS.c.backtest_id)).where(BACKTESTS.c.tested.in_(keys)).group_by(BACKTESTS.c.tested)
    columns = [column for column in BACKTESTS.c if column is not BACKTESTS.c.equity]
    wanted = (BACKTESTS.c.tested.in_(keys), or_(BACKTESTS.c.until >= since, BACKTESTS.c.backtest_id.in_(newest)))
    query = select(*columns, null().label("equity")).where(*wanted).order_by(BACKTESTS.c.backtest_id.desc())
    found: dict[str, tuple[KeptBacktest, ...]] = {}
    for row in await store.rows(query) if keys else ():
        found[row.tested] = (*found.get(row.tested, ()), _kept(row))
    return found


async def backtests(store: Store, *, limit: int, strategy: str | None = None) -> tuple[KeptBacktest, ...]:
    """Return backtests, the newest first. Raises: StoreError."""
    query = select(BACKTESTS).order_by(BACKTESTS.c.backtest_id.desc()).limit(limit)
    if strategy is not None:
        query = query.where(BACKTESTS.c.strategy == strategy)
    return tuple(_kept(row) for row in await store.rows(query))


async def backtest(store: Store, backtest_id: int) -> KeptBacktest | None:
    """Return one backtest; None: there is none of that number. Raises: StoreError."""
    rows = await store.rows(select(BACKTESTS).where(BACKTESTS.c.backtest_id == backtest_id))
    return _kept(rows[0]) if rows else None


def _kept(row: Row[Any]) -> KeptBacktest:
    return KeptBacktest(
        tested=Backtested(row.strategy, row.parameters, row.source, row.symbol, row.timeframe),
        measured_at=row.measured_at,
        since=row.since,
        until=row.until,
        bars=row.bars,
        settings=row.settings,
        figures=row.figures,
        verdict=row.verdict,
        points=row.points,
        trades=row.trades,
        equity=tuple((int(time), float(value)) for time, value in row.equity or ()),
        backtest_id=row.backtest_id,
    )
