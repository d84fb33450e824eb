"""What the desk stands on: ways to venues, allowances, parts, leases, heartbeats and versions."""

import platform
from datetime import datetime, timedelta
from importlib.metadata import version

from pydantic import BaseModel, ConfigDict

from desk.desk import Desk
from desk.listing import Column, Kind, Listing, Tone
from flows.throttle_view import throttles_report
from models.breaker import BreakerStatus, Direction, Health
from models.errors import ConfigError
from models.stack_report import DOWN, PartReport, StackReport, stack_report
from models.store.breakers import breakers as kept_breakers
from models.store.heartbeats import PIPELINE, heartbeats
from models.store.leases import leases as kept_leases
from models.store.migrate import HEAD
from models.throttle import ThrottleReport
from rules.balance import span_words
from rules.watching import is_late

_HEALTH = {Health.HEALTHY: Tone.GOOD, Health.DEGRADED: Tone.WARN, Health.OFFLINE: Tone.BAD}
_PACKAGES = ("nija", "prefect", "ccxt", "fastapi", "nicegui", "sqlalchemy", "pandas", "pandera")
_LEASE = {"held": Tone.INFO, "ran out": Tone.WARN, "free": Tone.PLAIN}
_WELL = frozenset({"ready", "done"})


class Way(BaseModel):
    """One way to a venue, and how well it is. `account` "*": the reads that its accounts share."""

    model_config = ConfigDict(frozen=True)

    venue: str
    address: str
    account: str
    direction: Direction
    health: Health
    state: str
    failures: int
    calls: int
    faults: int
    failure_rate: float
    for_seconds: float
    last_fault: datetime | None
    last_code: str
    tries_from: datetime | None
    whose: str


class LeaseView(BaseModel):
    """Who may write to an account, or keeps a watch. `seconds`: until it runs out, or since then; None: it is free."""

    model_config = ConfigDict(frozen=True)

    name: str
    holder: str
    state: str
    seconds: float | None
    holders: int


class BeatView(BaseModel):
    """When a pipeline (account "*"), or an account in it, was last seen. `late`: it was expected before now."""

    model_config = ConfigDict(frozen=True)

    pipeline: str
    account: str
    status: str
    last_seen: datetime
    last_ok: datetime | None
    every_seconds: float | None
    late: bool
    detail: str


class Versions(BaseModel):
    """What runs here."""

    model_config = ConfigDict(frozen=True)

    python: str
    system: str
    schema_revision: str
    store: str
    packages: dict[str, str]


async def ways(desk: Desk) -> list[Way]:
    """Return what is known of every way to every venue. Raises: StoreError."""
    return [_way(one) for one in await kept_breakers(desk.store)]


async def throttles(desk: Desk) -> list[ThrottleReport]:
    """Return every allowance that is in use, or closed. Raises: StoreError."""
    return (await throttles_report(desk.store, desk.settings.limits_factor)).throttles


async def leases(desk: Desk) -> list[LeaseView]:
    """Return every lease that was ever held, those that are held first. Raises: StoreError."""
    found = []
    for one in await kept_leases(desk.store):
        state = "free" if one.left is None else "held" if one.left > timedelta() else "ran out"
        seconds = None if one.left is None else abs(one.left.total_seconds())
        found.append(LeaseView(name=one.account, holder=one.holder, state=state, seconds=seconds, holders=one.token))
    return sorted(found, key=lambda lease: (lease.state != "held", lease.state, lease.name))


async def beats(desk: Desk) -> list[BeatView]:
    """Return when everything that runs again and again was last seen. Raises: StoreError."""
    now = desk.clock.now()
    return [
        BeatView(
            pipeline=one.pipeline,
            account=one.account,
            status=one.status,
            last_seen=one.last_seen,
            last_ok=one.last_ok,
            every_seconds=None if one.every is None else one.every.total_seconds(),
            late=is_late(one.last_seen, one.every, now, desk.fleet),
            detail=one.detail,
        )
        for one in await heartbeats(desk.store)
    ]


def stack(desk: Desk) -> StackReport | None:
    """Return the parts of `nija up` on this machine; None where it never ran here, or its record is not to be read."""
    try:
        return stack_report(desk.settings.home)
    except ConfigError:
        return None


def versions(desk: Desk) -> Versions:
    """Say what runs here."""
    return Versions(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        schema_revision=HEAD,
        store="SQLite" if desk.store.is_sqlite else "PostgreSQL",
        packages={name: version(name) for name in _PACKAGES},
    )


def _way(one: BreakerStatus) -> Way:
    return Way(
        venue=one.venue,
        address=one.address,
        account=one.account,
        direction=one.direction,
        health=one.health_state,
        state=one.circuit_state.value,
        failures=one.failure_count,
        calls=one.total_calls,
        faults=one.total_failures,
        failure_rate=one.failure_rate,
        for_seconds=one.state_uptime_seconds,
        last_fault=one.last_failure,
        last_code=one.last_error_code or "",
        tries_from=one.retry_at,
        whose=one.whose,
    )


