"""Keep an account's day with a read, and stop its entries where the day crossed a limit: all in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from models.alert import OperationalAlert, Severity
from models.position import Snapshot
from models.reasons import HaltCause, Mode
from models.risk import JudgedDay, RiskDay, Trip
from models.store.alerts import close_within, raise_within
from models.store.balances import keep_balance
from models.store.decisions import Decision, record
from models.store.engine import Store
from models.store.risk_days import newest_day, put_day, queue_of
from models.store.tables import HALTS

JudgeDay = Callable[[RiskDay | None], JudgedDay]

_BY = "clear condition"


@dataclass(frozen=True, slots=True)
class ReadBy:
    """Which run read the account, whether money was real, and under which policy."""

    run_id: str
    mode: Mode
    policy_version: str


def keep_risk_day(
    store: Store, connection: Connection, account: str, judge: JudgeDay, *, read_by: ReadBy, now: datetime
) -> None:
    """Keep what `judge` makes of an account's day, lift what ended with the last one, and halt for what it crossed.

    Whoever reads the account at the same time waits. A halt of the same cause that stands already stays as it is; a new
    one raises a critical alert.
    """
    store.queue(connection, queue_of(account))
    before = newest_day(connection, account)
    judged = judge(before)
    put_day(connection, account, judged.day, now=now)
    if before is not None and judged.day.day > before.day:
        _lift_daily_loss(connection, account, judged.day, now)
    for trip in judged.trips:
        _halt(store, connection, account, trip, read_by=read_by, now=now)


async def save_read(store: Store, snapshot: Snapshot, judge: JudgeDay | None, *, read_by: ReadBy) -> None:
    """Keep the balance and the day of a read of which nothing else is kept; `judge` None: it tells nothing of the day.

    Raises: StoreError.
    """

    def save(connection: Connection) -> None:
        keep_balance(connection, snapshot, mode=read_by.mode, policy_version=read_by.policy_version)
        if judge is not None:
            keep_risk_day(store, connection, snapshot.account, judge, read_by=read_by, now=snapshot.taken_at)

    await store.write(save)


def _lift_daily_loss(connection: Connection, account: str, day: RiskDay, now: datetime) -> None:
    reason = f"{day.day} has begun"
    standing = (HALTS.c.account == account, HALTS.c.cause == HaltCause.DAILY_LOSS.value, HALTS.c.cleared_at.is_(None))
    lift = update(HALTS).where(*standing).values(cleared_at=now, cleared_by=_BY, clear_reason=reason)
    if lifted := connection.execute(lift).rowcount:
        record(connection, Decision(account, f"lift {lifted} halts", _BY, reason, now))
        close_within(connection, [HaltCause.DAILY_LOSS], account=account, now=now)


def _halt(store: Store, connection: Connection, account: str, trip: Trip, *, read_by: ReadBy, now: datetime) -> None:
    standing = (HALTS.c.account == account, HALTS.c.cause == trip.cause.value, HALTS.c.cleared_at.is_(None))
    if connection.execute(select(HALTS.c.halt_id).where(*standing)).first() is not None:
        return
    connection.execute(
        insert(HALTS).values(
            account=account,
            mode=read_by.mode.value,
            policy_version=read_by.policy_version,
            run_id=read_by.run_id,
            cause=trip.cause.value,
            detail=trip.detail,
            clears_when=trip.clears_when,
            halted_at=now,
        ),
    )
    message = f"no entries: {trip.detail}; clears when {trip.clears_when}"
    raise_within(store, connection, [OperationalAlert(trip.cause.value, message, Severity.CRITICAL, account)], now=now)
