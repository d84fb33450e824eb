"""Sums over everything that ever happened: how long runs took, what came of orders, when each account was planned last.

They read whole tables, which grow for years: whoever wants them often keeps the answer for a while.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, extract, func, literal_column, select

from models.reasons import FINAL_STATES, OrderState
from models.store.engine import Store
from models.store.tables import COUNTERS, ORDERS, PLANS, RUNS


@dataclass(frozen=True, slots=True)
class Durations:
    """The finished runs of a pipeline in one mode: how many took at most so many seconds, one count a bound asked for.

    `runs` counts all of them, `seconds` is their sum. A run whose process died ends when somebody noticed.
    """

    pipeline: str
    mode: str
    at_most: tuple[int, ...]
    runs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class OrderCount:
    """How many orders of one kind came to one end in an account."""

    account: str
    kind: str
    state: OrderState
    times: int


@dataclass(frozen=True, slots=True)
class History:
    """All of it. `counted`: what happened how often, by name. `planned`: when each account was planned last."""

    durations: tuple[Durations, ...] = ()
    orders: tuple[OrderCount, ...] = ()
    counted: dict[str, int] | None = None
    planned: dict[str, datetime] | None = None


async def history(store: Store, bounds: Sequence[float]) -> History:
    """Read it; `bounds` in seconds: multiples of half a second, the lowest first. Raises: StoreError."""

    def look(connection: Connection) -> History:
        counted = select(COUNTERS.c.name, func.sum(COUNTERS.c.times).label("times")).group_by(COUNTERS.c.name)
        return History(
            durations=_durations(store, connection, bounds),
            orders=_orders(connection),
            counted={row.name: int(row.times) for row in connection.execute(counted)},
            planned={row.account: row.at for row in connection.execute(_planned(store))},
        )

    return await store.read(look)


def _durations(store: Store, connection: Connection, bounds: Sequence[float]) -> tuple[Durations, ...]:
    """Count by half seconds, because that works the duration of a run out once and not for every bound."""
    took = _seconds(store)
    halves = took * 2 - 0.0001  # what took exactly as long as a bound is within it
    upper = cast(halves, Integer) if store.is_sqlite else func.floor(halves)  # SQLite may have no floor
    by = (RUNS.c.pipeline, RUNS.c.mode, upper)
    query = select(*by, func.count(), func.sum(took)).where(RUNS.c.finished_at.is_not(None)).group_by(*by)
    found: dict[tuple[str, str], list[tuple[float, int, float]]] = {}
    for pipeline, mode, half, runs, seconds in connection.execute(query):
        found.setdefault((pipeline, mode), []).append(((int(half) + 1) / 2, int(runs), float(seconds)))
    return tuple(
        Durations(
            pipeline,
            mode,
            at_most=tuple(sum(runs for upper, runs, _ in counts if upper <= bound) for bound in bounds),
            runs=sum(runs for _, runs, _ in counts),
            seconds=round(sum(seconds for *_, seconds in counts), 3),
        )
        for (pipeline, mode), counts in sorted(found.items())
    )


def _seconds(store: Store) -> ColumnElement[Any]:
    """Return how long a run took. A clock that was set back makes no run shorter than nothing."""
    if not store.is_sqlite:
        return func.greatest(extract("epoch", RUNS.c.finished_at - RUNS.c.started_at), 0.0)
    days = func.julianday(RUNS.c.finished_at) - func.julianday(RUNS.c.started_at)  # exact to some 40 microseconds
    return func.max(days * 86_400.0, 0.0)


def _planned(store: Store) -> Select[Any]:
    """Return the query for each account's newest plan. In SQLite the newest row tells it, which an index finds."""
    if not store.is_sqlite:
        return select(PLANS.c.account, func.max(PLANS.c.made_at).label("at")).group_by(PLANS.c.account)
    row: ColumnElement[int] = literal_column("plans.rowid")
    newest = select(func.max(row)).select_from(PLANS).group_by(PLANS.c.account)
    return select(PLANS.c.account, PLANS.c.made_at.label("at")).where(row.in_(newest))


def _orders(connection: Connection) -> tuple[OrderCount, ...]:
    by = (ORDERS.c.account, ORDERS.c.kind, ORDERS.c.state)
    query = select(*by, func.count().label("times")).group_by(*by).order_by(*by)
    ended = query.where(ORDERS.c.state.in_([state.value for state in FINAL_STATES]))
    return tuple(OrderCount(r.account, r.kind, OrderState(r.state), r.times) for r in connection.execute(ended))
