"""What is stored of history: how much of each series is there, what is missing, rejected, and found by an audit."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from desk.desk import Desk
from desk.listing import Column, Kind, Listing, Tone
from flows.history_request import HistoryRequest
from flows.history_view import chosen_spans, coverage_report, gaps_report, quarantine_list
from models.audit import AuditReport
from models.history_report import CoverageReport, GapReport, GapsReport, QuarantinedRow, SeriesCoverage
from models.store.audits import latest_audit

MOST_ROWS = 1000


class AuditLine(BaseModel):
    """One expectation of an audit, and where it was not met."""

    model_config = ConfigDict(frozen=True)

    suite: str
    rule: str
    says: str
    passed: bool
    looked_at: int
    where: str
    found: str


class DataAudit(BaseModel):
    """The newest audit. `finished_at` None: there was none yet."""

    model_config = ConfigDict(frozen=True)

    finished_at: datetime | None
    passed: bool
    expectations: int
    failures: int
    lines: list[AuditLine]


async def coverage(desk: Desk) -> CoverageReport:
    """Return how much of each series is there, by UTC day; asked by many at once, it is counted once.

    Raises: StoreError.
    """

    async def count() -> CoverageReport:
        spans = await chosen_spans(desk.store, desk.fleet, HistoryRequest(), desk.clock.now())
        return await coverage_report(desk.store, spans)

    return await desk.covered.get(count)


async def gaps(desk: Desk, *, everything: bool = False) -> GapsReport:
    """Return every gap; with `everything` those that are explained, too. Raises: StoreError."""

    async def look() -> GapsReport:
        spans = await chosen_spans(desk.store, desk.fleet, HistoryRequest(), desk.clock.now())
        return await gaps_report(desk.store, spans, everything=everything)

    return await (look() if everything else desk.gapped.get(look))


async def quarantine(desk: Desk, *, everything: bool = False) -> list[QuarantinedRow]:
    """Return rows that broke their contract, newest first; without `everything` those that wait. Raises: StoreError."""
    return (await quarantine_list(desk.store, waiting=not everything, limit=MOST_ROWS)).rows


async def audit(desk: Desk) -> DataAudit:
    """Return what the newest audit found, what does not hold first. Raises: StoreError."""
    report = await latest_audit(desk.store)
    if report is None:
        return DataAudit(finished_at=None, passed=False, expectations=0, failures=0, lines=[])
    return DataAudit(
        finished_at=report.finished_at,
        passed=report.passed,
        expectations=report.expectations,
        failures=report.failures,
        lines=_lines(report),
    )


def _lines(report: AuditReport) -> list[AuditLine]:
    found = []
    for check in sorted(report.checks, key=lambda one: one.passed):
        seen = [(one.subject, one.found) for one in check.findings] or [("", "")]
        about = check.model_dump(include={"suite", "rule", "says", "passed", "looked_at"})
        found += [AuditLine(**about, where=where, found=what) for where, what in seen]
    return found


def _series(row: GapReport | QuarantinedRow) -> str:
    return f"{row.source} {row.symbol} {row.timeframe}"


def _as_it_came(row: QuarantinedRow) -> str:
    return " ".join(f"{name}={value}" for name, value in row.row.items() if name != "time")


def _decision(row: QuarantinedRow) -> str:
    return "" if row.decision is None else f"{row.decision} by {row.decided_by}: {row.reason}"


def _percent(series: SeriesCoverage) -> str:
    return "" if series.fraction is None else f"{series.fraction:.2%}"


SERIES: Listing[SeriesCoverage] = Listing(
    "coverage",
    (
        Column("name", "Series", lambda s: s.name),
        Column("first", "From", lambda s: s.days[0].day if s.days else None),
        Column("last", "To", lambda s: s.days[-1].day if s.days else None),
        Column("expected", "Expected", lambda s: s.expected, Kind.NUMBER),
        Column("there", "There", lambda s: s.there, Kind.NUMBER),
        Column("absent", "Known not to exist", lambda s: s.absent, Kind.NUMBER),
        Column(
            "missing",
            "Missing",
            lambda s: s.missing,
            Kind.NUMBER,
            tone=lambda s: Tone.BAD if s.missing else Tone.PLAIN,
        ),
        Column("fraction", "Coverage", lambda s: s.fraction, Kind.NUMBER, shown=_percent),
    ),
    key=lambda s: s.name,
)

GAPS: Listing[GapReport] = Listing(
    "gaps",
    (
        Column("series", "Series", _series),
        Column("start", "From (UTC)", lambda g: g.start, Kind.TIME),
        Column("end", "Until (UTC)", lambda g: g.end, Kind.TIME),
        Column("candles", "Candles", lambda g: g.candles, Kind.NUMBER),
        Column("known", "Why", lambda g: (g.known or "").replace("_", " ")),
    ),
    key=lambda g: f"{_series(g)} {g.start.isoformat()}",
)

QUARANTINE: Listing[QuarantinedRow] = Listing(
    "quarantine",
    (
        Column("row_id", "No.", lambda r: r.row_id, Kind.NUMBER),
        Column("series", "Series", _series),
        Column("time", "Time (UTC)", lambda r: r.time, Kind.TIME),
        Column("reasons", "Why", lambda r: ", ".join(r.reasons).replace("_", " "), Kind.LONG),
        Column("row", "As it came", _as_it_came, Kind.LONG),
        Column("rejected_at", "Rejected (UTC)", lambda r: r.rejected_at, Kind.TIME),
        Column("provenance", "From", lambda r: r.provenance, on_page=False),
        Column("decision", "Decision", _decision, Kind.LONG),
    ),
    key=lambda r: str(r.row_id),
)

AUDIT: Listing[AuditLine] = Listing(
    "history-audit",
    (
        Column(
            "passed",
            "Met",
            lambda a: "met" if a.passed else "not met",
            Kind.STATE,
            tone=lambda a: Tone.GOOD if a.passed else Tone.BAD,
        ),
        Column("suite", "Suite", lambda a: a.suite),
        Column("says", "Expected", lambda a: a.says, Kind.LONG),
        Column("where", "Where", lambda a: a.where, Kind.LONG),
        Column("found", "Found", lambda a: a.found, Kind.LONG),
        Column("looked_at", "Looked at", lambda a: a.looked_at, Kind.NUMBER),
    ),
    key=lambda a: f"{a.suite} {a.rule} {a.says} {a.where}",
)
