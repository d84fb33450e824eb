"""The fleet as a list: its columns on the page and in a file."""

from datetime import datetime, timedelta

from desk.listing import Column, Kind, Listing, Tone
from desk.views.measured import Concern, FleetAccount
from models.breaker import Health
from models.reasons import Freshness
from rules.balance import span_words

STATUS = {
    "compliant": Tone.GOOD,
    "ok": Tone.GOOD,
    "pending": Tone.WARN,
    "mismatch": Tone.BAD,
    "blocked": Tone.BAD,
    "failed": Tone.BAD,
    "halted": Tone.BAD,
}
FRESHNESS = {Freshness.FRESH: Tone.GOOD, Freshness.STALE: Tone.WARN, Freshness.UNKNOWN: Tone.BAD}
HEALTH = {Health.HEALTHY: Tone.GOOD, Health.DEGRADED: Tone.WARN, Health.OFFLINE: Tone.BAD}
WORDS = {
    Concern.HALTED: "halted",
    Concern.OFFLINE: "venue offline",
    Concern.OVER_CAP: "over its cap",
    Concern.UNDECIDED: "orders undecided",
    Concern.UNREAD: "never read",
    Concern.STALE: "stale balance",
    Concern.UNVALUED: "unvalued",
    Concern.FROZEN: "frozen symbols",
    Concern.LAST_RUN: "last run went wrong",
}
_RANK = {concern: rank for rank, concern in enumerate(Concern)}
_GRAVE = frozenset({Concern.HALTED, Concern.OFFLINE, Concern.OVER_CAP, Concern.UNDECIDED, Concern.LAST_RUN})


def balance_words(row: FleetAccount) -> str:
    """Say how far the balance may be relied on, and how old it is."""
    age, failed = row.balance.age_seconds, row.balance.errors
    since = "" if age is None else f" {span_words(timedelta(seconds=age))}"
    return f"{row.balance.state.value}{since}{f', {failed} failed' if failed else ''}"


def concern_words(row: FleetAccount) -> str:
    """Say what is wrong with an account, worst first."""
    return ", ".join(WORDS[concern] for concern in row.concerns)


def tone_of(row: FleetAccount) -> Tone:
    """Say how bad that is."""
    if not row.concerns:
        return Tone.PLAIN
    return Tone.BAD if _GRAVE.intersection(row.concerns) else Tone.WARN


def ago(at: datetime | None, now: datetime) -> str:
    """Say how long ago something was."""
    return "never" if at is None else f"{span_words(max(now - at, timedelta()))} ago"


def _run_words(row: FleetAccount) -> str:
    return "never" if row.last_seen is None else f"{row.last_seen:%m-%d %H:%M} {row.last_run}"


def _cap_tone(row: FleetAccount) -> Tone:
    if row.positions is None or row.positions < row.cap:
        return Tone.PLAIN
    return Tone.BAD if row.positions > row.cap else Tone.WARN


ACCOUNTS: Listing[FleetAccount] = Listing(
    "accounts",
    (
        Column("account", "Account", lambda a: a.account, link=lambda a: f"/accounts/{a.account}"),
        Column("venue", "Venue", lambda a: a.venue),
        Column(
            "concerns",
            "Needs a look",
            concern_words,
            Kind.STATE,
            tone=tone_of,
            order=lambda a: (-min((_RANK[c] for c in a.concerns), default=len(_RANK)), len(a.concerns)),
        ),
        Column(
            "status",
            "Status",
            lambda a: a.status or "not run yet",
            Kind.STATE,
            tone=lambda a: STATUS.get(a.status or "", Tone.PLAIN),
        ),
        Column(
            "positions",
            "Positions",
            lambda a: a.positions,
            Kind.NUMBER,
            tone=_cap_tone,
            shown=lambda a: f"{'?' if a.positions is None else a.positions} / {a.cap}",
        ),
        Column("cap", "Cap", lambda a: a.cap, Kind.NUMBER),
        Column("dust", "Dust", lambda a: a.dust, Kind.NUMBER),
        Column(
            "unvalued",
            "Unvalued",
            lambda a: None if a.positions is None else len(a.unvalued),
            Kind.NUMBER,
            tone=lambda a: Tone.WARN if a.unvalued else Tone.PLAIN,
        ),
        Column(
            "equity",
            "Equity",
            lambda a: a.balance.equity,
            Kind.NUMBER,
            shown=lambda a: "" if a.balance.equity is None else f"{a.balance.equity} {a.balance.quote}",
        ),
        Column("cash", "Cash", lambda a: a.balance.cash_total, Kind.NUMBER),
        Column("quote", "In", lambda a: a.balance.quote),
        Column(
            "balance",
            "Balance",
            lambda a: a.balance.state.value,
            Kind.STATE,
            tone=lambda a: FRESHNESS[a.balance.state],
            shown=balance_words,
            order=lambda a: a.balance.age_seconds,
        ),
        Column(
            "breaker",
            "Way to venue",
            lambda a: None if a.breaker is None else a.breaker.value,
            Kind.STATE,
            tone=lambda a: Tone.PLAIN if a.breaker is None else HEALTH[a.breaker],
            shown=lambda a: "not asked" if a.breaker is None else a.breaker.value,
        ),
        Column("pipeline", "Pipeline", lambda a: a.last_run),
        Column("seen", "Last run (UTC)", lambda a: a.last_seen, Kind.TIME, shown=_run_words),
    ),
    key=lambda a: a.account,
)
# On a page the cap stands with the positions, the currency with the equity; in a file each has a column of its own.
ON_PAGE: Listing[FleetAccount] = Listing(
    "accounts", tuple(c for c in ACCOUNTS.columns if c.name not in {"cap", "cash", "quote", "pipeline"}), ACCOUNTS.key
)
