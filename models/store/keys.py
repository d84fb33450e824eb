"""The vault's rows: one token per account, and who put it there. What is in a token is not known here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from models.store.engine import Also, Store, nothing_else
from models.store.tables import API_KEYS


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """One account's row. `added`: when and by whom these keys were; `changed_at`: when the token last was."""

    account: str
    fingerprint: str
    token: str = field(repr=False)
    added_at: datetime
    added_by: str
    changed_at: datetime


async def stored_keys(store: Store) -> dict[str, StoredKeys]:
    """Return every row by account, in the order of their names."""
    return await store.read(_all)


async def keys_of(store: Store, account: str) -> StoredKeys | None:
    """Return one account's row; None where it has none."""
    rows = await store.rows(select(API_KEYS).where(API_KEYS.c.account == account))
    return StoredKeys(**rows[0]._mapping) if rows else None  # noqa: SLF001 - SQLAlchemy's public name for it


async def put_keys(
    store: Store,
    account: str,
    *,
    fingerprint: str,
    token: str,
    by: str,
    now: datetime,
    replace: bool,
    also: Also = nothing_else,
) -> bool:
    """Keep an account's keys; return False, with nothing changed, where it has some and they are not to be replaced.

    `also` is written with them, where they are.
    """
    values = {"fingerprint": fingerprint, "token": token, "added_at": now, "added_by": by, "changed_at": now}

    def put(connection: Connection) -> bool:
        _one_at_a_time(store, connection)
        mine = API_KEYS.c.account == account
        if connection.execute(select(API_KEYS.c.account).where(mine)).first() is None:
            connection.execute(insert(API_KEYS).values(account=account, **values))
            also(connection)
            return True
        if replace:
            connection.execute(update(API_KEYS).where(mine).values(**values))
            also(connection)
        return replace

    return await store.write(put)


async def remove_keys(store: Store, account: str, *, also: Also = nothing_else) -> bool:
    """Delete an account's row; return whether there was one. `also` is written with it, where there was."""

    def remove(connection: Connection) -> bool:
        _one_at_a_time(store, connection)
        stood = connection.execute(delete(API_KEYS).where(API_KEYS.c.account == account)).rowcount > 0
        if stood:
            also(connection)
        return stood

    return await store.write(remove)


async def change_tokens(
    store: Store, change: Callable[[Mapping[str, StoredKeys]], Mapping[str, str]], now: datetime
) -> int:
    """Give accounts the tokens that `change` makes of all rows, all of them or none; return how many there were.

    Raises: StoreError, and what `change` raises; then nothing is changed.
    """

    def work(connection: Connection) -> int:
        _one_at_a_time(store, connection)
        tokens = change(_all(connection))
        for account, token in tokens.items():
            row = API_KEYS.c.account == account
            connection.execute(update(API_KEYS).where(row).values(token=token, changed_at=now))
        return len(tokens)

    return await store.write(work)


def _all(connection: Connection) -> dict[str, StoredKeys]:
    rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.account))
    return {row.account: StoredKeys(**row._mapping) for row in rows}  # noqa: SLF001 - as above


def _one_at_a_time(store: Store, connection: Connection) -> None:
    """Keep changes apart: an addition while all tokens change would miss the new master key."""
    store.queue(connection, "api_keys")
