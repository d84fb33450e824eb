"""Tokens of programs: kept as hashes, held to their permits and to the role of whose they are."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.errors import NotFound
from models.people import Permit, Role, Token, Via, Who
from models.store.desk_audit import Deed, note
from models.store.desk_tables import PEOPLE, TOKENS
from models.store.engine import Store

_SEEN_EVERY = timedelta(minutes=1)


async def add_token(
    store: Store,
    token: str,
    *,
    name: str,
    person: str,
    permits: Collection[Permit],
    expires_at: datetime | None,
    by: Who,
    now: datetime,
) -> int:
    """Keep the hash of a new token; return its id. Raises: StoreError."""
    words = " ".join(sorted(permits))
    row = {
        "name": name,
        "token": token,
        "person": person,
        "permits": words,
        "created_at": now,
        "expires_at": expires_at,
    }
    until = None if expires_at is None else expires_at.isoformat()

    def work(connection: Connection) -> int:
        made = connection.execute(insert(TOKENS).values(row)).inserted_primary_key
        token_id = int(made[0]) if made is not None else 0
        after = {"name": name, "person": person, "permits": words, "expires_at": until}
        note(connection, by, Deed("token.add", f"token {token_id}", after=after), now)
        return token_id

    return await store.write(work)


async def tokens(store: Store, *, person: str | None = None) -> tuple[Token, ...]:
    """Return all tokens, the newest first, or those of one person. Raises: StoreError."""
    query = select(TOKENS).order_by(TOKENS.c.token_id.desc())
    rows = await store.rows(query if person is None else query.where(TOKENS.c.person == person))
    return tuple(map(_token, rows))


async def who_sends(store: Store, token: str, *, address: str, now: datetime) -> Who | None:
    """Return who a token that stands speaks for; None: nobody. Raises: StoreError."""
    query = select(TOKENS, PEOPLE.c.role).join(PEOPLE, PEOPLE.c.name == TOKENS.c.person)
    rows = await store.rows(query.where(TOKENS.c.token == token, TOKENS.c.revoked_at.is_(None)))
    if not rows or (rows[0].expires_at is not None and rows[0].expires_at <= now):
        return None
    row = rows[0]
    if row.last_used_at is None or now - row.last_used_at >= _SEEN_EVERY:
        await store.execute(update(TOKENS).where(TOKENS.c.token == token).values(last_used_at=now))
    permits = frozenset(Permit(word) for word in row.permits.split())
    return Who(row.person, Role(row.role), Via.TOKEN, str(row.token_id), address, permits)


async def who_sent(store: Store, token_id: int, *, address: str, now: datetime) -> Who | None:
    """Look up again who a token speaks for that was let in a moment ago. Raises: StoreError."""
    rows = await store.rows(select(TOKENS.c.token).where(TOKENS.c.token_id == token_id))
    return await who_sends(store, rows[0].token, address=address, now=now) if rows else None


async def revoke_token(store: Store, token_id: int, *, by: Who, now: datetime) -> None:
    """Let a token open nothing from now on. Raises: NotFound, StoreError."""

    def work(connection: Connection) -> None:
        row = connection.execute(select(TOKENS).where(TOKENS.c.token_id == token_id)).first()
        if row is None:
            raise NotFound("token", str(token_id))
        mine = (TOKENS.c.token_id == token_id, TOKENS.c.revoked_at.is_(None))
        if connection.execute(update(TOKENS).where(*mine).values(revoked_at=now)).rowcount:
            note(connection, by, Deed("token.revoke", f"token {token_id}", before={"name": row.name}), now)

    await store.write(work)


def _token(row: Row[Any]) -> Token:
    permits = frozenset(Permit(word) for word in row.permits.split())
    return Token(
        row.token_id,
        row.name,
        row.person,
        permits,
        row.created_at,
        row.expires_at,
        row.last_used_at,
        row.revoked_at,
    )
