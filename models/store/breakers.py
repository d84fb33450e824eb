"""Circuit breakers that all processes share: a row a way, changed by compare-and-set on its version."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from models.breaker import Breaker, BreakerKey, BreakerStatus, CircuitState, Direction, Health
from models.errors import StoreError
from models.store.decisions import Decision, record
from models.store.engine import Also, Store, nothing_else
from models.store.tables import BREAKERS

T = TypeVar("T")

# Makes of a breaker (None: nobody went this way yet), at an instant, what it becomes, and an answer.
Change = Callable[[Breaker | None, float], tuple[Breaker, T]]

_TRIES = 100  # of a compare-and-set: somebody gets through each time, so this is many processes at once
_KEYS = ("venue", "address", "account", "direction")
_COLUMNS = tuple(Breaker.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls that changed nothing but the counts; `succeeded_ago` in seconds, None: none succeeded."""

    made: int
    succeeded_ago: float | None


async def look(store: Store, key: BreakerKey) -> tuple[Breaker | None, float]:
    """Return one breaker, None where nobody went this way yet, and the store's hour. Raises: StoreError."""

    def work(connection: Connection) -> tuple[Breaker | None, float]:
        row = connection.execute(select(BREAKERS).where(_is(key))).one_or_none()
        return None if row is None else _breaker(row), store.seconds(connection)

    return await store.read(work)


async def remarkable(store: Store) -> tuple[dict[BreakerKey, Breaker], float]:
    """Return every breaker that is not closed, or closed with failures, and the store's hour. Raises: StoreError."""
    query = select(BREAKERS).where((BREAKERS.c.state != CircuitState.CLOSED.value) | (BREAKERS.c.failures > 0))

    def work(connection: Connection) -> tuple[dict[BreakerKey, Breaker], float]:
        return {_key(row): _breaker(row) for row in connection.execute(query)}, store.seconds(connection)

    return await store.read(work)


async def change(store: Store, key: BreakerKey, to: Change[T]) -> tuple[Breaker, T]:
    """Change one breaker; return it as it is then, with the answer of `to`, which may be asked more than once.

    Raises: StoreError.
    """

    def work(connection: Connection) -> tuple[Breaker, T] | None:
        row = connection.execute(select(BREAKERS).where(_is(key))).one_or_none()
        before = None if row is None else _breaker(row)
        after, answer = to(before, store.seconds(connection))
        if row is None:
            connection.execute(insert(BREAKERS).values(**_named(key), **_values(after), version=1))
        elif after is not before:
            statement = update(BREAKERS).where(_is(key), BREAKERS.c.version == row.version)
            if not connection.execute(statement.values(**_values(after), version=row.version + 1)).rowcount:
                return None
        return after, answer

    for _ in range(_TRIES):
        try:
            changed = await store.write(work)
        except IntegrityError:  # two first ones at once: the other was faster
            continue
        if changed is not None:
            return changed
    raise StoreError("STORE_LOCKED", store.where, "a circuit breaker is changed by too many at once")


async def add_calls(store: Store, calls: Mapping[BreakerKey, Calls]) -> None:
    """Add calls to the counts of their breakers. Raises: StoreError."""
    if not calls:
        return
    build: Any = sqlite_insert if store.is_sqlite else postgresql_insert

    def work(connection: Connection) -> None:
        now = store.seconds(connection)
        fresh = _values(Breaker(CircuitState.CLOSED, state_since=now, healthy_since=now))
        rows = [
            {
                **_named(key),
                **fresh,
                "total_calls": counted.made,
                "last_success": None if counted.succeeded_ago is None else now - counted.succeeded_ago,
                "version": 1,
            }
            for key, counted in sorted(calls.items())  # in one order: two processes cannot wait for each other
        ]
        statement = build(BREAKERS)
        new = statement.excluded
        added = {
            "total_calls": BREAKERS.c.total_calls + new.total_calls,
            "last_success": func.coalesce(new.last_success, BREAKERS.c.last_success),
            "version": BREAKERS.c.version + 1,
        }
        connection.execute(statement.on_conflict_do_update(index_elements=_KEYS, set_=added), rows)

    await store.write(work)


async def breakers(store: Store) -> tuple[BreakerStatus, ...]:
    """Return what is known of every way to every venue. Raises: StoreError."""

    def work(connection: Connection) -> tuple[BreakerStatus, ...]:
        rows = connection.execute(select(BREAKERS).order_by(*(BREAKERS.c[name] for name in _KEYS)))
        now = store.seconds(connection)
        return tuple(_status(_key(row), _breaker(row), now) for row in rows)

    return await store.read(work)


async def reset_breakers(
    store: Store,
    decision: Decision,
    to: Callable[[Breaker, float], Breaker],
    *,
    venue: str,
    account: str | None,
    direction: Direction | None,
    also: Also = nothing_else,
) -> int:
    """Make of every breaker chosen that is not at rest what `to` says, and keep who wanted it; return how many.

    Raises: StoreError.
    """
    chosen = [BREAKERS.c.venue == venue]
    chosen += [] if account is None else [BREAKERS.c.account == account]
    chosen += [] if direction is None else [BREAKERS.c.direction == direction.value]

    def work(connection: Connection) -> int:
        query = select(BREAKERS).where(*chosen).order_by(*(BREAKERS.c[name] for name in _KEYS)).with_for_update()
        standing = [row for row in connection.execute(query).all() if not _breaker(row).is_at_rest]
        now = store.seconds(connection)
        for row in standing:
            values = {**_values(to(_breaker(row), now)), "version": row.version + 1}
            connection.execute(update(BREAKERS).where(_is(_key(row))).values(**values))
        if standing:
            record(connection, decision)
            also(connection)
        return len(standing)

    return await store.write(work)


def _is(key: BreakerKey) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = (
        (BREAKERS.c.venue == key.venue)
        & (BREAKERS.c.address == key.address)
        & (BREAKERS.c.account == key.account)
        & (BREAKERS.c.direction == key.direction.value)
    )
    return condition


def _named(key: BreakerKey) -> dict[str, Any]:
    return {**asdict(key), "direction": key.direction.value}


def _values(breaker: Breaker) -> dict[str, Any]:
    return {**asdict(breaker), "state": breaker.state.value}


def _key(row: Row[Any]) -> BreakerKey:
    return BreakerKey(row.venue, row.address, row.account, Direction(row.direction))


def _breaker(row: Row[Any]) -> Breaker:
    found = {name: getattr(row, name) for name in _COLUMNS}
    return Breaker(**found | {"state": CircuitState(row.state)})


def _status(key: BreakerKey, breaker: Breaker, now: float) -> BreakerStatus:
    return BreakerStatus(
        venue=key.venue,
        address=key.address,
        account=key.account,
        direction=key.direction,
        health_state=breaker.health,
        circuit_state=breaker.state,
        failure_count=breaker.failures,
        total_calls=breaker.total_calls,
        total_failures=breaker.total_failures,
        failure_rate=breaker.total_failures / breaker.total_calls if breaker.total_calls else 0.0,
        last_success=_instant(breaker.last_success),
        last_failure=_instant(breaker.last_failure),
        last_error_code=breaker.last_error_code,
        state_uptime_seconds=max(0.0, now - breaker.state_since),
        recovery_seconds=breaker.recovery_seconds,
        retry_at=_instant(breaker.retry_at),
        trading_allowed=breaker.health is not Health.OFFLINE,
    )


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
