"""Tracked positions: what was seen at the venue and since when. What replaces what is `rules.adoption`."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from models.position import Position, Snapshot, Tracked
from models.reasons import Mode
from models.store.decisions import Decision, record
from models.store.engine import Store
from models.store.tables import SNAPSHOTS, TRACKED


async def tracked_positions(store: Store, account: str) -> dict[str, Tracked]:
    """Return an account's tracked positions by symbol."""
    query = select(TRACKED).where(TRACKED.c.account == account)
    rows = await store.rows(query)
    return {r.symbol: Tracked(r.symbol, r.quantity, r.entry_price, r.first_seen_at, r.value) for r in rows}


async def last_cash(store: Store, account: str) -> Decimal | None:
    """Return the cash of the account's newest snapshot; None when there is none yet."""
    newest = await _newest(store, account)
    return None if newest is None else newest.cash_total


async def last_read_at(store: Store, account: str) -> datetime | None:
    """Return when the account was last read successfully; None: never."""
    newest = await _newest(store, account)
    return None if newest is None else newest.taken_at


async def save_snapshot(
    store: Store,
    snapshot: Snapshot,
    tracked: Mapping[str, Tracked],
    *,
    run_id: str,
    cycle: int,
    mode: Mode,
    policy_version: str,
) -> None:
    """Keep a snapshot that passed its checks, and what is tracked of the account from now on, in one transaction."""
    owned = {"account": snapshot.account, "mode": mode.value, "policy_version": policy_version}

    def save(connection: Connection) -> None:
        store.queue(connection, f"tracked {snapshot.account}")  # a dry run may read while a live one does
        connection.execute(
            insert(SNAPSHOTS).values(
                **owned,
                run_id=run_id,
                cycle=cycle,
                taken_at=snapshot.taken_at,
                cash_total=snapshot.cash_total,
                equity=snapshot.equity,
                positions=[_document(position) for position in snapshot.positions],
            ),
        )
        connection.execute(delete(TRACKED).where(TRACKED.c.account == snapshot.account))
        rows = [
            {
                **owned,
                "symbol": t.symbol,
                "quantity": t.quantity,
                "value": t.value,
                "entry_price": t.entry_price,
                "first_seen_at": t.first_seen_at,
                "last_seen_at": snapshot.taken_at,
            }
            for t in tracked.values()
        ]
        if rows:
            connection.execute(insert(TRACKED), rows)

    await store.write(save)


async def forget(store: Store, account: str, *, by: str, reason: str, now: datetime) -> int:
    """Drop everything tracked of an account: a person says that it is truly gone. Return how many there were."""

    def drop(connection: Connection) -> int:
        dropped = connection.execute(delete(TRACKED).where(TRACKED.c.account == account)).rowcount
        record(connection, Decision(account, f"forget {dropped} tracked positions", by, reason, now))
        return dropped

    return await store.write(drop)


async def _newest(store: Store, account: str) -> Row[Any] | None:
    of_account = select(SNAPSHOTS.c.cash_total, SNAPSHOTS.c.taken_at).where(SNAPSHOTS.c.account == account)
    rows = await store.rows(of_account.order_by(SNAPSHOTS.c.snapshot_id.desc()).limit(1))
    return rows[0] if rows else None


def _document(position: Position) -> dict[str, str | None]:
    holding, price = position.holding, position.price
    return {
        "symbol": position.symbol,
        "free": str(holding.free),
        "held": str(holding.held),
        "locked": str(holding.locked),
        "price": None if price is None else str(price.value),
        "price_source": None if price is None else price.source,
        "priced_at": None if price is None else price.at.isoformat(),
        "no_price": position.no_price,
    }
