"""Slots promised to entries that were just allowed: judged and taken in one transaction, so that two cannot race."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, delete, insert, select, update

from models.store.engine import Store
from models.store.tables import RESERVATIONS

KEPT_SECONDS = 86_400.0  # the longest that a policy may allow to go without a read


@dataclass(frozen=True, slots=True)
class Reservation:
    """One promised slot; the notional is in quote units."""

    account: str
    symbol: str
    notional: Decimal


async def reserve(
    store: Store,
    wanted: Reservation,
    *,
    among: Sequence[str],
    seconds: float,
    judge: Callable[[tuple[Reservation, ...]], bool],
    unseen_since: datetime | None = None,
    elsewhere: Mapping[str, datetime | None] | None = None,
) -> None:
    """Take the slot if `judge` allows it in view of the live reservations of the accounts `among`.

    `unseen_since`: when the account was last read, where it cannot be read now; what ran out after that counts as well,
    for nobody has seen what became of it. `elsewhere`: accounts that are not read for this question, and when each was
    read last (None: never); of these, too, what ran out after that counts.
    Whoever asks at the same time waits, and is judged in view of this one. Raises: StoreError.
    """

    def take(connection: Connection) -> None:
        store.queue(connection, "entries")  # of the whole store: they share the fleet's limit
        now = store.seconds(connection)
        since = now if unseen_since is None else min(now, unseen_since.timestamp())
        connection.execute(delete(RESERVATIONS).where(RESERVATIONS.c.expires_at <= now - KEPT_SECONDS))
        counted_from = {name: _until(at, now) for name, at in (elsewhere or {}).items()} | dict.fromkeys(among, since)
        rows = connection.execute(select(RESERVATIONS).where(RESERVATIONS.c.account.in_(counted_from)))
        live = [row for row in rows if row.expires_at > counted_from[row.account]]
        if judge(tuple(Reservation(row.account, row.symbol, row.notional) for row in live)):
            own = (RESERVATIONS.c.account == wanted.account, RESERVATIONS.c.symbol == wanted.symbol)
            connection.execute(delete(RESERVATIONS).where(*own))  # one that ran out
            connection.execute(
                insert(RESERVATIONS).values(
                    account=wanted.account,
                    symbol=wanted.symbol,
                    notional=wanted.notional,
                    expires_at=now + seconds,
                ),
            )

    await store.write(take)


async def renewed(store: Store, held: Sequence[Reservation], *, seconds: float) -> frozenset[str]:
    """Let slots that still stand stand for so long from now; return their symbols. Raises: StoreError.

    One that ran out is not taken again: somebody else may have been promised it since.
    """

    def renew(connection: Connection) -> frozenset[str]:
        store.queue(connection, "entries")
        now = store.seconds(connection)
        kept = set()
        for one in held:
            mine = (RESERVATIONS.c.account == one.account, RESERVATIONS.c.symbol == one.symbol)
            alive = (RESERVATIONS.c.notional == one.notional, RESERVATIONS.c.expires_at > now)
            if connection.execute(update(RESERVATIONS).where(*mine, *alive).values(expires_at=now + seconds)).rowcount:
                kept.add(one.symbol)
        return frozenset(kept)

    return await store.write(renew) if held else frozenset()


async def release(store: Store, done: Sequence[Reservation]) -> None:
    """Give slots back whose orders have come to their end and show in what was read since. Raises: StoreError."""

    def give_back(connection: Connection) -> None:
        for one in done:
            mine = (RESERVATIONS.c.account == one.account, RESERVATIONS.c.symbol == one.symbol)
            connection.execute(delete(RESERVATIONS).where(*mine, RESERVATIONS.c.notional == one.notional))

    if done:
        await store.write(give_back)


def _until(read_at: datetime | None, now: float) -> float:
    """Return up to when a reservation must have run out for a read at that time to have shown what became of it."""
    return 0.0 if read_at is None else min(now, read_at.timestamp())
