"""The tables of history: candles, Polymarket's prices, what was rejected, what is known to be absent, audits.

A candle's row is its series' number, its time and five numbers, so that a year of minutes stays small; who it came from
and when stands with its batch. Times are whole seconds since 1970, UTC.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.store.columns import Instant


class PriceSeries(SQLModel, table=True):
    """One source's view of one symbol in one timeframe; its number stands in for the three."""

    __tablename__ = "price_series"
    __table_args__ = (UniqueConstraint("source", "symbol", "timeframe", name="one_series"),)

    series_id: int | None = Field(default=None, primary_key=True)
    source: str
    symbol: str
    timeframe: str
    step_seconds: int


class HistoryBatch(SQLModel, table=True):
    """One answer of a source: where its rows came from, and what became of them. received = accepted + rejected."""

    __tablename__ = "history_batches"
    __table_args__ = (Index("batches_of_a_series", "series_id", "fetched_at"), {"sqlite_autoincrement": True})

    batch_id: int | None = Field(default=None, primary_key=True)
    series_id: int
    provenance: str
    asked_from: int = Field(sa_type=BigInteger)
    asked_to: int = Field(sa_type=BigInteger)
    fetched_at: datetime = Field(sa_type=Instant, nullable=False)
    received: int
    accepted: int
    rejected: int


class CryptoPriceHistory(SQLModel, table=True):
    """A candle: unique by series (source, symbol, timeframe) and open time."""

    __tablename__ = "crypto_price_history"
    __table_args__ = {"sqlite_with_rowid": False}

    series_id: int = Field(primary_key=True)
    time: int = Field(primary_key=True, sa_type=BigInteger)
    open: float
    high: float
    low: float
    close: float
    volume: float
    batch_id: int


class PolymarketMarket(SQLModel, table=True):
    """An outcome of a Polymarket market, by the token that is traded."""

    __tablename__ = "polymarket_markets"

    token_id: str = Field(primary_key=True)
    condition_id: str
    slug: str
    question: str
    outcome: str
    is_closed: bool
    resolved_price: float | None
    ends_at: datetime | None = Field(sa_type=Instant, nullable=True)
    seen_at: datetime = Field(sa_type=Instant, nullable=False)


class PolymarketHistory(SQLModel, table=True):
    """A price of an outcome, which is its probability: unique by series and time."""

    __tablename__ = "polymarket_history"
    __table_args__ = {"sqlite_with_rowid": False}

    series_id: int = Field(primary_key=True)
    time: int = Field(primary_key=True, sa_type=BigInteger)
    price: float
    batch_id: int


class HistoryQuarantine(SQLModel, table=True):
    """A row that broke its contract, until somebody releases it or lets it go."""

    __tablename__ = "history_quarantine"
    __table_args__ = (Index("quarantine_of_a_series", "series_id", "time"), {"sqlite_autoincrement": True})

    row_id: int | None = Field(default=None, primary_key=True)
    series_id: int
    batch_id: int
    time: int | None = Field(sa_type=BigInteger, nullable=True)
    row: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    reasons: list[str] = Field(sa_type=JSON, nullable=False)
    rejected_at: datetime = Field(sa_type=Instant, nullable=False)
    decided_at: datetime | None = Field(sa_type=Instant, nullable=True)
    decided_by: str | None
    decision: str | None  # released, dropped
    reason: str | None


class HistoryAbsence(SQLModel, table=True):
    """Times of a series for which there is no candle, and why: `start` up to, and without, `end`."""

    __tablename__ = "history_absences"
    __table_args__ = (Index("absences_of_a_series", "series_id", "start"), {"sqlite_autoincrement": True})

    absence_id: int | None = Field(default=None, primary_key=True)
    series_id: int
    start: int = Field(sa_type=BigInteger)
    end: int = Field(sa_type=BigInteger)
    kind: str
    noted_at: datetime = Field(sa_type=Instant, nullable=False)


class HistoryAudit(SQLModel, table=True):
    """One audit of the stored history: what was expected, and what failed."""

    __tablename__ = "history_audits"
    __table_args__ = {"sqlite_autoincrement": True}

    audit_id: int | None = Field(default=None, primary_key=True)
    started_at: datetime = Field(sa_type=Instant, nullable=False)
    finished_at: datetime = Field(sa_type=Instant, nullable=False)
    passed: bool
    expectations: int
    failures: int
    document: dict[str, Any] = Field(sa_type=JSON, nullable=False)
