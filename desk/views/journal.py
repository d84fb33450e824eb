"""The trade journal as it is read: entries, and the orders of the ledger that one may be about."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from brokers.order_history import OrderFilter
from desk.desk import Desk
from desk.listing import Column, Kind, Listing, Tone
from flows.order_reports import list_orders, show_order
from models.errors import ConfigError, NotFound
from models.journal import JournalFilter, KeptEntry
from models.order_report import OrderReport
from models.store.journal import journal, journal_entry

_STARS = 5
_OFFERED = 200  # orders of the ledger, the newest


class JournalReport(BaseModel):
    """One entry. `version`: what an edit of it names. A number that was not said is None."""

    model_config = ConfigDict(frozen=True)

    entry_id: int
    version: int
    account: str
    symbol: str
    entry_order: str
    exit_order: str
    entry_reason: str
    confidence: int | None
    exit_reason: str
    lessons: str
    rating: int | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str


async def entries(
    desk: Desk, wanted: JournalFilter, *, limit: int | None = None, offset: int = 0
) -> tuple[list[JournalReport], int]:
    """Return the entries that are meant, newest first, and how many there are in all. Raises: StoreError."""
    found, number = await journal(desk.store, wanted, limit=limit, offset=offset)
    return [journal_report(one) for one in found], number


async def entry(desk: Desk, entry_id: int) -> JournalReport:
    """Return one entry. Raises: NotFound, StoreError."""
    kept = await journal_entry(desk.store, entry_id)
    if kept is None:
        raise NotFound("journal entry", str(entry_id))
    return journal_report(kept)


async def orders_to_choose(desk: Desk) -> list[OrderReport]:
    """Return the newest orders of the ledger. Raises: StoreError."""
    return await list_orders(desk.store, OrderFilter(), limit=_OFFERED)


async def order_in_words(desk: Desk, client_order_id: str) -> str:
    """Say what an order of the ledger was; empty where there is none of that id. Raises: StoreError."""
    if not client_order_id:
        return ""
    try:
        order = await show_order(desk.store, client_order_id)
    except ConfigError:
        return ""
    return order_words(order)


def order_words(order: OrderReport) -> str:
    """Say what an order was, in a line."""
    price = f" at {order.average_price}" if order.average_price else ""
    when = "" if order.created_at is None else f", {order.created_at:%Y-%m-%d %H:%M}"
    filled = f"{order.filled} of {order.quantity}"
    return f"{order.account} {order.side} {order.symbol} {filled}{price}, {order.outcome.value}{when}"


def journal_report(kept: KeptEntry) -> JournalReport:
    """Return an entry as the outside reads it."""
    return JournalReport(
        entry_id=kept.entry_id,
        version=kept.version,
        created_at=kept.created_at,
        created_by=kept.created_by,
        changed_at=kept.changed_at,
        changed_by=kept.changed_by,
        **kept.entry.model_dump(),
    )


def stars(rating: int | None) -> str:
    """Write a rating as stars; nothing where none was given."""
    return "" if rating is None else "★" * rating + "☆" * (_STARS - rating)


JOURNAL: Listing[JournalReport] = Listing(
    "trade-journal",
    (
        Column("created_at", "Written (UTC)", lambda e: e.created_at, Kind.TIME),
        Column("account", "Account", lambda e: e.account),
        Column("symbol", "Symbol", lambda e: e.symbol),
        Column(
            "rating",
            "Rating",
            lambda e: e.rating,
            shown=lambda e: stars(e.rating),
            tone=lambda e: Tone.PLAIN if e.rating is None else Tone.WARN,
        ),
        Column("entry_reason", "Why entered", lambda e: e.entry_reason, Kind.LONG),
        Column("confidence", "Confidence", lambda e: e.confidence, Kind.NUMBER, shown=lambda e: _of_ten(e.confidence)),
        Column("exit_reason", "Why it ended", lambda e: e.exit_reason, Kind.LONG),
        Column("lessons", "Lessons", lambda e: e.lessons, Kind.LONG),
        Column("entry_order", "Entry order", lambda e: e.entry_order, on_page=False),
        Column("exit_order", "Exit order", lambda e: e.exit_order, on_page=False),
        Column("created_by", "Written by", lambda e: e.created_by, on_page=False),
        Column("changed_at", "Edited (UTC)", lambda e: e.changed_at, Kind.TIME, on_page=False),
        Column("changed_by", "Edited by", lambda e: e.changed_by, on_page=False),
    ),
    key=lambda e: str(e.entry_id),
)


def _of_ten(confidence: int | None) -> str:
    return "" if confidence is None else f"{confidence}/10"
