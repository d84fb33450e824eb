"""The tables. Every row says which account, mode and policy version it belongs to."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

import models.store.alert_tables
import models.store.backtest_tables
import models.store.desk_tables
import models.store.history_tables
import models.store.journal_tables
import models.store.research_tables  # noqa: F401 - likewise
from models.reasons import FINAL_STATES
from models.store.columns import Exact, Instant

_UNDECIDED = text("state NOT IN ({})".format(", ".join(f"'{s.value}'" for s in sorted(FINAL_STATES))))


def _exact(*, nullable: bool = False) -> Any:
    return Field(sa_type=Exact, nullable=nullable)


def _instant(*, nullable: bool = False) -> Any:
    return Field(sa_type=Instant, nullable=nullable)


class Owned(SQLModel):
    """What every row carries: whose it is, whether money was real, and under which policy it came to be."""

    account: str = Field(index=True)
    mode: str
    policy_version: str


class RunRow(SQLModel, table=True):
    """One run of a pipeline over a fleet; what each account made of it is in `account_runs`."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "one_unfinished_run_per_flow_run",
            "flow_run_id",
            unique=True,
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    run_id: str = Field(primary_key=True)
    pipeline: str
    mode: str
    fleet: str
    flow_run_id: str | None = None  # Prefect's; NULL: it was run without
    started_at: datetime = _instant()
    finished_at: datetime | None = _instant(nullable=True)


class AccountRunRow(Owned, table=True):
    """What one run made of one account: the account's part of the report."""

    __tablename__ = "account_runs"

    run_id: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    status: str
    finished_at: datetime = _instant()
    report: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class SnapshotRow(Owned, table=True):
    """What the venue said the account holds, and the prices it was valued at."""

    __tablename__ = "snapshots"
    __table_args__ = (Index("snapshots_of_an_account", "account", "snapshot_id"),)

    snapshot_id: int | None = Field(default=None, primary_key=True)
    run_id: str = Field(index=True)
    cycle: int
    taken_at: datetime = _instant()
    cash_total: Decimal = _exact()
    equity: Decimal = _exact()
    positions: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))


class PlanRow(Owned, table=True):
    """A plan as it was made, before anything of it was sent."""

    __tablename__ = "plans"

    plan_id: str = Field(primary_key=True)
    content_hash: str
    run_id: str = Field(index=True)
    cycle: int
    made_at: datetime = _instant()
    expires_at: datetime = _instant()
    actions: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    skips: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))


class OrderRow(Owned, table=True):
    """The order ledger. The partial index keeps a second order away while one of the same symbol is undecided."""

    __tablename__ = "orders"
    __table_args__ = (
        Index(
            "one_undecided_order_per_symbol",
            "account",
            "symbol",
            unique=True,
            sqlite_where=_UNDECIDED,
            postgresql_where=_UNDECIDED,
        ),
        Index("orders_by_change", "updated_at"),
        Index("orders_of_an_account", "account", "created_at"),
    )

    client_order_id: str = Field(primary_key=True)
    run_id: str = Field(index=True)
    plan_id: str
    cycle: int
    kind: str
    symbol: str
    side: str
    quantity: Decimal = _exact()
    expected_price: Decimal = _exact()
    holding_before: Decimal = _exact()
    lease_token: int
    state: str = Field(index=True)
    venue_order_id: str | None = None
    filled: Decimal = _exact()
    average_price: Decimal | None = _exact(nullable=True)
    fee_quote: Decimal | None = _exact(nullable=True)
    error_code: str | None = None
    detail: str = ""
    created_at: datetime = _instant()
    sent_at: datetime | None = _instant(nullable=True)
    timed_out_at: datetime | None = _instant(nullable=True)
    updated_at: datetime = _instant()


class FillRow(Owned, table=True):
    """One execution at the venue; the venue's trade id (unique within a symbol) keeps it from being added twice."""

    __tablename__ = "fills"
    __table_args__ = (UniqueConstraint("account", "symbol", "trade_id", name="one_row_per_trade"),)

    fill_id: int | None = Field(default=None, primary_key=True)
    client_order_id: str = Field(index=True)
    trade_id: str
    symbol: str
    side: str
    quantity: Decimal = _exact()
    price: Decimal = _exact()
    fee: Decimal | None = _exact(nullable=True)
    fee_asset: str | None = None
    filled_at: datetime | None = _instant(nullable=True)


class LeaseRow(SQLModel, table=True):
    """Who may write to an account, and until when (seconds since 1970 by the store's own clock)."""

    __tablename__ = "leases"

    account: str = Field(primary_key=True)
    holder: str
    token: int
    expires_at: float


class KeyTurnRow(SQLModel, table=True):
    """Whose turn it is to sign with a key, and the last nonce that may have been drawn (see `brokers.nonces`)."""

    __tablename__ = "key_turns"

    key_id: str = Field(primary_key=True)
    holder: str | None = None
    wanted_by: str | None = None
    expires_at: float = 0.0
    last_nonce: int = Field(default=0, sa_type=BigInteger)


