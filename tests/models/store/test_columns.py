"""Numbers and times come out of either store as they went in."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError

from models.store.columns import Exact, Instant
from models.store.engine import Store

ROWS = Table("rows", MetaData(), Column("n", Integer, primary_key=True), Column("amount", Exact), Column("at", Instant))
AMOUNTS = [
    "0",
    "0.1",
    "0.10000000000000000001",
    "123456789012345678901234567890.123456789012345678",
    "0.000000000000000001",
    "-7.50",
    "9007199254740993",  # one more than a binary float can tell apart
]
INSTANTS = [
    datetime(2026, 3, 2, 12, 30, 15, 123456, tzinfo=UTC),
    datetime(2026, 7, 1, 2, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(1970, 1, 1, tzinfo=UTC),
]


@pytest.fixture
async def rows(store: Store) -> Store:
    async with store.writing() as connection:
        await connection.run_sync(ROWS.create)
    return store


async def kept(store: Store, column: str, *values: object) -> list[object]:
    async with store.writing() as connection:
        await connection.execute(insert(ROWS), [{"n": n, column: value} for n, value in enumerate(values)])
    async with store.reading() as connection:
        return list((await connection.execute(select(ROWS.c[column]).order_by(ROWS.c.n))).scalars())


async def test_an_exact_number_keeps_every_digit(rows: Store) -> None:
    numbers = [Decimal(amount) for amount in AMOUNTS]

    assert await kept(rows, "amount", *numbers, None) == [*numbers, None]


async def test_an_instant_keeps_every_microsecond_and_comes_back_in_utc(rows: Store) -> None:
    found = await kept(rows, "at", *INSTANTS, None)

    assert found == [*INSTANTS, None]
    assert all(at.tzinfo is UTC or at.utcoffset() == timedelta(0) for at in found if isinstance(at, datetime))


async def test_a_naive_time_is_refused(rows: Store) -> None:
    with pytest.raises(StatementError, match=re.escape("expected an aware time")):
        await kept(rows, "at", datetime(2026, 3, 2, 12, 0))  # noqa: DTZ001 - the naive one is the point
