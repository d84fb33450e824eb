"""The allowances of venues, in the store that all processes share: each change is whole, by the store's own clock."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from models.store.engine import Store
from models.store.tables import THROTTLES
from models.throttle import Level

T = TypeVar("T")
Rule = Callable[[Level, float], tuple[Level, T]]


@dataclass(frozen=True, slots=True)
class Known:
    """One allowance as the store knows it; `now` by the store's clock."""

    budget: str
    level: Level
    now: float


async def change_level(store: Store, budget: str, rule: Rule[T]) -> T:
    """Let a rule change an allowance, given its level and the store's instant; return what the rule says besides.

    Raises: StoreError.
    """
    mine = THROTTLES.c.budget == budget

    def change(connection: Connection) -> T:
        now = store.seconds(connection)
        row = connection.execute(select(THROTTLES).where(mine).with_for_update()).one_or_none()
        before = Level() if row is None else _level(row)
        after, said = rule(before, now)
        if after == before:
            return said
        values = {
            "level": after.used,
            "updated_at": after.updated_at,
            "grants": [list(grant) for grant in after.grants],
            "closed_until": after.closed_until,
            "closed_for": after.closed_for,
        }
        if row is None:
            connection.execute(insert(THROTTLES).values(budget=budget, **values))
        else:
            connection.execute(update(THROTTLES).where(mine).values(**values))
        return said

    try:
        return await store.write(change)
    except IntegrityError:  # two first ones at once: now the row is there
        return await store.write(change)


async def look_at_level(store: Store, budget: str, rule: Callable[[Level, float], T]) -> T:
    """Say something of an allowance without changing it. Raises: StoreError."""

    def look(connection: Connection) -> T:
        row = connection.execute(select(THROTTLES).where(THROTTLES.c.budget == budget)).one_or_none()
        return rule(Level() if row is None else _level(row), store.seconds(connection))

    return await store.read(look)


async def known_levels(store: Store) -> tuple[Known, ...]:
    """Return every allowance that was ever used, by name. Raises: StoreError."""

    def look(connection: Connection) -> tuple[Known, ...]:
        now = store.seconds(connection)
        rows = connection.execute(select(THROTTLES).order_by(THROTTLES.c.budget)).all()
        return tuple(Known(row.budget, _level(row), now) for row in rows)

    return await store.read(look)


def _level(row: Row[Any]) -> Level:
    grants = tuple((float(until), float(units)) for until, units in row.grants or ())
    return Level(row.level, row.updated_at, grants, row.closed_until, row.closed_for)
