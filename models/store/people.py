"""Who may use the desk: people with a role and a password, and the one-time links by which they set it.

Whatever changes what a person may do ends their sessions in the same transaction.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from models.errors import ConfigError, NotFound
from models.people import Person, Role, Via, Who
from models.store.desk_audit import Deed, note
from models.store.desk_tables import LINKS, PEOPLE, SESSIONS, TOKENS
from models.store.engine import Store

_LOCK = "desk_people"


async def people(store: Store) -> tuple[Person, ...]:
    """Return everybody, by name. Raises: StoreError."""
    return tuple(map(_person, await store.rows(select(PEOPLE).order_by(PEOPLE.c.name))))


async def person_named(store: Store, name: str) -> Person | None:
    """Return one person; None where there is none of that name. Raises: StoreError."""
    rows = await store.rows(select(PEOPLE).where(PEOPLE.c.name == name))
    return _person(rows[0]) if rows else None


async def password_hash(store: Store, name: str) -> str | None:
    """Return the hash of a person's password; None where there is no such person, or no password yet."""
    rows = await store.rows(select(PEOPLE.c.password).where(PEOPLE.c.name == name))
    return None if not rows or rows[0].password is None else str(rows[0].password)


async def add_person(store: Store, name: str, role: Role, *, by: Who, now: datetime) -> None:
    """Add somebody. Raises: ConfigError where the name is taken; StoreError."""
    row = {"name": name, "role": role.value, "created_at": now, "created_by": by.words}

    def work(connection: Connection) -> None:
        store.queue(connection, _LOCK)
        if _found(connection, name) is not None:
            raise ConfigError("name", f"{name!r} is taken", "another name")
        connection.execute(insert(PEOPLE).values(row))
        note(connection, by, Deed("person.add", _subject(name), after={"role": role.value}), now)

    await store.write(work)


async def add_first_admin(store: Store, name: str, *, by: Who, now: datetime) -> bool:
    """Add an admin where there is nobody at all; return whether that was so. Raises: StoreError."""
    row = {"name": name, "role": Role.ADMIN.value, "created_at": now, "created_by": by.words}

    def work(connection: Connection) -> bool:
        store.queue(connection, _LOCK)
        if connection.execute(select(PEOPLE.c.name).limit(1)).first() is not None:
            return False
        connection.execute(insert(PEOPLE).values(row))
        note(connection, by, Deed("person.add", _subject(name), after={"role": Role.ADMIN.value}), now)
        return True

    return await store.write(work)


async def remove_person(store: Store, name: str, *, by: Who, now: datetime) -> None:
    """Remove somebody with their sessions, links and tokens.

    Raises: NotFound; ConfigError where no admin would be left; StoreError.
    """

    def work(connection: Connection) -> None:
        store.queue(connection, _LOCK)
        row = _there(connection, name)
        _keep_an_admin(connection, row)
        for table in (SESSIONS, LINKS):
            connection.execute(delete(table).where(table.c.person == name))
        standing = update(TOKENS).where(TOKENS.c.person == name, TOKENS.c.revoked_at.is_(None))
        connection.execute(standing.values(revoked_at=now))
        connection.execute(delete(PEOPLE).where(PEOPLE.c.name == name))
        note(connection, by, Deed("person.remove", _subject(name), before={"role": row.role}), now)

    await store.write(work)


async def change_role(store: Store, name: str, role: Role, *, by: Who, now: datetime) -> None:
    """Give somebody another role, and end their sessions. Raises: NotFound; ConfigError as above; StoreError."""

    def work(connection: Connection) -> None:
        store.queue(connection, _LOCK)
        row = _there(connection, name)
        if row.role == role.value:
            return
        if role is not Role.ADMIN:
            _keep_an_admin(connection, row)
        connection.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(role=role.value))
        connection.execute(delete(SESSIONS).where(SESSIONS.c.person == name))
        deed = Deed("person.role", _subject(name), before={"role": row.role}, after={"role": role.value})
        note(connection, by, deed, now)

    await store.write(work)


async def put_link(store: Store, name: str, link: str, *, expires_at: datetime, by: Who, now: datetime) -> None:
    """Keep the hash of a new one-time link; older ones of the person are void. Raises: NotFound, StoreError."""

    def work(connection: Connection) -> None:
        _there(connection, name)
        connection.execute(delete(LINKS).where(LINKS.c.person == name))
        connection.execute(insert(LINKS).values(link=link, person=name, made_at=now, expires_at=expires_at))
        note(connection, by, Deed("person.link", _subject(name), after={"expires_at": expires_at.isoformat()}), now)

    await store.write(work)


async def use_link(store: Store, link: str, password: str, *, address: str, now: datetime) -> str | None:
    """Take a link in exchange for a new password (its hash); return whose it was, and None for one that is void.

    Of two who come with the same link at once, one is too late. The person's sessions end. Raises: StoreError.
    """
    good = (LINKS.c.link == link, LINKS.c.expires_at > now)

    def work(connection: Connection) -> str | None:
        row = connection.execute(select(LINKS.c.person).where(*good)).first()
        if row is None or not connection.execute(delete(LINKS).where(*good)).rowcount:
            return None
        _set_password(connection, row.person, password)
        who = Who(row.person, Role(_there(connection, row.person).role), Via.SESSION, address=address)
        note(connection, who, Deed("person.password", _subject(row.person), reason="by a one-time link"), now)
        return str(row.person)

    return await store.write(work)


async def set_password(store: Store, name: str, password: str, *, by: Who, now: datetime) -> None:
    """Give somebody a new password (its hash), and end their sessions. Raises: NotFound, StoreError."""

    def work(connection: Connection) -> None:
        _there(connection, name)
        _set_password(connection, name, password)
        note(connection, by, Deed("person.password", _subject(name)), now)

    await store.write(work)


async def rehash(store: Store, name: str, old: str, new: str) -> None:
    """Put a better hash of the same password in the place of an old one. Raises: StoreError."""
    await store.execute(
        update(PEOPLE).where(PEOPLE.c.name == name, PEOPLE.c.password == old).values(password=new),
    )


def _set_password(connection: Connection, name: str, password: str) -> None:
    connection.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(password=password))
    connection.execute(delete(SESSIONS).where(SESSIONS.c.person == name))
    connection.execute(delete(LINKS).where(LINKS.c.person == name))


def _found(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(PEOPLE).where(PEOPLE.c.name == name)).first()


def _there(connection: Connection, name: str) -> Row[Any]:
    row = _found(connection, name)
    if row is None:
        raise NotFound("person", name)
    return row


def _keep_an_admin(connection: Connection, row: Row[Any]) -> None:
    """Raise ConfigError where the row is the last admin's: nobody could let anybody in again."""
    others = select(PEOPLE.c.name).where(PEOPLE.c.role == Role.ADMIN.value, PEOPLE.c.name != row.name).limit(1)
    if row.role == Role.ADMIN.value and connection.execute(others).first() is None:
        raise ConfigError("name", f"{row.name!r} is the only admin", "make another admin first")


def _person(row: Row[Any]) -> Person:
    return Person(row.name, Role(row.role), row.password is not None, row.created_at, row.created_by, row.last_seen_at)


def _subject(name: str) -> str:
    return f"person {name}"
