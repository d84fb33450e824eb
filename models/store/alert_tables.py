"""The tables of alerts that people make, of what is published for them, and of how people are told."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.store.columns import Exact, Instant


class UserAlertRow(SQLModel, table=True):
    """A condition that a person wishes to be told of, and how it stood when it was looked at last."""

    __tablename__ = "user_alerts"
    __table_args__ = {"sqlite_autoincrement": True}  # events name an id: a deleted one's is not given again

    alert_id: int | None = Field(default=None, primary_key=True)
    kind: str
    metric: str
    side: str
    threshold: Decimal = Field(sa_type=Exact, nullable=False)
    account: str
    venue: str
    symbol: str
    strategy: str
    hysteresis_fraction: Decimal = Field(sa_type=Exact, nullable=False)
    max_age_seconds: float
    severity: str
    note: str
    enabled: bool
    is_met: bool
    trigger_count: int
    last_triggered_at: datetime | None = Field(sa_type=Instant, nullable=True)
    last_value: Decimal | None = Field(sa_type=Exact, nullable=True)
    last_value_at: datetime | None = Field(sa_type=Instant, nullable=True)
    last_checked_at: datetime | None = Field(sa_type=Instant, nullable=True)
    problem: str  # why the last look said nothing; empty where it did
    created_at: datetime = Field(sa_type=Instant, nullable=False)
    created_by: str
    version: int


class FiringRow(SQLModel, table=True):
    """One time that an alert of a person's fired; it stays when the alert is deleted."""

    __tablename__ = "alert_firings"
    __table_args__ = (UniqueConstraint("alert_id", "number", name="one_firing_per_number"),)

    firing_id: int | None = Field(default=None, primary_key=True)
    alert_id: int
    number: int
    kind: str
    severity: str
    account: str
    symbol: str
    message: str
    value: Decimal = Field(sa_type=Exact, nullable=False)
    fired_at: datetime = Field(sa_type=Instant, nullable=False)


class SignalRow(SQLModel, table=True):
    """What a strategy published of a symbol."""

    __tablename__ = "strategy_signals"
    __table_args__ = (Index("ix_strategy_signals_subject", "strategy", "symbol", "metric", "at"),)

    signal_id: int | None = Field(default=None, primary_key=True)
    strategy: str
    symbol: str
    metric: str
    value: Decimal = Field(sa_type=Exact, nullable=False)
    at: datetime = Field(sa_type=Instant, nullable=False)
    published_by: str


class ChannelRow(SQLModel, table=True):
    """One way to a person. `token`: its address, encrypted; `failures`: attempts that failed since one went well."""

    __tablename__ = "alert_channels"
    __table_args__ = {"sqlite_autoincrement": True}  # as above

    channel_id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    service: str
    token: str
    severity: str
    kinds: str
    quiet_from: str | None = None  # HH:MM, all three or none
    quiet_until: str | None = None
    timezone: str | None = None
    tells_over: bool
    added_at: datetime = Field(sa_type=Instant, nullable=False)
    added_by: str
    failures: int
    not_before: datetime | None = Field(sa_type=Instant, nullable=True)
    last_sent_at: datetime | None = Field(sa_type=Instant, nullable=True)
    last_reason: str


class DeliveryRow(SQLModel, table=True):
    """The outbox: one row per event and channel. A claim runs out by the store's own clock."""

    __tablename__ = "alert_deliveries"
    __table_args__ = (
        UniqueConstraint("event", "channel_id", name="one_delivery_per_event_and_channel"),
        Index("ix_alert_deliveries_due", "channel_id", "state", "next_at"),
        Index("ix_alert_deliveries_matter", "channel_id", "source", "alert_id"),
    )

    delivery_id: int | None = Field(default=None, primary_key=True)
    event: str
    channel_id: int
    channel: str
    source: str  # operational | user
    alert_id: int
    word: str
    kind: str
    severity: str
    severity_rank: int
    title: str
    message: str
    happened_at: datetime = Field(sa_type=Instant, nullable=False)
    state: str
    attempts: int
    first_tried_at: datetime | None = Field(sa_type=Instant, nullable=True)
    last_tried_at: datetime | None = Field(sa_type=Instant, nullable=True)
    next_at: datetime = Field(sa_type=Instant, nullable=False)
    held_until: datetime | None = Field(sa_type=Instant, nullable=True)
    reason: str
    claimed_by: str | None = None
    claim_expires_at: float | None = None
    sent_at: datetime | None = Field(sa_type=Instant, nullable=True)
    told_over: bool  # the message that was sent said, too, that it is over


USER_ALERTS = SQLModel.metadata.tables["user_alerts"]
FIRINGS = SQLModel.metadata.tables["alert_firings"]
SIGNALS = SQLModel.metadata.tables["strategy_signals"]
CHANNELS = SQLModel.metadata.tables["alert_channels"]
DELIVERIES = SQLModel.metadata.tables["alert_deliveries"]
