"""A circuit breaker as a value: what is known of one way to a venue, and how well it is.

Instants are seconds since 1970 by the store's own clock, which all processes share.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from models.policy import Policy

EVERYBODY = "*"  # the account of what all accounts of a venue read together
HISTORY = "*history"  # the account of what is read of the past: its faults keep nobody's trading from the venue


class Direction(StrEnum):
    """What is asked of the venue: a venue may answer questions and take no orders."""

    READ = "read"
    WRITE = "write"


class CircuitState(StrEnum):
    """Whether calls are let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"  # one call at a time, to see whether the venue is back


class Health(StrEnum):
    """The same in an operator's words."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    OFFLINE = "offline"


class CallResult(StrEnum):
    """What a call says of the way to the venue. A refusal says nothing of it: the venue was there, and meant no."""

    SUCCESS = "success"
    FAULT = "fault"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True, order=True)
class BreakerKey:
    """Which way: `address` is host:port, empty for the venue's own; `account` is "*" for what accounts share."""

    venue: str
    address: str
    account: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens, for how long at first, and when it closes."""

    failure_threshold: int
    recovery_seconds: float
    success_threshold: int

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Return the limits that a policy sets."""
        return cls(policy.breaker_failure_threshold, policy.breaker_recovery_seconds, policy.breaker_success_threshold)


@dataclass(frozen=True, slots=True)
class Breaker:
    """One breaker. `failures` and `successes` are those in a row.

    `openings`: how often it opened of late, less what health has made up for. `recovery_seconds`: how long it stays
    open this time. `healthy_since`: no fault since then, or since the last step of making up. `probe_by`: who makes the
    one call that a half-open breaker lets through, until `probe_expires_at`.
    """

    state: CircuitState
    state_since: float
    failures: int = 0
    successes: int = 0
    openings: int = 0
    recovery_seconds: float = 0.0
    healthy_since: float | None = None
    probe_by: str | None = None
    probe_expires_at: float | None = None
    total_calls: int = 0
    total_failures: int = 0
    last_success: float | None = None
    last_failure: float | None = None
    last_error_code: str | None = None

    @property
    def health(self) -> Health:
        """How well the way to the venue is."""
        if self.state is CircuitState.OPEN:
            return Health.OFFLINE
        is_well = self.state is CircuitState.CLOSED and not self.failures
        return Health.HEALTHY if is_well else Health.DEGRADED

    @property
    def is_at_rest(self) -> bool:
        """Whether there is nothing to remember but its counts."""
        return self.state is CircuitState.CLOSED and not self.failures and not self.openings

    @property
    def retry_at(self) -> float | None:
        """From when on an open breaker lets one call try; None where it lets calls through."""
        return self.state_since + self.recovery_seconds if self.state is CircuitState.OPEN else None


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """One breaker as people and pages see it; times in UTC, by the store's clock.

    `failure_rate` is the fraction of all calls that failed in transport. `retry_at`: from when on an open one lets a
    call try. `trading_allowed`: calls are let through.
    """

    venue: str
    address: str
    account: str
    direction: Direction
    health_state: Health
    circuit_state: CircuitState
    failure_count: int
    total_calls: int
    total_failures: int
    failure_rate: float
    last_success: datetime | None
    last_failure: datetime | None
    last_error_code: str | None
    state_uptime_seconds: float
    recovery_seconds: float
    retry_at: datetime | None
    trading_allowed: bool

    @property
    def whose(self) -> str:
        """Say in words which way it is."""
        where = f"{self.venue} at {self.address}" if self.address else self.venue
        if self.account == HISTORY:
            return f"the history of {where}"
        return (
            f"the shared reads of {where}"
            if self.account == EVERYBODY
            else f"the {self.direction}s of {self.account} at {where}"
        )

    @property
    def sentence(self) -> str:
        """Say how it stands, why, and until when."""
        why = f"{self.failure_count} faults in a row, the last one {self.last_error_code}"
        if self.retry_at is None:
            return f"{self.whose}: {self.circuit_state.replace('_', ' ')} ({why})"
        return f"{self.whose}: open ({why}); a call may try from {self.retry_at:%Y-%m-%d %H:%M:%S} UTC on"


def address_of(url: str | None) -> str:
    """Return host and port of an account's address; empty for the venue's own."""
    if url is None:
        return ""
    parts = urlsplit(url)
    return (parts.hostname or "") + ("" if parts.port is None else f":{parts.port}")
