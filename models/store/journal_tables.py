"""The table of the trade journal."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.store.columns import Instant


class TradeJournal(SQLModel, table=True):
    """What a person wrote about one trade. An empty text was not said; a number that was not said is NULL."""

    __tablename__ = "trade_journal"
    __table_args__ = (
        Index("journal_of_an_entry_order", "entry_order"),
        Index("journal_of_an_exit_order", "exit_order"),
        {"sqlite_autoincrement": True},  # the audit names an id: a deleted one's is not given again
    )

    entry_id: int | None = Field(default=None, primary_key=True)
    account: str
    symbol: str
    entry_order: str
    exit_order: str
    entry_reason: str
    confidence: int | None = None
    exit_reason: str
    lessons: str
    rating: int | None = None
    version: int
    created_at: datetime = Field(sa_type=Instant, nullable=False)
    created_by: str
    changed_at: datetime = Field(sa_type=Instant, nullable=False)
    changed_by: str


TRADE_JOURNAL = SQLModel.metadata.tables["trade_journal"]