class APIKey(SQLModel, table=True):
    """The keys of one account, encrypted as one token; `fingerprint` tells keys apart and opens nothing."""

    __tablename__ = "api_keys"

    account: str = Field(primary_key=True)
    fingerprint: str
    token: str
    added_at: datetime = _instant()
    added_by: str
    changed_at: datetime = _instant()


class HaltRow(Owned, table=True):
    """Why an account was stopped, what clears it, and who cleared it."""

    __tablename__ = "halts"
    __table_args__ = (
        Index(
            "one_standing_halt_per_cause",
            "account",
            "cause",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    halt_id: int | None = Field(default=None, primary_key=True)
    run_id: str
    cause: str
    detail: str
    clears_when: str
    halted_at: datetime = _instant()
    cleared_at: datetime | None = _instant(nullable=True)
    cleared_by: str | None = None
    clear_reason: str | None = None


class DustMarkRow(Owned, table=True):
    """The dust blacklist: one standing mark per account and symbol; removed ones are kept with who and why."""

    __tablename__ = "dust_marks"
    __table_args__ = (
        Index(
            "one_standing_mark_per_symbol",
            "account",
            "symbol",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
    )

    mark_id: int | None = Field(default=None, primary_key=True)
    symbol: str
    reason: str
    value: Decimal | None = _exact(nullable=True)
    marked_at: datetime = _instant()
    retry_at: datetime | None = _instant(nullable=True)
    removed_at: datetime | None = _instant(nullable=True)
    removed_by: str | None = None
    removed_reason: str | None = None


class TrackedRow(Owned, table=True):
    """A position since it was first seen. A snapshot replaces quantity and value and never the first sight."""

    __tablename__ = "tracked_positions"

    account: str = Field(primary_key=True)
    symbol: str = Field(primary_key=True)
    quantity: Decimal = _exact()
    value: Decimal | None = _exact(nullable=True)
    entry_price: Decimal | None = _exact(nullable=True)
    entry_source: str | None = None  # fills | by_hand; NULL: not known
    entry_at: datetime | None = _instant(nullable=True)
    source: str | None = None  # broker_existing | nija_strategy; NULL: not adopted yet
    peak_price: Decimal | None = _exact(nullable=True)
    first_seen_at: datetime = _instant()
    last_seen_at: datetime = _instant()


class ReservationRow(SQLModel, table=True):
    """A slot promised to an entry that was just allowed (seconds since 1970 by the store's own clock)."""

    __tablename__ = "entry_reservations"

    account: str = Field(primary_key=True)
    symbol: str = Field(primary_key=True)
    notional: Decimal = _exact()
    expires_at: float


class BreakerRow(SQLModel, table=True):
    """One circuit breaker, which all processes share. Times are seconds since 1970 by the store's own clock.

    `account` is "*" for what the accounts of a venue read together; `address` is empty for the venue's own.
    """

    __tablename__ = "breakers"

    venue: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    direction: str = Field(primary_key=True)
    state: str
    failures: int
    successes: int
    openings: int
    recovery_seconds: float
    state_since: float
    healthy_since: float | None = None
    probe_by: str | None = None
    probe_expires_at: float | None = None
    total_calls: int
    total_failures: int
    last_success: float | None = None
    last_failure: float | None = None
    last_error_code: str | None = None
    version: int


class ThrottleRow(SQLModel, table=True):
    """What of one allowance is used up, which all processes share (seconds by the store's own clock)."""

    __tablename__ = "throttles"

    budget: str = Field(primary_key=True)
    level: float
    updated_at: float
    grants: list[list[float]] = Field(sa_column=Column(JSON, nullable=False))  # of a window: until when, how much
    closed_until: float = 0.0
    closed_for: str = ""


class FreezeRow(Owned, table=True):
    """A symbol whose price failed, or that a person set aside; the row goes when nothing is left to say."""

    __tablename__ = "freezes"

    account: str = Field(primary_key=True)
    symbol: str = Field(primary_key=True)
    state: str
    cause: str
    failures: int
    since: datetime = _instant()
    thaws_at: datetime | None = _instant(nullable=True)
    updated_at: datetime = _instant()


class BalanceRow(Owned, table=True):
    """The last balance that could be read, and how many reads have failed since."""

    __tablename__ = "balances"

    account: str = Field(primary_key=True)
    cash_free: Decimal | None = _exact(nullable=True)
    cash_total: Decimal | None = _exact(nullable=True)
    equity: Decimal | None = _exact(nullable=True)
    read_at: datetime | None = _instant(nullable=True)
    errors: int
    last_error_code: str | None = None
    last_error_at: datetime | None = _instant(nullable=True)


class DecisionRow(SQLModel, table=True):
    """What a person decided about an account, with who, when and why."""

    __tablename__ = "decisions"

    decision_id: int | None = Field(default=None, primary_key=True)
    account: str = Field(index=True)
    decision: str
    decided_by: str
    reason: str
    decided_at: datetime = _instant()


class PositionConfigRow(SQLModel, table=True):
    """A person's own exit limits for one position; what is NULL is as the policy has it, `never` switches it off."""

    __tablename__ = "position_configs"

    account: str = Field(primary_key=True)
    symbol: str = Field(primary_key=True)
    stop_loss: str | None = None  # a fraction, or "never"
    take_profit: str | None = None
    trailing_stop: str | None = None
    max_hold_hours: str | None = None
    entry_price: Decimal | None = _exact(nullable=True)  # told by a person, where no fill tells it
    set_at: datetime = _instant()
    set_by: str
    reason: str


class RiskDayRow(SQLModel, table=True):
    """How an account's day in UTC has gone so far, and the highest equity it ever had."""

    __tablename__ = "risk_days"

    account: str = Field(primary_key=True)
    day: str = Field(primary_key=True)  # YYYY-MM-DD
    began_with: Decimal = _exact()
    peak: Decimal = _exact()
    equity: Decimal = _exact()
    updated_at: datetime = _instant()


class OverrideRow(SQLModel, table=True):
    """A limit that a person has set aside for a while."""

    __tablename__ = "overrides"

    override_id: int | None = Field(default=None, primary_key=True)
    account: str = Field(index=True)
    block: str
    set_at: datetime = _instant()
    expires_at: datetime = _instant()
    set_by: str
    reason: str


class ReconciliationRow(Owned, table=True):
    """What the last comparison of an account's books with its venue found; a mismatch blocks entries."""

    __tablename__ = "reconciliations"

    account: str = Field(primary_key=True)
    at: datetime = _instant()
    mismatches: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))


class HeartbeatRow(SQLModel, table=True):
    """When something that runs again and again was last seen: a pipeline, or an account in it."""

    __tablename__ = "heartbeats"

    pipeline: str = Field(primary_key=True)
    account: str = Field(primary_key=True)  # "*": the pipeline as a whole
    last_seen: datetime = _instant()
    last_ok: datetime | None = _instant(nullable=True)
    every_seconds: float | None = None  # how often it is expected; NULL: on demand
    status: str
    detail: str = ""


class VerificationRow(SQLModel, table=True):
    """One verification: every check with what it found."""

    __tablename__ = "verifications"

    run_id: str = Field(primary_key=True)
    started_at: datetime = _instant()
    finished_at: datetime = _instant()
    passed: int
    failed: int
    checks: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))


