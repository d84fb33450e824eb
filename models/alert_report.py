"""What `nija alerts` says of people's alerts, channels and deliveries. Fields are kept and grow only by addition."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.alert import Severity
from models.amounts import plain
from models.channel import Channel, Delivery, DeliveryState
from models.user_alert import AlertKind, Firing, KeptAlert, Metric, Side


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class UserAlertReport(_Part):
    """One alert that a person made. `problem`: why the last look said nothing. Amounts are decimal strings."""

    alert_id: int
    kind: AlertKind
    condition: str
    metric: Metric
    side: Side
    threshold: str
    account: str
    venue: str
    symbol: str
    strategy: str
    hysteresis_fraction: str
    max_age_seconds: float
    severity: Severity
    note: str
    enabled: bool
    holds: bool
    trigger_count: int
    last_triggered_at: datetime | None
    last_value: str | None
    last_value_at: datetime | None
    last_checked_at: datetime | None
    problem: str
    created_at: datetime
    created_by: str


class FiringReport(_Part):
    """One time that an alert of a person's fired; `number` counts those of the alert."""

    firing_id: int
    alert_id: int
    number: int
    kind: AlertKind
    severity: Severity
    account: str
    symbol: str
    message: str
    value: str
    fired_at: datetime


class ChannelReport(_Part):
    """One channel; its address is a secret and not among these."""

    name: str
    service: str
    address: str
    severity: Severity
    kinds: list[str]
    quiet: str | None
    tells_over: bool
    added_at: datetime
    added_by: str
    failures: int
    left_alone_until: datetime | None
    last_sent_at: datetime | None
    last_reason: str


class DeliveryReport(_Part):
    """One message to one channel. `next_at`: when it is tried next, None where it is not."""

    delivery_id: int
    event: str
    channel: str
    word: str
    kind: str
    severity: Severity
    title: str
    message: str
    happened_at: datetime
    state: DeliveryState
    attempts: int
    last_tried_at: datetime | None
    next_at: datetime | None
    held_until: datetime | None
    reason: str
    sent_at: datetime | None


class ChannelList(_Part):
    """Channels by name."""

    channels: list[ChannelReport]


class DeliveryList(_Part):
    """Messages, newest first."""

    deliveries: list[DeliveryReport]


class SentReport(_Part):
    """What one pass sent to one channel. `reason`: why the last attempt failed, empty where none did."""

    channel: str
    sent: int
    failed: int
    given_up: int = 0
    reason: str = ""


class SentList(_Part):
    """What was sent to each channel."""

    sent: list[SentReport]

    @property
    def exit_code(self) -> int:
        """0 everything arrived; 3 something did not."""
        return 3 if any(one.failed for one in self.sent) else 0


class AlertCheckReport(_Part):
    """One look at people's alerts, and what was delivered after it. `unjudged`: of which nothing could be said."""

    checked_at: datetime
    checked: int
    fired: list[UserAlertReport]
    unjudged: list[UserAlertReport]
    delivered: list[SentReport]

    @property
    def exit_code(self) -> int:
        """0 all was judged and delivered; 3 something was not."""
        return 3 if self.unjudged or any(one.failed for one in self.delivered) else 0


def user_alert_report(kept: KeptAlert) -> UserAlertReport:
    """Return a person's alert as the outside reads it."""
    alert = kept.alert
    return UserAlertReport(
        alert_id=kept.alert_id,
        condition=alert.condition,
        threshold=plain(alert.threshold),
        hysteresis_fraction=plain(alert.hysteresis_fraction),
        max_age_seconds=alert.max_age.total_seconds(),
        holds=kept.is_met,
        last_value=None if kept.last_value is None else plain(kept.last_value),
        **alert.model_dump(exclude={"threshold", "hysteresis_fraction", "max_age"}),
        **{name: getattr(kept, name) for name in _KEPT},
    )


def firing_report(fired: Firing) -> FiringReport:
    """Return a firing as the outside reads it."""
    names = FiringReport.model_fields.keys() - {"value"}
    return FiringReport(value=plain(fired.value), **{name: getattr(fired, name) for name in names})


def channel_report(channel: Channel) -> ChannelReport:
    """Return a channel as the outside reads it."""
    return ChannelReport(
        name=channel.name,
        service=channel.service,
        address=f"{channel.service}://****",
        severity=channel.severity,
        kinds=sorted(channel.kinds),
        quiet=None if channel.quiet is None else channel.quiet.words,
        tells_over=channel.tells_over,
        added_at=channel.added_at,
        added_by=channel.added_by,
        failures=channel.failures,
        left_alone_until=channel.not_before,
        last_sent_at=channel.last_sent_at,
        last_reason=channel.last_reason,
    )


def delivery_report(one: Delivery) -> DeliveryReport:
    """Return a message's way as the outside reads it."""
    return DeliveryReport(
        next_at=one.next_at if one.state is DeliveryState.DUE else None,
        word=one.word.value,
        **{name: getattr(one, name) for name in DeliveryReport.model_fields if name not in {"next_at", "word"}},
    )


_KEPT = (
    "enabled",
    "trigger_count",
    "last_triggered_at",
    "last_value_at",
    "last_checked_at",
    "problem",
    "created_at",
    "created_by",
)
