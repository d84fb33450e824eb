"""A person's own exit limits for one position, and what it cost where no fill tells: kept until they are cleared."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from models.adoption import EntrySource
from models.amounts import plain
from models.exits import NEVER, OwnLimit, PositionConfig
from models.store.decisions import Decision, record
from models.store.engine import Store
from models.store.tables import POSITION_CONFIGS as CONFIGS
from models.store.tables import TRACKED

LIMITS = ("stop_loss", "take_profit", "trailing_stop", "max_hold_hours")


async def position_configs(store: Store, account: str) -> dict[str, PositionConfig]:
    """Return what people have set for an account's positions, by symbol. Raises: StoreError."""
    rows = await store.rows(select(CONFIGS).where(CONFIGS.c.account == account).order_by(CONFIGS.c.symbol))
    return {row.symbol: config_of(row) for row in rows}


async def set_config(
    store: Store,
    account: str,
    symbol: str,
    changes: Mapping[str, OwnLimit],
    *,
    entry_price: Decimal | None = None,
    by: str,
    reason: str,
    now: datetime,
) -> PositionConfig | None:
    """Change some limits of one position; what is not named stays, None is as the policy has it.

    Return what holds now; None: an entry price was told of a position that is not tracked, and nothing was changed.
    Raises: StoreError.
    """
    mine = (CONFIGS.c.account == account, CONFIGS.c.symbol == symbol)
    seen = select(TRACKED.c.first_seen_at).where(TRACKED.c.account == account, TRACKED.c.symbol == symbol)

    def put(connection: Connection) -> PositionConfig | None:
        store.queue(connection, f"position configs {account}")
        row = connection.execute(select(CONFIGS).where(*mine)).one_or_none()
        first_seen_at = connection.execute(seen).scalar_one_or_none()
        if entry_price is not None and first_seen_at is None:
            return None
        before = PositionConfig(account, symbol) if row is None else config_of(row)
        # What an earlier position of the symbol cost must not become the cost of this one.
        is_of_this_one = first_seen_at is not None and before.set_at >= first_seen_at
        kept = before.entry_price if is_of_this_one else None
        limits = {name: getattr(before, name) for name in LIMITS} | dict(changes)
        after = PositionConfig(
            account=account,
            symbol=symbol,
            **limits,
            entry_price=kept if entry_price is None else entry_price,
            set_at=now,
            set_by=by,
            reason=reason,
        )
        connection.execute(delete(CONFIGS).where(*mine))
        if not after.says_nothing:
            connection.execute(insert(CONFIGS).values(**_values(after)))
        told = {name: _text(limit) or "policy" for name, limit in changes.items()}
        told |= {} if entry_price is None else {"entry_price": plain(entry_price)}
        words = ", ".join(f"{name} {value}" for name, value in told.items())
        record(connection, Decision(account, f"set exits of {symbol}: {words}", by, reason, now))
        return after

    return await store.write(put)


async def clear_config(store: Store, account: str, symbol: str, *, by: str, reason: str, now: datetime) -> bool:
    """Let the policy alone decide again, and forget what a person said a position cost, adopted or not.

    Return whether anything was set. Raises: StoreError.
    """
    mine = (CONFIGS.c.account == account, CONFIGS.c.symbol == symbol)
    told = (
        TRACKED.c.account == account,
        TRACKED.c.symbol == symbol,
        TRACKED.c.entry_source == EntrySource.BY_HAND.value,
    )
    forget = update(TRACKED).where(*told).values(entry_price=None, entry_source=None, entry_at=None)

    def clear(connection: Connection) -> bool:
        store.queue(connection, f"tracked {account}")
        forgotten = connection.execute(forget).rowcount > 0
        stood = connection.execute(delete(CONFIGS).where(*mine)).rowcount > 0 or forgotten
        if stood:
            record(connection, Decision(account, f"clear exits of {symbol}", by, reason, now))
        return stood

    return await store.write(clear)


def _values(config: PositionConfig) -> dict[str, Any]:
    return {
        "account": config.account,
        "symbol": config.symbol,
        **{name: _text(getattr(config, name)) for name in LIMITS},
        "entry_price": config.entry_price,
        "set_at": config.set_at,
        "set_by": config.set_by,
        "reason": config.reason,
    }


def config_of(row: Row[Any]) -> PositionConfig:
    """Read a row of the table of people's own limits."""
    return PositionConfig(
        account=row.account,
        symbol=row.symbol,
        stop_loss=_limit(row.stop_loss),
        take_profit=_limit(row.take_profit),
        trailing_stop=_limit(row.trailing_stop),
        max_hold_hours=_limit(row.max_hold_hours),
        entry_price=row.entry_price,
        set_at=row.set_at,
        set_by=row.set_by,
        reason=row.reason,
    )


def _text(limit: OwnLimit) -> str | None:
    return plain(limit) if isinstance(limit, Decimal) else limit


def _limit(text: str | None) -> OwnLimit:
    if text is None:
        return None
    return NEVER if text == NEVER else Decimal(text)