class AlertRow(SQLModel, table=True):
    """Something a person must know; the same again while it stands is counted, not repeated."""

    __tablename__ = "operational_alerts"
    __table_args__ = (
        Index(
            "one_standing_alert_per_matter",
            "code",
            "account",
            "symbol",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    alert_id: int | None = Field(default=None, primary_key=True)
    code: str
    account: str  # "*": the whole fleet
    symbol: str = ""
    severity: str  # info | warning | critical
    message: str
    raised_at: datetime = _instant()
    last_at: datetime = _instant()
    times: int
    acknowledged_at: datetime | None = _instant(nullable=True)
    acknowledged_by: str | None = None
    closed_at: datetime | None = _instant(nullable=True)


class CounterRow(SQLModel, table=True):
    """How often something has happened, by day in UTC."""

    __tablename__ = "counters"

    name: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    times: int


def _table(row: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(row.__tablename__)]


# The same tables as the statements of this package name them.
RUNS = _table(RunRow)
ACCOUNT_RUNS = _table(AccountRunRow)
SNAPSHOTS = _table(SnapshotRow)
PLANS = _table(PlanRow)
ORDERS = _table(OrderRow)
FILLS = _table(FillRow)
LEASES = _table(LeaseRow)
KEY_TURNS = _table(KeyTurnRow)
API_KEYS = _table(APIKey)
HALTS = _table(HaltRow)
DUST_MARKS = _table(DustMarkRow)
TRACKED = _table(TrackedRow)
RESERVATIONS = _table(ReservationRow)
DECISIONS = _table(DecisionRow)
BREAKERS = _table(BreakerRow)
THROTTLES = _table(ThrottleRow)
FREEZES = _table(FreezeRow)
BALANCES = _table(BalanceRow)
POSITION_CONFIGS = _table(PositionConfigRow)
RISK_DAYS = _table(RiskDayRow)
OVERRIDES = _table(OverrideRow)
RECONCILIATIONS = _table(ReconciliationRow)
HEARTBEATS = _table(HeartbeatRow)
VERIFICATIONS = _table(VerificationRow)
OPERATIONAL_ALERTS = _table(AlertRow)
COUNTERS = _table(CounterRow)
