"""The table of finished backtests: what rebalancing weighs strategies by, and what the desk lists and compares."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from models.store.columns import Instant


class BacktestRow(SQLModel, table=True):
    """One finished backtest; `tested`: a hash of strategy, parameters, source, symbol and timeframe."""

    __tablename__ = "backtests"
    __table_args__ = (
        Index("backtests_of_what_was_tested", "tested", "measured_at"),
        Index("ix_backtests_measured_at", "measured_at"),
        {"sqlite_autoincrement": True},
    )

    backtest_id: int | None = Field(default=None, primary_key=True)
    tested: str
    strategy: str
    parameters: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    source: str
    symbol: str
    timeframe: str
    measured_at: datetime = Field(sa_type=Instant, nullable=False)
    since: datetime = Field(sa_type=Instant, nullable=False)
    until: datetime = Field(sa_type=Instant, nullable=False)
    bars: int
    settings: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    figures: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    verdict: str
    points: int
    trades: int
    equity: list[list[float]] = Field(sa_type=JSON, nullable=False)


BACKTESTS = SQLModel.metadata.tables["backtests"]
