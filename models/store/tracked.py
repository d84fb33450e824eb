"""Tracked positions: what was seen at the venue and since when. What replaces what is `rules.adoption`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, Row, delete, insert, select, update

from models.adoption import Entry, EntrySource, PositionSource
from models.market import Price
from models.position import Holding, Position, Snapshot, Tracked
from models.reasons import Mode, NoPrice
from models.store.balances import keep_balance
from models.store.decisions import Decision, record
from models.store.engine import Store
from models.store.risk_trips import JudgeDay, ReadBy, keep_risk_day
from models.store.tables import SNAPSHOTS, TRACKED


@dataclass(frozen=True, slots=True)
class KeptPositions:
    """Every position of the newest snapshot, with the prices of that time."""

    taken_at: datetime
    positions: tuple[Position, ...]


async def tracked_positions(store: Store, account: str) -> dict[str, Tracked]:
    """Return an account's tracked positions by symbol."""
    query = select(TRACKED).where(TRACKED.c.account == account)
    return {row.symbol: tracked_of(row) for row in await store.rows(query)}


def tracked_of(row: Row[Any]) -> Tracked:
    """Read a row of the table of tracked positions."""
    return Tracked(
        row.symbol,
        row.quantity,
        row.entry_price,
        row.first_seen_at,
        row.value,
        peak_price=row.peak_price,
        entry_source=None if row.entry_source is None else EntrySource(row.entry_source),
        entry_at=row.entry_at,
        source=None if row.source is None else PositionSource(row.source),
    )


async def last_cash(store: Store, account: str) -> Decimal | None:
    """Return the cash of the account's newest snapshot; None when there is none yet."""
    newest = await _newest(store, account, SNAPSHOTS.c.cash_total)
    return None if newest is None else newest.cash_total


async def last_read_at(store: Store, account: str) -> datetime | None:
    """Return when the account was last read successfully; None: never."""
    newest = await _newest(store, account, SNAPSHOTS.c.taken_at)
    return None if newest is None else newest.taken_at


async def last_positions(store: Store, account: str) -> KeptPositions | None:
    """Return the positions of the account's newest snapshot; None when there is none yet."""
    newest = await _newest(store, account, SNAPSHOTS.c.taken_at, SNAPSHOTS.c.positions)
    return None if newest is None else KeptPositions(newest.taken_at, tuple(map(_position, newest.positions)))


async def positions_by(store: Store, account: str, at: datetime) -> KeptPositions | None:
    """Return the positions of the newest snapshot that was taken by then; None when there is none."""
    of_account = select(SNAPSHOTS.c.taken_at, SNAPSHOTS.c.positions).where(SNAPSHOTS.c.account == account)
    newest = of_account.where(SNAPSHOTS.c.taken_at <= at).order_by(SNAPSHOTS.c.snapshot_id.desc()).limit(1)
    rows = await store.rows(newest)
    return KeptPositions(rows[0].taken_at, tuple(map(_position, rows[0].positions))) if rows else None


async def save_snapshot(
    store: Store,
    snapshot: Snapshot,
    tracked: Mapping[str, Tracked],
    *,
    run_id: str,
    cycle: int,
    mode: Mode,
    policy_version: str,
    judge_day: JudgeDay | None = None,
) -> None:
    """Keep a snapshot that passed its checks, its balance, and what is tracked from now on, in one transaction.

    `judge_day`: what makes of the account's day the one after this read; None: the read tells nothing of it.
    """
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
        mine = TRACKED.c.account == snapshot.account
        # Another run may have seen a higher price since this one looked, or an adoption have found what it cost.
        stands = {r.symbol: r for r in connection.execute(select(TRACKED).where(mine))}
        peaks = {symbol: row.peak_price for symbol, row in stands.items()}
        connection.execute(delete(TRACKED).where(mine))
        rows = [
            {
                **owned,
                "symbol": t.symbol,
                "quantity": t.quantity,
                "value": t.value,
                **_entry(t, stands.get(t.symbol)),
                "peak_price": max((p for p in (t.peak_price, peaks.get(t.symbol)) if p is not None), default=None),
                "first_seen_at": t.first_seen_at,
                "last_seen_at": snapshot.taken_at,
            }
            for t in tracked.values()
        ]
        if rows:
            connection.execute(insert(TRACKED), rows)
        keep_balance(connection, snapshot, mode=mode, policy_version=policy_version)
        if judge_day is not None:
            read_by = ReadBy(run_id, mode, policy_version)
            keep_risk_day(store, connection, snapshot.account, judge_day, read_by=read_by, now=snapshot.taken_at)

    await store.write(save)


async def keep_entries(store: Store, account: str, entries: Mapping[str, Entry]) -> None:
    """Keep how positions began, by symbol. An entry without a price leaves a known one as it stands.

    Raises: StoreError.
    """

    def write(connection: Connection) -> None:
        store.queue(connection, f"tracked {account}")
        for symbol, entry in entries.items():
            values: dict[str, Any] = {"source": entry.source, "entry_source": entry.price_source}
            values |= {} if entry.price is None else {"entry_price": entry.price, "entry_at": entry.at}
            mine = (TRACKED.c.account == account, TRACKED.c.symbol == symbol)
            connection.execute(update(TRACKED).where(*mine).values(values))

    if entries:
        await store.write(write)


async def forget(store: Store, account: str, *, by: str, reason: str, now: datetime) -> int:
    """Drop everything tracked of an account: a person says that it is truly gone. Return how many there were."""

    def drop(connection: Connection) -> int:
        dropped = connection.execute(delete(TRACKED).where(TRACKED.c.account == account)).rowcount
        record(connection, Decision(account, f"forget {dropped} tracked positions", by, reason, now))
        return dropped

    return await store.write(drop)


async def _newest(store: Store, account: str, *columns: Column[Any]) -> Row[Any] | None:
    of_account = select(*columns).where(SNAPSHOTS.c.account == account)
    rows = await store.rows(of_account.order_by(SNAPSHOTS.c.snapshot_id.desc()).limit(1))
    return rows[0] if rows else None


def _entry(tracked: Tracked, stands: Row[Any] | None) -> dict[str, Any]:
    """Return the columns of an entry: what was found since the run looked is kept."""
    if stands is None or stands.entry_price is None:
        return {
            "entry_price": tracked.entry_price,
            "entry_source": tracked.entry_source,
            "entry_at": tracked.entry_at,
            "source": tracked.source if stands is None else tracked.source or stands.source,
        }
    is_same = tracked.entry_price == stands.entry_price
    return {
        "entry_price": stands.entry_price,
        "entry_source": tracked.entry_source if is_same else stands.entry_source,
        "entry_at": stands.entry_at,
        "source": stands.source,
    }


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


def _position(kept: Mapping[str, str | None]) -> Position:
    """Read back what `_document` wrote."""
    symbol, price, priced_at = str(kept["symbol"]), kept["price"], kept["priced_at"]
    free, held, locked = (Decimal(str(kept[name])) for name in ("free", "held", "locked"))
    return Position(
        symbol=symbol,
        holding=Holding(symbol.split("/", maxsplit=1)[0], free, held, locked),
        price=None
        if price is None or priced_at is None
        else Price(Decimal(price), str(kept["price_source"]), datetime.fromisoformat(priced_at)),
        no_price=None if kept["no_price"] is None else NoPrice(kept["no_price"]),
    )
