"""Whose turn it is to sign with an API key, in the store that all processes share, and which nonces it may draw.

A turn is short. Its nonces are reserved before the first is drawn and the rest is given back at its end, so whoever
comes next starts above everything that may have been sent, even when the last holder died.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from models.store.engine import Store
from models.store.leases import Holder
from models.store.tables import KEY_TURNS


@dataclass(frozen=True, slots=True)
class Turn:
    """Nonces of one turn, both ends included; `after_a_death`: the last holder never gave its turn back."""

    first_nonce: int
    last_nonce: int
    after_a_death: bool = False


async def take_turn(
    store: Store, key_id: str, holder: Holder, *, now_ms: int, reserve: int, seconds: float
) -> Turn | None:
    """Take the next turn, with `reserve` nonces from `now_ms` or the last one on; None: somebody else has it.

    Whoever has it is told, at its end, that somebody waits. Raises: StoreError.
    """
    mine = KEY_TURNS.c.key_id == key_id

    def take(connection: Connection) -> Turn | None:
        now = store.seconds(connection)
        row = connection.execute(select(KEY_TURNS).where(mine).with_for_update()).one_or_none()
        first = max(now_ms, row.last_nonce + 1) if row is not None else now_ms
        taken = {"holder": holder.name, "expires_at": now + seconds, "last_nonce": first + reserve - 1}
        if row is None:
            connection.execute(insert(KEY_TURNS).values(key_id=key_id, **taken))
            return Turn(first, first + reserve - 1)
        is_left = row.holder not in {None, holder.name}
        if is_left and row.expires_at > now and not holder.is_dead(row.holder):
            if row.wanted_by is None:
                connection.execute(update(KEY_TURNS).where(mine).values(wanted_by=holder.name))
            return None
        connection.execute(update(KEY_TURNS).where(mine).values(**taken))
        return Turn(first, first + reserve - 1, after_a_death=is_left)

    try:
        return await store.write(take)
    except IntegrityError:  # two first holders at once: the other one was faster
        return None


async def end_turn(store: Store, key_id: str, holder: Holder, last_nonce: int | None) -> bool:
    """Give a turn back with the last nonce that was drawn; return whether somebody waits for it.

    `last_nonce` None: not known, all of the turn's count as drawn. Raises: StoreError.
    """
    mine = (KEY_TURNS.c.key_id == key_id) & (KEY_TURNS.c.holder == holder.name)

    def end(connection: Connection) -> bool:
        row = connection.execute(select(KEY_TURNS.c.wanted_by).where(mine).with_for_update()).one_or_none()
        if row is None:
            return False  # it ran out and somebody took it: what they reserved is above ours
        drawn = {} if last_nonce is None else {"last_nonce": last_nonce}
        connection.execute(update(KEY_TURNS).where(mine).values(holder=None, wanted_by=None, **drawn))
        return row.wanted_by not in {None, holder.name}

    return await store.write(end)
