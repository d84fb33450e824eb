"""How a venue's allowance is shared out: what may be leased now, to whom first, and for how long it stays closed.

A process leases a slice of an allowance, spends it on its own and gives back what is left. A slice counts as spent
from the moment it is leased, and a window keeps counting it until the last call it may have paid for has left the
venue's own window: so the venue never counts more than is leased here.
"""

import math
from dataclasses import dataclass, replace
from enum import IntEnum

from models.throttle import Level

RESERVE = 0.2  # of every allowance, for emergencies alone
SHARE = 0.25  # of an allowance, the most that one lease takes
LEASE_SECONDS = 1.0  # the longest life of a lease; of a short window a quarter
SLOTS = 20  # a window is counted in so many steps
LATE_SECONDS = 0.25  # a call may reach the venue this much later than the next one
LONGEST_BAN_SECONDS = 3 * 86_400.0  # https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits
_NOTHING = 1e-9


class Priority(IntEnum):
    """Who goes first. What waits gains one a second, so that nothing waits for ever."""

    EMERGENCY = 1
    NORMAL = 5
    HISTORY = 10


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter that calls raise, and that falls with time."""

    capacity: float
    per_second: float

    def times(self, factor: float) -> "Counter":
        """Return the limit of a venue that grants `factor` times as much."""
        return Counter(self.capacity * factor, self.per_second * factor)


@dataclass(frozen=True, slots=True)
class Window:
    """So much within any span of so many seconds."""

    capacity: float
    seconds: float

    def times(self, factor: float) -> "Window":
        """Return the limit of a venue that grants `factor` times as much."""
        return Window(self.capacity * factor, self.seconds)


Limit = Counter | Window


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a process that asks for a lease. Times in seconds, from now on where nothing else is said.

    Without units: ask again after `wait`; `closed_for` says why where the venue wants to be left alone.
    """

    units: float = 0.0
    counts_until: float = 0.0  # names the lease when it is given back
    wait: float = 0.0
    closed_for: str = ""


def due(priority: int, arrived: float) -> float:
    """Return by what those who wait are sorted: a priority is worth as many seconds, so age makes up for it."""
    return arrived + priority


def lease_seconds(limit: Limit) -> float:
    """Return how long a lease may be spent."""
    return min(LEASE_SECONDS, limit.seconds / 4) if isinstance(limit, Window) else LEASE_SECONDS


def price(limit: Limit, cost: float, *, is_emergency: bool) -> float:
    """Return what a call is charged: never more than could ever be had."""
    return min(cost, _ceiling(limit, is_emergency=is_emergency))


def used(level: Level, limit: Limit, now: float) -> float:
    """Return how much counts as spent."""
    if isinstance(limit, Window):
        return sum(units for until, units in level.grants if until > now)
    return max(0.0, level.used - max(0.0, now - level.updated_at) * limit.per_second)


def take(
    level: Level, limit: Limit, now: float, *, least: float, wanted: float, is_emergency: bool
) -> tuple[Level, Grant]:
    """Lease at least `least`, and up to `wanted` within the share of one lease; none while the allowance is closed."""
    if level.closed_until > now:
        return level, Grant(wait=level.closed_until - now, closed_for=level.closed_for or "closed")
    spent, ceiling = used(level, limit, now), _ceiling(limit, is_emergency=is_emergency)
    room = ceiling - spent
    if least > 0 and room + _NOTHING < least:
        return level, Grant(wait=_until_free(level, limit, now, least - room))
    units = max(0.0, min(room, max(least, min(wanted, limit.capacity * SHARE))))
    until = _counts_until(limit, now)
    return _counted(level, limit, now, units, until), Grant(units, until)


def give_back(level: Level, limit: Limit, now: float, units: float, counts_until: float) -> Level:
    """Return the level less what of a lease was not spent."""
    if isinstance(limit, Window):
        kept = ((until, n - min(n, units) if until == counts_until else n) for until, n in level.grants)
        return _of_window(level, [grant for grant in kept if grant[1] > _NOTHING], now)
    return replace(level, used=max(0.0, used(level, limit, now) - units), updated_at=now)


def close(level: Level, now: float, seconds: float, why: str) -> Level:
    """Close an allowance for some time; one that is closed for longer stays as it is."""
    until = now + min(seconds, LONGEST_BAN_SECONDS)
    return level if until <= level.closed_until else replace(level, closed_until=until, closed_for=why)


def backoff(refusals: int) -> float:
    """Return for how long to leave a venue alone that refused so many times on end and did not say: 1 s, up to 60."""
    return min(60.0, 2.0 ** (refusals - 1))


def _ceiling(limit: Limit, *, is_emergency: bool) -> float:
    return limit.capacity if is_emergency else limit.capacity * (1 - RESERVE)


def _counts_until(limit: Limit, now: float) -> float:
    if not isinstance(limit, Window):
        return now
    slot = limit.seconds / SLOTS
    return math.ceil(now / slot) * slot + limit.seconds + lease_seconds(limit) + LATE_SECONDS


def _counted(level: Level, limit: Limit, now: float, units: float, until: float) -> Level:
    if units <= 0:
        return level
    if not isinstance(limit, Window):
        return replace(level, used=used(level, limit, now) + units, updated_at=now)
    grants = dict(level.grants)
    grants[until] = grants.get(until, 0.0) + units
    return _of_window(level, sorted((end, n) for end, n in grants.items() if end > now), now)


def _of_window(level: Level, grants: list[tuple[float, float]], now: float) -> Level:
    return replace(level, grants=tuple(grants), used=sum(units for _, units in grants), updated_at=now)


def _until_free(level: Level, limit: Limit, now: float, missing: float) -> float:
    if isinstance(limit, Counter):
        return missing / limit.per_second
    for until, units in level.grants:
        missing -= units if until > now else 0.0
        if missing <= _NOTHING:
            return until - now
    return limit.seconds
