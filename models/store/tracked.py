"""Tracked positions: what was seen at the venue and since when. A snapshot replaces; the first sight stays."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from models.position import Snapshot
from models.reasons import Mode
from models.store.engine import Store
from models.store.tables import DECISIONS, SNAPSHOTS, TRACKED


@dataclass(frozen=True, slots=True)
class Tracked:
    """One position as it was last seen. Quantity in base units, value and entry price in quote units."""

    symbol: str
    quantity: Decimal
    value: Decimal | None
    entry_price: Decimal | None
    first_seen_at: datetime


async def tracked_positions(store: Store, account: str) -> dict[str, Tracked]:
    """Return an account's tracked positions by symbol."""
    async with store.reading() as connection:
        return await _tracked(connection, account)


async def last_cash(store: Store, account: str) -> Decimal | None:
    """Return the cash of the account's newest snapshot; None when there is none yet."""
    async with store.reading() as connection:
        query = (
            select(SNAPSHOTS.c.cash_total)
            .where(SNAPSHOTS.c.account == account)
            .order_by(SNAPSHOTS.c.snapshot_id.desc())
            .limit(1)
        )
        return (await connection.execute(query)).scalar_one_or_none()


async def save_snapshot(
    store: Store, snapshot: Snapshot, *, run_id: str, cycle: int, mode: Mode, policy_version: str
) -> None:
    """Keep a snapshot that was read successfully, and let it replace what is tracked.

    Quantities are replaced, never added to; the first sight and the entry price stay; what is gone is dropped, because
    only a read that passed every check comes here.
    """
    owned = {"account": snapshot.account, "mode": mode.value, "policy_version": policy_version}
    seen = {p.symbol: p for p in snapshot.positions}
    async with store.writing() as connection:
        await connection.execute(
            insert(SNAPSHOTS).values(
                **owned,
                run_id=run_id,
                cycle=cycle,
                taken_at=snapshot.taken_at,
                cash_total=snapshot.cash_total,
                equity=snapshot.equity,
                positions=[
                    {
                        "symbol": p.symbol,
                        "free": str(p.holding.free),
                        "held": str(p.holding.held),
                        "locked": str(p.holding.locked),
                        "price": None if p.price is None else str(p.price.value),
                        "price_source": None if p.price is None else p.price.source,
                        "priced_at": None if p.price is None else p.price.at.isoformat(),
                        "no_price": p.no_price,
                    }
                    for p in snapshot.positions
                ],
            ),
        )
        before = await _tracked(connection, snapshot.account)
        new = [
            {
                **owned,
                "symbol": p.symbol,
                "quantity": p.holding.total,
                "value": p.value,
                "entry_price": None,
                "first_seen_at": snapshot.taken_at,
                "last_seen_at": snapshot.taken_at,
            }
            for p in snapshot.positions
            if p.symbol not in before
        ]
        if new:
            await connection.execute(insert(TRACKED), new)
        of_account = TRACKED.c.account == snapshot.account
        for symbol in before.keys() & seen.keys():
            position = seen[symbol]
            await connection.execute(
                update(TRACKED)
                .where(of_account, TRACKED.c.symbol == symbol)
                .values(quantity=position.holding.total, value=position.value, last_seen_at=snapshot.taken_at),
            )
        gone = before.keys() - seen.keys()
        if gone:
            await connection.execute(delete(TRACKED).where(of_account, TRACKED.c.symbol.in_(gone)))


async def forget(store: Store, account: str, *, by: str, reason: str, now: datetime) -> int:
    """Drop everything tracked of an account: a person says that it is truly gone. Return how many there were."""
    async with store.writing() as connection:
        dropped = await connection.execute(delete(TRACKED).where(TRACKED.c.account == account))
        await connection.execute(
            insert(DECISIONS).values(
                account=account,
                decision=f"forget {dropped.rowcount} tracked positions",
                decided_by=by,
                reason=reason,
                decided_at=now,
            ),
        )
        return dropped.rowcount


async def _tracked(connection: AsyncConnection, account: str) -> dict[str, Tracked]:
    rows = await connection.execute(
        select(
            TRACKED.c.symbol, TRACKED.c.quantity, TRACKED.c.value, TRACKED.c.entry_price, TRACKED.c.first_seen_at
        ).where(TRACKED.c.account == account),
    )
    return {r.symbol: Tracked(r.symbol, r.quantity, r.value, r.entry_price, r.first_seen_at) for r in rows}