def _span(seconds: float | None) -> str:
    return "" if seconds is None else span_words(timedelta(seconds=seconds))


def _part_tone(part: PartReport) -> Tone:
    if part.state in _WELL:
        return Tone.GOOD
    return Tone.BAD if part.state in {DOWN, "unwell"} else Tone.WARN


WAYS: Listing[Way] = Listing(
    "breakers",
    (
        Column("whose", "Way", lambda w: w.whose, Kind.LONG),
        Column("health", "Health", lambda w: w.health.value, Kind.STATE, tone=lambda w: _HEALTH[w.health]),
        Column("state", "State", lambda w: w.state.replace("_", " ")),
        Column("failures", "In a row", lambda w: w.failures, Kind.NUMBER),
        Column("calls", "Calls", lambda w: w.calls, Kind.NUMBER, on_page=False),
        Column("faults", "Faults", lambda w: w.faults, Kind.NUMBER, shown=lambda w: f"{w.faults:,} of {w.calls:,}"),
        Column("failure_rate", "Rate", lambda w: w.failure_rate, Kind.NUMBER, shown=lambda w: f"{w.failure_rate:.1%}"),
        Column("for_seconds", "For", lambda w: w.for_seconds, Kind.NUMBER, shown=lambda w: _span(w.for_seconds)),
        Column("last_fault", "Last fault (UTC)", lambda w: w.last_fault, Kind.TIME),
        Column("last_code", "Its code", lambda w: w.last_code),
        Column("tries_from", "Tries from (UTC)", lambda w: w.tries_from, Kind.TIME),
    ),
    key=lambda w: f"{w.venue} {w.address} {w.account} {w.direction.value}",
)

THROTTLES: Listing[ThrottleReport] = Listing(
    "throttles",
    (
        Column("venue", "Venue", lambda t: f"{t.venue} {t.address}".strip()),
        Column("limit", "Limit", lambda t: f"{t.limit} {t.of}".strip()),
        Column("key", "Key", lambda t: t.key),
        Column("used", "Used", lambda t: t.used, Kind.NUMBER, shown=lambda t: f"{t.used:g}"),
        Column("capacity", "Of", lambda t: t.capacity, Kind.NUMBER, shown=lambda t: f"{t.capacity:g}"),
        Column("closed_until", "Closed until (UTC)", lambda t: t.closed_until, Kind.TIME),
        Column("closed_for", "Why", lambda t: t.closed_for, Kind.LONG),
    ),
    key=lambda t: f"{t.venue} {t.address} {t.limit} {t.of} {t.key}",
)

PARTS: Listing[PartReport] = Listing(
    "parts",
    (
        Column("part", "Part", lambda p: p.part),
        Column("state", "State", lambda p: str(p.state), Kind.STATE, tone=_part_tone),
        Column("since", "Since (UTC)", lambda p: p.since, Kind.TIME),
        Column("address", "Address", lambda p: p.address),
        Column("pid", "Process", lambda p: p.pid, Kind.NUMBER),
        Column("starts", "Starts", lambda p: p.starts, Kind.NUMBER),
        Column("note", "Note", lambda p: p.note, Kind.LONG),
    ),
    key=lambda p: p.part,
)

LEASES: Listing[LeaseView] = Listing(
    "leases",
    (
        Column("name", "Of", lambda lease: lease.name),
        Column("state", "State", lambda lease: lease.state, Kind.STATE, tone=lambda lease: _LEASE[lease.state]),
        Column("seconds", "For", lambda lease: lease.seconds, Kind.NUMBER, shown=lambda lease: _span(lease.seconds)),
        Column("holder", "Holder", lambda lease: lease.holder),
        Column("holders", "Holders so far", lambda lease: lease.holders, Kind.NUMBER),
    ),
    key=lambda lease: lease.name,
)
BEATS: Listing[BeatView] = Listing(
    "heartbeats",
    (
        Column("pipeline", "Pipeline", lambda b: b.pipeline),
        Column("account", "Account", lambda b: "" if b.account == PIPELINE else b.account),
        Column("status", "Status", lambda b: b.status),
        Column(
            "late",
            "Expected",
            lambda b: "late" if b.late else "on demand" if b.every_seconds is None else "in time",
            Kind.STATE,
            tone=lambda b: Tone.BAD if b.late else Tone.PLAIN if b.every_seconds is None else Tone.GOOD,
        ),
        Column("every", "Every", lambda b: b.every_seconds, Kind.NUMBER, shown=lambda b: _span(b.every_seconds)),
        Column("last_seen", "Last seen (UTC)", lambda b: b.last_seen, Kind.TIME),
        Column("last_ok", "Last well (UTC)", lambda b: b.last_ok, Kind.TIME),
        Column("detail", "Detail", lambda b: b.detail, Kind.LONG),
    ),
    key=lambda b: f"{b.pipeline} {b.account}",
)
