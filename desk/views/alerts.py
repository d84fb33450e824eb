"""What there is to know, and who is told: alerts of the fleet itself, those that people made, and messages."""

from typing import Any

from desk.desk import Desk
from desk.listing import Column, Kind, Listing, Tone
from models.alert import FLEET, Severity
from models.alert_report import (
    ChannelReport,
    DeliveryReport,
    FiringReport,
    UserAlertReport,
    channel_report,
    delivery_report,
    firing_report,
    user_alert_report,
)
from models.channel import RANK, DeliveryState
from models.errors import NotFound
from models.store.alerts import alerts
from models.store.channels import channels
from models.store.deliveries import deliveries
from models.store.user_alerts import firings, user_alert, user_alerts
from models.watch_report import AlertReport, alert_report

MOST = 1000
SEVERITY = {Severity.CRITICAL: Tone.BAD, Severity.WARNING: Tone.WARN, Severity.INFO: Tone.INFO}
_ON = {True: Tone.GOOD, False: Tone.PLAIN}
_DELIVERY = {DeliveryState.SENT: Tone.GOOD, DeliveryState.GAVE_UP: Tone.BAD}


async def operational(desk: Desk, *, everything: bool = False) -> list[AlertReport]:
    """Return what stands, newest first; `everything`: what is over, too. Raises: StoreError."""
    return [alert_report(one) for one in await alerts(desk.store, standing=not everything, limit=MOST)]


async def mine(desk: Desk) -> list[UserAlertReport]:
    """Return the alerts that people made, in that order. Raises: StoreError."""
    return [user_alert_report(one) for one in await user_alerts(desk.store)]


async def one_of_mine(desk: Desk, alert_id: int) -> UserAlertReport:
    """Return an alert that somebody made. Raises: NotFound, StoreError."""
    kept = await user_alert(desk.store, alert_id)
    if kept is None:
        raise NotFound("alert", str(alert_id))
    return user_alert_report(kept)


async def history(desk: Desk, alert_id: int | None = None) -> list[FiringReport]:
    """Return what fired, newest first, of one alert or of all. Raises: StoreError."""
    return [firing_report(one) for one in await firings(desk.store, alert_id, limit=MOST)]


async def told(desk: Desk) -> list[DeliveryReport]:
    """Return what was sent to whom, newest first. Raises: StoreError."""
    return [delivery_report(one) for one in await deliveries(desk.store, channel=None, limit=MOST)]


async def who_is_told(desk: Desk) -> list[ChannelReport]:
    """Return the channels, without their addresses. Raises: StoreError."""
    return [channel_report(one) for one in await channels(desk.store)]


def whose(account: str, symbol: str) -> str:
    """Say what an alert is about."""
    return f"{'' if account == FLEET else account} {symbol}".strip() or "the fleet"


_SEVERITY: Column[Any] = Column(
    "severity",
    "Severity",
    lambda row: row.severity.value,
    Kind.STATE,
    tone=lambda row: SEVERITY[row.severity],
    order=lambda row: RANK[row.severity],
)

OPERATIONAL: Listing[AlertReport] = Listing(
    "alerts",
    (
        _SEVERITY,
        Column("whose", "Whose", lambda a: whose(a.account, a.symbol)),
        Column("message", "What", lambda a: a.message, Kind.LONG),
        Column("code", "Code", lambda a: a.code),
        Column("raised_at", "Since (UTC)", lambda a: a.raised_at, Kind.TIME),
        Column("last_at", "Last seen (UTC)", lambda a: a.last_at, Kind.TIME, on_page=False),
        Column("times", "Times", lambda a: a.times, Kind.NUMBER),
        Column("acknowledged_by", "Known to", lambda a: a.acknowledged_by or ""),
        Column("closed_at", "Over (UTC)", lambda a: a.closed_at, Kind.TIME),
    ),
    key=lambda a: str(a.alert_id),
)

MINE: Listing[UserAlertReport] = Listing(
    "my-alerts",
    (
        Column("alert_id", "No.", lambda a: a.alert_id, Kind.NUMBER),
        Column("condition", "Condition", lambda a: a.condition, Kind.LONG),
        Column("enabled", "On", lambda a: "on" if a.enabled else "off", Kind.STATE, tone=lambda a: _ON[a.enabled]),
        _SEVERITY,
        Column("holds", "Holds", lambda a: a.holds),
        Column("last_value", "Value", lambda a: a.last_value, Kind.NUMBER),
        Column("trigger_count", "Fired", lambda a: a.trigger_count, Kind.NUMBER),
        Column("last_triggered_at", "Last (UTC)", lambda a: a.last_triggered_at, Kind.TIME),
        Column("last_checked_at", "Judged (UTC)", lambda a: a.last_checked_at, Kind.TIME, on_page=False),
        Column(
            "problem", "Why not", lambda a: a.problem, Kind.LONG, tone=lambda a: Tone.WARN if a.problem else Tone.PLAIN
        ),
        Column("note", "Note", lambda a: a.note, Kind.LONG),
        Column("created_by", "Made by", lambda a: a.created_by, on_page=False),
    ),
    key=lambda a: str(a.alert_id),
)

FIRINGS: Listing[FiringReport] = Listing(
    "alert-history",
    (
        Column("fired_at", "When (UTC)", lambda f: f.fired_at, Kind.TIME),
        Column("alert_id", "Alert", lambda f: f.alert_id, Kind.NUMBER),
        Column("number", "Time", lambda f: f.number, Kind.NUMBER),
        _SEVERITY,
        Column("whose", "Whose", lambda f: whose(f.account, f.symbol)),
        Column("message", "What", lambda f: f.message, Kind.LONG),
        Column("value", "Value", lambda f: f.value, Kind.NUMBER),
    ),
    key=lambda f: str(f.firing_id),
)

DELIVERIES: Listing[DeliveryReport] = Listing(
    "alert-deliveries",
    (
        Column("happened_at", "When (UTC)", lambda d: d.happened_at, Kind.TIME),
        Column("channel", "Channel", lambda d: d.channel),
        Column("word", "What", lambda d: d.word),
        Column(
            "severity",
            "Severity",
            lambda d: d.severity.value,
            Kind.STATE,
            tone=lambda d: SEVERITY[d.severity],
            order=lambda d: RANK[d.severity],
        ),
        Column("message", "Of", lambda d: f"{d.title}: {d.message}", Kind.LONG),
        Column("state", "State", lambda d: d.state.value, Kind.STATE, tone=lambda d: _DELIVERY.get(d.state, Tone.WARN)),
        Column("attempts", "Tries", lambda d: d.attempts, Kind.NUMBER),
        Column("reason", "Why not", lambda d: d.reason),
        Column("next_at", "Next (UTC)", lambda d: d.next_at, Kind.TIME),
    ),
    key=lambda d: str(d.delivery_id),
)
