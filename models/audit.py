"""What an audit of the stored history found, as it is kept and shown. Fields are kept and grow only by addition."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class AuditedSeries(_Part):
    """What is stored of one series. Counts are of candles (of Polymarket: of prices); None: there is nothing to tell.

    `expected`: from `wanted_from` up to the newest that is known of, without what is known to be absent. `lateness`:
    how old the newest is, as a multiple of what is allowed. `broken`: no number, not above zero, or a low or high that
    does not enclose the rest; of a price, outside of 0 to 1. `frozen`: the same numbers as the candle before, traded
    volume among them. `volume_outliers`: blocks of 24 candles with one of many times the mean of the block before.
    """

    source: str
    symbol: str
    timeframe: str
    stored: int
    first: datetime | None
    last: datetime | None
    wanted_from: datetime
    known_until: datetime
    expected: int
    missing: int
    gaps: int
    lateness: float
    off_grid: int
    unfinished: int
    broken: int
    frozen: int = 0
    volume_outliers: int = 0

    @property
    def name(self) -> str:
        """The series, as it is called everywhere."""
        return f"{self.source} {self.symbol} {self.timeframe}"


class AuditedPair(_Part):
    """Two sources of one symbol, over the candles that both have of the newest weeks.

    `drift`: how far the mean of one close divided by the other is from 1, a fraction. `apart`: candles whose closes are
    further from each other than two sources may be.
    """

    one: str
    other: str
    symbol: str
    timeframe: str
    common: int
    drift: float
    apart: int

    @property
    def name(self) -> str:
        """The pair, in words."""
        return f"{self.one} and {self.other} {self.symbol} {self.timeframe}"


class AuditFinding(_Part):
    """Where an expectation was not met, and what was found there."""

    subject: str
    found: str


class AuditCheck(_Part):
    """One expectation: what was looked at, what is allowed, and where it does not hold."""

    suite: str
    rule: str
    says: str
    looked_at: int
    passed: bool
    findings: list[AuditFinding] = []


class AuditReport(_Part):
    """One audit. It changes nothing and blocks nothing: somebody reads it."""

    started_at: datetime
    finished_at: datetime
    checks: list[AuditCheck]
    series: list[AuditedSeries] = []
    pairs: list[AuditedPair] = []
    batches: int = 0
    undecided: int = 0  # rows in quarantine that nobody has decided on

    @property
    def expectations(self) -> int:
        """How many there were."""
        return len(self.checks)

    @property
    def failures(self) -> int:
        """How many of them were not met."""
        return sum(not check.passed for check in self.checks)

    @property
    def passed(self) -> bool:
        """Whether all were met. An audit that expected nothing has proved nothing."""
        return bool(self.checks) and not self.failures
