"""How people are reached: channels, what each is told and when, and what became of every message."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from models.alert import Severity
from models.user_alert import AlertKind

NAME = r"^[a-z0-9][a-z0-9_-]{0,30}$"
OPERATIONAL = "operational"
KINDS = (OPERATIONAL, *(kind.value for kind in AlertKind))
DELIVERY_FAILED = "DELIVERY_FAILED"
RANK: Mapping[Severity, int] = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When a channel is told nothing but what is critical, by the clock on the wall of `timezone`."""

    start: time
    end: time
    timezone: str = "UTC"

    @property
    def words(self) -> str:
        """The hours as a person writes them."""
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.timezone}"


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to a person. Its address is not part of it: that is a secret.

    `service`: what the address begins with (slack, mailto, tgram, json). `severity`: the least that is told.
    """

    channel_id: int
    name: str
    service: str
    severity: Severity
    kinds: frozenset[str]
    quiet: QuietHours | None
    tells_over: bool
    added_at: datetime
    added_by: str
    failures: int = 0
    not_before: datetime | None = None
    last_sent_at: datetime | None = None
    last_reason: str = ""


class DeliveryState(StrEnum):
    """What became of one message to one channel."""

    DUE = "due"
    SENT = "sent"
    GAVE_UP = "gave_up"
    SUPERSEDED = "superseded"  # the same matter got worse before it was told, and is told so
    REMOVED = "removed"  # its channel was


class Word(StrEnum):
    """What is told of a matter."""

    RAISED = "raised"
    OVER = "over"


class Failure(StrEnum):
    """Why a message did not arrive, as far as that can be told."""

    NO_ANSWER = "no_answer"
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    SERVER_ERROR = "server_error"
    ADDRESS_LOCKED = "address_locked"
    ADDRESS_UNKNOWN = "address_unknown"
    NOT_TOLD = "not_told"  # the service said no, or did not answer, in a way that cannot be told apart


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel. `event`: the same again is the same message, and is kept once a channel.

    `was_interrupted`: an attempt ended without an answer, so it may have arrived already.
    """

    delivery_id: int
    event: str
    channel: str
    word: Word
    kind: str
    severity: Severity
    title: str
    message: str
    happened_at: datetime
    state: DeliveryState
    attempts: int
    last_tried_at: datetime | None
    next_at: datetime
    held_until: datetime | None
    reason: str
    sent_at: datetime | None
    over_at: datetime | None = None
    was_interrupted: bool = False

    @property
    def is_urgent(self) -> bool:
        """Whether it waits for nothing: what is over is no longer critical."""
        return self.severity is Severity.CRITICAL and self.word is Word.RAISED


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: to people as text, to a webhook as JSON."""

    title: str
    body: str
    severity: Severity
    is_over: bool = False
