"""Judge what the store knows of the fleet: silent, stuck, stopped, out of bounds. Pure: facts in, findings out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.alert import FLEET, OperationalAlert, Severity
from models.balance import BalanceState
from models.breaker import BreakerStatus, CircuitState
from models.fleet import Fleet
from models.freeze import Freeze
from rules.balance import complaints, span_words

PIPELINE_SILENT, PIPELINE_FAILING, ACCOUNT_SILENT = "PIPELINE_SILENT", "PIPELINE_FAILING", "ACCOUNT_SILENT"
STALLED, STUCK_LEASE, ORDER_UNDECIDED, HALTED = "STALLED", "STUCK_LEASE", "ORDER_UNDECIDED", "HALTED"
BREAKER_OPEN, FROZEN_SYMBOLS, GLOBAL_POSITIONS = "BREAKER_OPEN", "FROZEN_SYMBOLS", "GLOBAL_POSITIONS"
BALANCE_STALE, BALANCE_ERRORS, LOW_BALANCES = "BALANCE_STALE", "BALANCE_ERRORS", "LOW_BALANCES"
VOLATILITY = "VOLATILITY_ADJUSTMENTS"

# The alerts that the watch alone raises and closes.
WATCHED = frozenset(
    {
        PIPELINE_SILENT,
        PIPELINE_FAILING,
        ACCOUNT_SILENT,
        STALLED,
        STUCK_LEASE,
        ORDER_UNDECIDED,
        HALTED,
        BREAKER_OPEN,
        FROZEN_SYMBOLS,
        GLOBAL_POSITIONS,
        BALANCE_STALE,
        BALANCE_ERRORS,
        LOW_BALANCES,
        VOLATILITY,
    }
)
_SHORTEST = timedelta(minutes=1)
CRASHED = frozenset({PIPELINE_SILENT, PIPELINE_FAILING, STALLED})


@dataclass(frozen=True, slots=True)
class Beat:
    """When a pipeline (account "*"), or an account in it, was last seen; `every` None: it is not expected."""

    pipeline: str
    account: str
    last_seen: datetime
    every: timedelta | None = None
    last_ok: datetime | None = None
    status: str = "ok"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has not ended; `worked_since`: when a later run of its pipeline ended, None: none did."""

    pipeline: str
    mode: str
    started_at: datetime
    worked_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order without a known outcome, since when."""

    account: str
    symbol: str
    client_order_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows of a fleet at one instant.

    `halts`: a sentence each, by account. `leases`: who held an account and how long ago that ran out, unreleased.
    `counts`: what happened today.
    """

    now: datetime
    beats: Sequence[Beat] = ()
    runs: Sequence[OpenRun] = ()
    leases: Mapping[str, tuple[str, timedelta]] = field(default_factory=dict)
    orders: Sequence[OpenOrder] = ()
    breakers: Sequence[BreakerStatus] = ()
    freezes: Sequence[Freeze] = ()
    balances: Mapping[str, BalanceState] = field(default_factory=dict)
    halts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    positions: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


def findings(facts: Facts, fleet: Fleet) -> tuple[OperationalAlert, ...]:
    """Return everything that a person must know, the fleet's own accounts alone."""
    return (
        *_silent(facts, fleet),
        *_stalled(facts, fleet),
        *_stuck(facts, fleet),
        *_undecided(facts, fleet),
        *_stopped(facts, fleet),
        *_shut(facts, fleet),
        *_balances(facts, fleet),
        *_counted(facts, fleet),
    )


def is_late(last: datetime, every: timedelta | None, now: datetime, fleet: Fleet) -> bool:
    """Whether something was last seen too long ago; what is not expected (`every` None) never is."""
    return every is not None and now - last > interval_of(every) * fleet.watch.silent_after_intervals


def interval_of(every: timedelta) -> timedelta:
    """Return how often something is expected; what never pauses shows itself more often than anybody looks."""
    return max(every, _SHORTEST)


