"""Who is logged in. A session ends after so long in any case, and earlier where nobody uses it."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from models.people import Role, Via, Who
from models.store.desk_audit import Deed, note
from models.store.desk_tables import PEOPLE, SESSIONS
from models.store.engine import Store

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=2)
_SEEN_EVERY = timedelta(seconds=30)  # a click need not be a write

_STANDING = (
    select(SESSIONS.c.session, SESSIONS.c.address, SESSIONS.c.last_seen_at, PEOPLE.c.name, PEOPLE.c.role)
    .join(PEOPLE, PEOPLE.c.name == SESSIONS.c.person)
    .order_by(SESSIONS.c.session)
)


async def start_session(store: Store, session: str, person: str, *, address: str, now: datetime) -> None:
    """Keep the hash of a new session, and drop those that are over. Raises: StoreError."""
    row = {"session": session, "person": person, "address": address, "created_at": now, "last_seen_at": now}

    def work(connection: Connection) -> None:
        over = (SESSIONS.c.expires_at <= now) | (SESSIONS.c.last_seen_at <= now - IDLE)
        connection.execute(delete(SESSIONS).where(over))
        connection.execute(insert(SESSIONS).values(row | {"expires_at": now + LASTS}))
        connection.execute(update(PEOPLE).where(PEOPLE.c.name == person).values(last_seen_at=now))
        found = connection.execute(select(PEOPLE.c.role).where(PEOPLE.c.name == person)).scalar_one()
        who = Who(person, Role(found), Via.SESSION, session, address)
        note(connection, who, Deed("person.login", f"person {person}"), now)

    await store.write(work)


async def who_has(store: Store, session: str, *, now: datetime, uses: bool = True) -> Who | None:
    """Return who has a session that stands; None: nobody. `uses`: it is used by this, and stays. Raises: StoreError."""
    mine = (SESSIONS.c.session == session, SESSIONS.c.expires_at > now, SESSIONS.c.last_seen_at > now - IDLE)
    rows = await store.rows(_STANDING.where(*mine))
    if not rows:
        return None
    row = rows[0]
    if uses and now - row.last_seen_at >= _SEEN_EVERY:
        await store.execute(update(SESSIONS).where(SESSIONS.c.session == session).values(last_seen_at=now))
    return Who(row.name, Role(row.role), Via.SESSION, session, row.address)


async def standing_sessions(store: Store, *, now: datetime) -> frozenset[str]:
    """Return the hashes of all sessions that stand. Raises: StoreError."""
    standing = (SESSIONS.c.expires_at > now, SESSIONS.c.last_seen_at > now - IDLE)
    return frozenset(row.session for row in await store.rows(_STANDING.where(*standing)))


async def end_session(store: Store, who: Who, *, now: datetime) -> None:
    """End one session. Raises: StoreError."""

    def work(connection: Connection) -> None:
        if connection.execute(delete(SESSIONS).where(SESSIONS.c.session == who.key)).rowcount:
            note(connection, who, Deed("person.logout", f"person {who.name}"), now)

    await store.write(work)
