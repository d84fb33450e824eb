"""Frozen symbols and the counts before them: kept across restarts, changed in one transaction an account."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from models.freeze import Freeze
from models.reasons import FreezeCause, FreezeState, Mode
from models.store.decisions import Decision, record
from models.store.engine import Also, Store, nothing_else
from models.store.tables import FREEZES

PRICE_CHECK = "price check"  # who decided, where no person did

Known = Mapping[str, Freeze]  # by symbol
Changes = Mapping[str, Freeze | None]  # by symbol; None: nothing is left to say of it

_URGENCY = (FreezeState.REVIEW, FreezeState.FROZEN, FreezeState.COUNTING)


async def freezes(store: Store, account: str | None = None) -> tuple[Freeze, ...]:
    """Return what stands, of one account or of all: what waits for a person first. Raises: StoreError."""
    query = select(FREEZES)
    if account is not None:
        query = query.where(FREEZES.c.account == account)
    found = [_freeze(row) for row in await store.rows(query)]
    return tuple(sorted(found, key=lambda f: (_URGENCY.index(f.state), f.account, f.symbol)))


async def judge_freezes(
    store: Store,
    account: str,
    judge: Callable[[Known], Changes],
    *,
    mode: Mode,
    policy_version: str,
    now: datetime,
) -> None:
    """Carry out what `judge` makes of an account's freezes; what froze and what thawed are kept as decisions.

    Nothing is written where nothing changes. Whoever judges at the same time waits, and judges what this one left:
    `judge` may be asked twice. Raises: StoreError.
    """
    if not judge({freeze.symbol: freeze for freeze in await freezes(store, account)}):
        return

    def change(connection: Connection) -> None:
        known = _locked(store, connection, account)
        changes = judge(known)
        _replace(connection, account, changes, mode=mode, policy_version=policy_version, now=now)
        record(connection, *_decisions(account, known, changes, now))

    await store.write(change)


async def freeze_by_hand(
    store: Store,
    account: str,
    symbol: str,
    *,
    by: str,
    reason: str,
    mode: Mode,
    policy_version: str,
    now: datetime,
    also: Also = nothing_else,
) -> bool:
    """Freeze a symbol until a person unfreezes it; False: one did so before. Raises: StoreError.

    `also` is written with it, where anything is.
    """

    def freeze(connection: Connection) -> bool:
        before = _locked(store, connection, account).get(symbol)
        if before is not None and before.cause is FreezeCause.BY_HAND:
            return False
        failures = 0 if before is None else before.failures
        after = Freeze(account, symbol, FreezeState.REVIEW, FreezeCause.BY_HAND, failures, now)
        _replace(connection, account, {symbol: after}, mode=mode, policy_version=policy_version, now=now)
        record(connection, Decision(account, f"freeze {symbol}", by, reason, now))
        also(connection)
        return True

    return await store.write(freeze)


async def unfreeze(
    store: Store, account: str, symbol: str, *, by: str, reason: str, now: datetime, also: Also = nothing_else
) -> bool:
    """End a freeze and its count, whatever its cause; False: the symbol was not frozen. Raises: StoreError.

    `also` is written with it, where anything is.
    """
    frozen = (FREEZES.c.account == account, FREEZES.c.symbol == symbol, FREEZES.c.state != FreezeState.COUNTING.value)

    def end(connection: Connection) -> bool:
        store.queue(connection, _queue(account))  # a run that judges would put its own row back
        stood = connection.execute(delete(FREEZES).where(*frozen)).rowcount > 0
        if stood:
            record(connection, Decision(account, f"unfreeze {symbol}", by, reason, now))
            also(connection)
        return stood

    return await store.write(end)


def _freeze(row: Row[Any]) -> Freeze:
    state, cause = FreezeState(row.state), FreezeCause(row.cause)
    return Freeze(row.account, row.symbol, state, cause, row.failures, row.since, row.thaws_at)


def _locked(store: Store, connection: Connection, account: str) -> dict[str, Freeze]:
    """Return what stands now, and keep others from changing it until this transaction is over."""
    store.queue(connection, _queue(account))
    rows = connection.execute(select(FREEZES).where(FREEZES.c.account == account))
    return {row.symbol: _freeze(row) for row in rows}


def _replace(
    connection: Connection, account: str, changes: Changes, *, mode: Mode, policy_version: str, now: datetime
) -> None:
    connection.execute(delete(FREEZES).where(FREEZES.c.account == account, FREEZES.c.symbol.in_(changes)))
    rows = [
        {
            "account": account,
            "mode": mode.value,
            "policy_version": policy_version,
            "symbol": freeze.symbol,
            "state": freeze.state.value,
            "cause": freeze.cause.value,
            "failures": freeze.failures,
            "since": freeze.since,
            "thaws_at": freeze.thaws_at,
            "updated_at": now,
        }
        for freeze in changes.values()
        if freeze is not None
    ]
    if rows:
        connection.execute(insert(FREEZES), rows)


def _decisions(account: str, known: Known, changes: Changes, now: datetime) -> list[Decision]:
    """Say what froze and what thawed; a count, and a probe that failed, decide nothing."""
    decided = []
    for symbol, after in changes.items():
        before = known.get(symbol)
        was = None if before is None or not before.is_frozen else before.state
        if after is None:
            if was is not None:
                decided.append(Decision(account, f"unfreeze {symbol}", PRICE_CHECK, "its price is good again", now))
        elif after.is_frozen and after.state is not was:
            times = f"{after.failures} reads without a usable price: {after.why}"
            decided.append(Decision(account, f"freeze {symbol}", PRICE_CHECK, times, now))
    return decided


def _queue(account: str) -> str:
    return f"freezes {account}"
