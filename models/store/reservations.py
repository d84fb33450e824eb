"""Slots promised to entries that were just allowed: judged and taken in one transaction, so that two cannot race."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, delete, insert, select

from models.store.engine import Store
from models.store.tables import RESERVATIONS


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
) -> None:
    """Take the slot if `judge` allows it in view of the live reservations of the accounts `among`.

    Whoever asks at the same time waits, and is judged in view of this one. Raises: StoreError.
    """

    def take(connection: Connection) -> None:
        store.queue(connection, f"entries {'|'.join(sorted(among))}")
        now = store.seconds(connection)
        connection.execute(delete(RESERVATIONS).where(RESERVATIONS.c.expires_at <= now))
        rows = connection.execute(select(RESERVATIONS).where(RESERVATIONS.c.account.in_(among)))
        if judge(tuple(Reservation(row.account, row.symbol, row.notional) for row in rows)):
            connection.execute(
                insert(RESERVATIONS).values(
                    account=wanted.account,
                    symbol=wanted.symbol,
                    notional=wanted.notional,
                    expires_at=now + seconds,
                ),
            )

    await store.write(take)