def to_restart(
    facts: Facts, fleet: Fleet, found: Sequence[OperationalAlert], tried: Mapping[str, datetime]
) -> dict[str, int]:
    """Return the pipelines to start again, each with the number of its interval.

    Only what the fleet file names, what a schedule has started before, and what was not `tried` within one interval.
    """
    crashed = {alert.symbol for alert in found if alert.code in CRASHED}
    intervals = {b.pipeline: interval_of(b.every) for b in facts.beats if b.account == FLEET and b.every is not None}
    chosen: dict[str, int] = {}
    for name in fleet.watch.restart:
        every, last = intervals.get(name), tried.get(name)
        if name in crashed and every and (last is None or facts.now - last >= every):
            chosen[name] = int(facts.now.timestamp() // every.total_seconds())
    return chosen


def _silent(facts: Facts, fleet: Fleet) -> Iterator[OperationalAlert]:
    """Tell of silence. A silent pipeline says it for all its accounts; one that runs and fails is not silent."""
    watched = [b for b in facts.beats if b.every is not None and b.pipeline not in fleet.watch.ignore]
    silent = {b.pipeline for b in watched if b.account == FLEET and _missed(b, b.last_seen, facts, fleet)}
    known = {account.id for account in fleet.accounts}
    for beat in watched:
        since, name = span_words(facts.now - beat.last_seen), beat.pipeline
        if beat.account == FLEET and name in silent:
            words = f"{name} was last seen {since} ago; it is expected every {span_words(beat.every or timedelta())}"
            yield OperationalAlert(PIPELINE_SILENT, words, Severity.CRITICAL, symbol=name)
        elif beat.account == FLEET and _fails(beat, facts, fleet):
            well = "never" if beat.last_ok is None else f"last {span_words(facts.now - beat.last_ok)} ago"
            words = f"{name} runs and does not come to its end ({beat.status}: {beat.detail}); it went well {well}"
            yield OperationalAlert(PIPELINE_FAILING, words, Severity.CRITICAL, symbol=name)
        elif beat.account in known and name not in silent and _missed(beat, beat.last_seen, facts, fleet):
            yield OperationalAlert(
                ACCOUNT_SILENT, f"{name} last looked at it {since} ago", account=beat.account, symbol=name
            )


def _fails(beat: Beat, facts: Facts, fleet: Fleet) -> bool:
    return beat.status == "failed" and (beat.last_ok is None or _missed(beat, beat.last_ok, facts, fleet))


def _missed(beat: Beat, last: datetime, facts: Facts, fleet: Fleet) -> bool:
    return is_late(last, beat.every, facts.now, fleet)


def _stalled(facts: Facts, fleet: Fleet) -> Iterator[OperationalAlert]:
    """Tell of dead runs: one alert a pipeline, over as soon as a later run of it comes to its end."""
    longest, told = timedelta(minutes=fleet.watch.stalled_run_minutes), set()
    for run in sorted(facts.runs, key=lambda r: r.started_at):
        age = facts.now - run.started_at
        if run.worked_since is None and age > longest and run.pipeline not in told:
            told.add(run.pipeline)
            words = f"a {run.mode} run of {run.pipeline} began {span_words(age)} ago and never ended: nija start-up"
            yield OperationalAlert(
                STALLED, words, Severity.CRITICAL if run.mode == "live" else Severity.WARNING, symbol=run.pipeline
            )


def _stuck(facts: Facts, fleet: Fleet) -> Iterator[OperationalAlert]:
    """Tell of leases left behind. They keep nobody out: they say that somebody died."""
    for account in fleet.accounts:
        if account.id in facts.leases:
            holder, ago = facts.leases[account.id]
            words = f"{holder} held it, and is gone since {span_words(ago)}: nija recover settles what it left"
            yield OperationalAlert(STUCK_LEASE, words, account=account.id)


def _undecided(facts: Facts, fleet: Fleet) -> Iterator[OperationalAlert]:
    longest, known = timedelta(minutes=fleet.watch.undecided_order_minutes), {a.id for a in fleet.accounts}
    for order in facts.orders:
        age = facts.now - order.since
        if age > longest and order.account in known:
            words = f"the order {order.client_order_id} has no known outcome since {span_words(age)}: nija recover"
            yield OperationalAlert(ORDER_UNDECIDED, words, Severity.CRITICAL, order.account, order.symbol)


def _stopped(facts: Facts, fleet: Fleet) -> Iterator[OperationalAlert]:
    known = {account.id for account in fleet.accounts}
    for account, sentences in facts.halts.items():
        if account in known:
            yield OperationalAlert(HALTED, "; ".join(sentences), Severity.CRITICAL, account)
    frozen = [f"{f.account} {f.symbol}" for f in facts.freezes if f.is_frozen and f.account in known]
    if len(frozen) > fleet.watch.max_frozen_symbols:
        yield OperationalAlert(FROZEN_SYMBOLS, f"{len(frozen)} symbols are frozen: {', '.join(sorted(frozen))}")


def _shut(facts: Facts, fleet: Fleet) -> Iterator[OperationalAlert]:
    """Tell of breakers: one alert an account, for all ways to its venue that are not closed."""
    shut = [breaker for breaker in facts.breakers if breaker.circuit_state is not CircuitState.CLOSED]
    for account in (FLEET, *(account.id for account in fleet.accounts)):
        ways = [breaker for breaker in shut if breaker.account == account]
        if ways:
            is_open = any(breaker.circuit_state is CircuitState.OPEN for breaker in ways)
            severity = Severity.CRITICAL if is_open else Severity.WARNING
            yield OperationalAlert(BREAKER_OPEN, "; ".join(way.sentence for way in ways), severity, account)


def _balances(facts: Facts, fleet: Fleet) -> Iterator[OperationalAlert]:
    for account in fleet.accounts:
        state = facts.balances.get(account.id)
        if state is not None:
            for complaint in complaints(state, fleet.policies[account.id], account.quote, facts.now):
                yield OperationalAlert(complaint.code, complaint.words, account=account.id)


def _counted(facts: Facts, fleet: Fleet) -> Iterator[OperationalAlert]:
    limits, low = fleet.limits, facts.counts.get("low_balance_warnings", 0)
    if facts.positions > limits.allows_entry_up_to:
        words = f"{facts.positions} positions of {limits.max_positions_total}: entries stop above "
        yield OperationalAlert(GLOBAL_POSITIONS, f"{words}{limits.allows_entry_up_to}")
    if low >= fleet.watch.low_balance_warnings_a_day:
        yield OperationalAlert(LOW_BALANCES, f"{low} low-balance warnings today: look at the accounts' cash")
    adjusted, sized = facts.counts.get("volatility_adjustments", 0), facts.counts.get("sized_entries", 0)
    if sized and adjusted / sized > fleet.watch.volatility_adjusted_fraction:
        yield OperationalAlert(
            VOLATILITY, f"{adjusted} of {sized} entries today were made smaller for volatility: look at the market"
        )
