"""The last balance of each account and the reads that failed since: one row an account, never another account's."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models.balance import BalanceState
from models.position import Snapshot
from models.reasons import Mode
from models.store.columns import Instant
from models.store.engine import Store
from models.store.tables import BALANCES

_FIGURES = ("cash_free", "cash_total", "equity", "read_at", "errors", "last_error_code", "last_error_at")

# One that is newer by more was read by a machine whose clock is wrong, and must not stand until that hour has come.
_NEWER_BY = timedelta(minutes=5)

# The row is there but for the first time: built once, since building and compiling an upsert takes ten times as long.
_is_older = or_(
    BALANCES.c.read_at.is_(None),
    BALANCES.c.read_at <= bindparam("read_at", type_=Instant()),
    BALANCES.c.read_at > bindparam("too_new", type_=Instant()),
)
_RENEW = (
    update(BALANCES)
    .where(BALANCES.c.account == bindparam("of_account"), _is_older)
    .values({name: bindparam(name) for name in (*_FIGURES, "mode", "policy_version")})
)


async def balances(store: Store, accounts: Collection[str] | None = None) -> dict[str, BalanceState]:
    """Return what is kept by account: of those named, whether ever read or not; of all that were asked once.

    Raises: StoreError.
    """
    query = select(BALANCES.c.account, *(BALANCES.c[name] for name in _FIGURES)).order_by(BALANCES.c.account)
    if accounts is not None:
        query = query.where(BALANCES.c.account.in_(accounts))
    kept = {row.account: BalanceState(*row) for row in await store.rows(query)}
    return kept if accounts is None else {name: kept.get(name, BalanceState(name)) for name in accounts}


async def balance_of(store: Store, account: str) -> BalanceState:
    """Return what is kept of one account. Raises: StoreError."""
    return (await balances(store, [account]))[account]


def keep_balance(connection: Connection, snapshot: Snapshot, *, mode: Mode, policy_version: str) -> None:
    """Keep the balance of a read that passed its checks, in the transaction that keeps the rest of it.

    A read that began earlier than the one that is kept changes nothing. Raises: ValueError for what is no amount.
    """
    state = balance_in(snapshot)
    row = {name: getattr(state, name) for name in _FIGURES} | {"mode": mode.value, "policy_version": policy_version}
    changed = row | {"of_account": state.account, "too_new": snapshot.taken_at + _NEWER_BY}
    if connection.execute(_RENEW, changed).rowcount:
        return
    statement = _insert(connection).values(account=state.account, **row)
    older = or_(BALANCES.c.read_at.is_(None), BALANCES.c.read_at <= statement.excluded.read_at)
    connection.execute(statement.on_conflict_do_update(index_elements=["account"], set_=row, where=older))


async def save_balance(store: Store, snapshot: Snapshot, *, mode: Mode, policy_version: str) -> None:
    """Keep the balance of a read of which nothing else is kept. Raises: StoreError; ValueError as above."""
    await store.write(
        lambda connection: keep_balance(connection, snapshot, mode=mode, policy_version=policy_version),
    )


async def count_failed_read(
    store: Store, account: str, *, code: str, mode: Mode, policy_version: str, now: datetime
) -> None:
    """Count one more read that failed; the last balance stays what it is. Raises: StoreError."""
    row = {"last_error_code": code, "last_error_at": now, "mode": mode.value, "policy_version": policy_version}

    def count(connection: Connection) -> None:
        statement = _insert(connection).values(account=account, errors=1, **row)
        changed = {"errors": BALANCES.c.errors + 1, **row}
        connection.execute(statement.on_conflict_do_update(index_elements=["account"], set_=changed))

    await store.write(count)


def balance_in(snapshot: Snapshot) -> BalanceState:
    """Return the balance that a snapshot shows. Raises: ValueError for what is no amount."""
    return BalanceState(
        account=snapshot.account,
        cash_free=snapshot.cash_free,
        cash_total=snapshot.cash_total,
        equity=snapshot.equity,
        read_at=snapshot.taken_at,
    )


def _insert(connection: Connection) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(BALANCES)
