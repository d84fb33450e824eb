"""What collecting, filling and looking at history says to the outside: typed, as JSON and for Prefect's pages."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from models.audit import AuditReport


class SeriesState(StrEnum):
    """How a series stands after a run."""

    COMPLETE = "complete"  # every candle that was wanted is stored, or known not to exist
    OPEN = "open"  # the source answered for all of it, and some candles are missing without a reason, or rejected
    OUTAGE = "outage"  # the source could not be asked; what is missing is asked for later
    REFUSED = "refused"  # the source will not serve it: fix the symbol, the timeframe, the key or the plan
    FAILED = "failed"  # a fault of ours, which is in the log: it says nothing about the source
    HELD = "held"  # another run collects it at this moment


class SeriesReport(BaseModel):
    """What became of one series. Candles: `wanted` were missing before, `missing` are still."""

    model_config = ConfigDict(frozen=True)

    source: str
    symbol: str
    timeframe: str
    since: datetime
    until: datetime
    state: SeriesState
    wanted: int = 0
    requests: int = 0
    received: int = 0
    accepted: int = 0
    rejected: int = 0
    no_trade: int = 0
    not_there: int = 0
    missing: int = 0
    code: str = ""
    message: str = ""

    @property
    def name(self) -> str:
        """Source, symbol and timeframe in one."""
        return f"{self.source} {self.symbol} {self.timeframe}"


class CollectReport(BaseModel):
    """One run over all its series. `rows_per_second`: candles received; None where nothing was asked."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    started_at: datetime
    finished_at: datetime
    series: list[SeriesReport]
    requests: int
    received: int
    accepted: int
    rejected: int
    missing: int
    rows_per_second: float | None

    @property
    def exit_code(self) -> int:
        """0: every series is complete. 3: one is not."""
        return 0 if all(one.state is SeriesState.COMPLETE for one in self.series) else 3


class GapReport(BaseModel):
    """Contiguous times of a series without a candle, `start` up to and without `end`. `known`: why, where it is."""

    model_config = ConfigDict(frozen=True)

    source: str
    symbol: str
    timeframe: str
    start: datetime
    end: datetime
    candles: int
    known: str | None


class GapsReport(BaseModel):
    """Every gap of the chosen series."""

    model_config = ConfigDict(frozen=True)

    gaps: list[GapReport]
    series: int
    missing: int

    @property
    def exit_code(self) -> int:
        """0: nothing is missing without a reason. 3: something is."""
        return 3 if self.missing else 0


class DayReport(BaseModel):
    """One UTC day of a series: candles that belong there, are there, and are known to be absent."""

    model_config = ConfigDict(frozen=True)

    day: date
    expected: int
    there: int
    absent: int


class SeriesCoverage(BaseModel):
    """How much of a series is there, day by day."""

    model_config = ConfigDict(frozen=True)

    source: str
    symbol: str
    timeframe: str
    expected: int
    there: int
    absent: int
    days: list[DayReport]

    @property
    def name(self) -> str:
        """Source, symbol and timeframe in one."""
        return f"{self.source} {self.symbol} {self.timeframe}"

    @property
    def missing(self) -> int:
        """Candles that nobody has an explanation for."""
        return max(0, self.expected - self.there - self.absent)

    @property
    def fraction(self) -> float | None:
        """The part of what can be there that is there; None where nothing can."""
        possible = self.expected - self.absent
        return self.there / possible if possible > 0 else None


class CoverageReport(BaseModel):
    """How much of each series is there."""

    model_config = ConfigDict(frozen=True)

    series: list[SeriesCoverage]


def collect_report(
    run_id: str, started_at: datetime, finished_at: datetime, series: list[SeriesReport]
) -> CollectReport:
    """Add up a run."""
    received = sum(one.received for one in series)
    seconds = (finished_at - started_at).total_seconds()
    return CollectReport(
        run_id=run_id,
        started_at=started_at,
        finished_at=finished_at,
        series=series,
        requests=sum(one.requests for one in series),
        received=received,
        accepted=sum(one.accepted for one in series),
        rejected=sum(one.rejected for one in series),
        missing=sum(one.missing for one in series),
        rows_per_second=round(received / seconds, 1) if received and seconds > 0 else None,
    )


class AuditOutcome(BaseModel):
    """An audit of the stored history that was kept; `page`: the file that shows all of it."""

    model_config = ConfigDict(frozen=True)

    audit_id: int
    page: str
    passed: bool
    expectations: int
    failures: int
    report: AuditReport

    @property
    def exit_code(self) -> int:
        """0: every expectation is met. 3: one is not."""
        return 0 if self.passed else 3


class QuarantinedRow(BaseModel):
    """A row that broke its contract, as it came, why, and what was decided about it."""

    model_config = ConfigDict(frozen=True)

    row_id: int
    source: str
    symbol: str
    timeframe: str
    time: datetime | None
    row: dict[str, Any]
    reasons: list[str]
    provenance: str
    rejected_at: datetime
    decision: str | None
    decided_by: str | None
    reason: str | None


class QuarantineList(BaseModel):
    """Rows in quarantine, newest first."""

    model_config = ConfigDict(frozen=True)

    rows: list[QuarantinedRow]


class FileReport(BaseModel):
    """A series that went to a file, or came from one: how many rows, and how many of them are in quarantine."""

    model_config = ConfigDict(frozen=True)

    file: str
    source: str
    symbol: str
    timeframe: str
    rows: int
    rejected: int

    @property
    def series(self) -> str:
        """Source, symbol and timeframe in one."""
        return f"{self.source} {self.symbol} {self.timeframe}"
