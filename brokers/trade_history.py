"""Read an account's fills from the newest to the oldest, no further than somebody wants them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from brokers.errors import MALFORMED
from brokers.throttle import priority
from models.amounts import exact
from models.errors import VenueUnavailable
from models.order import Fill
from rules.adoption import Trade
from rules.throttle import Priority


@dataclass(frozen=True, slots=True)
class TradesPage:
    """Some fills as ccxt has them, in any order. `cursor` asks for the next, older ones; None: that was all.

    `joins` false: fills are missing between these and what was read before them, which a later page brings. `back_to`:
    what is newer has been read, and be it nothing; None: as far as the oldest fill says.
    """

    trades: Sequence[Mapping[str, Any]]
    cursor: Any = None
    joins: bool = True
    back_to: datetime | None = None


class TradesSource(Protocol):
    """What of an adapter a history is read by."""

    @property
    def venue(self) -> str:
        """The ccxt id of the venue."""
        ...

    @property
    def trades_by_symbol(self) -> bool:
        """Whether the venue lists fills symbol by symbol, and not all in one."""
        ...

    @property
    def most_trade_pages(self) -> int:
        """How many pages are read before a history counts as too long."""
        ...

    @property
    def trades_kept(self) -> timedelta | None:
        """How far back the venue lists fills; None: for ever."""
        ...

    async def trades_page(self, client: Any, symbol: str, cursor: Any) -> TradesPage:
        """Read one page; without a cursor the newest."""
        ...


@dataclass(frozen=True, slots=True)
class Trades:
    """Fills in one symbol, newest first. `is_cut`: there are older ones, and they were not read."""

    newest_first: tuple[Trade, ...] = ()
    is_cut: bool = False


@dataclass(slots=True)
class _Read:
    """What was read of one list so far."""

    # By symbol, order and id: the symbol and the trade; None: it cannot be read.
    rows: dict[tuple[str, str, str], tuple[str, Trade | None]] = field(default_factory=dict)
    pages: int = 0
    page: TradesPage | None = None  # the last one; None: nothing was asked yet

    @property
    def is_whole(self) -> bool:
        return self.page is not None and self.page.cursor is None


class TradeHistory:
    """The fills of one account. A list that holds every symbol is read once for all of them.

    It remembers what it has read: for what is traded meanwhile take a new one.
    """

    def __init__(
        self,
        source: TradesSource,
        client: Any,
        read: Callable[[Callable[[], Awaitable[_Read]]], Awaitable[_Read]],
    ) -> None:
        """`read` makes one call of the venue, with retries and breaker."""
        self._source, self._client, self._read = source, client, read
        self._lists: dict[str, _Read] = {}

    async def of(
        self,
        symbol: str,
        *,
        since: datetime | None = None,
        is_enough: Callable[[Sequence[Trade]], bool] = lambda _trades: False,
    ) -> Trades:
        """Return the fills in a symbol, read until they are enough, older than `since`, all, or too many.

        Raises: VenueUnavailable, also for a fill that cannot be read; VenueRefused.
        """
        name = symbol if self._source.trades_by_symbol else ""
        while True:
            known = self._lists.get(name, _Read())
            found = self._newest_first(known, symbol)
            reaches = since is not None and _oldest(known) < since
            if known.page is not None and known.page.joins and (known.is_whole or reaches or is_enough(found)):
                break
            if known.is_whole or known.pages >= self._source.most_trade_pages:
                break
            with priority(Priority.HISTORY):
                self._lists[name] = await self._read(lambda known=known: self._next(known, symbol))  # type: ignore[misc]
        wanted = [trade for trade in found if since is None or trade.fill.at is None or trade.fill.at >= since]
        is_cut = not (known.is_whole or reaches)
        return Trades(tuple(wanted), is_cut)

    async def _next(self, known: _Read, symbol: str) -> _Read:
        cursor = None if known.page is None else known.page.cursor
        page = await self._source.trades_page(self._client, symbol, cursor)
        fresh = {_identity(t): (str(t["symbol"]), _trade_or_none(t)) for t in page.trades}
        return replace(known, rows=known.rows | fresh, pages=known.pages + 1, page=page)

    def _newest_first(self, known: _Read, symbol: str) -> list[Trade]:
        found = [trade for name, trade in known.rows.values() if name == symbol]
        trades = [trade for trade in found if trade is not None]
        if len(trades) < len(found):  # one that is left out would make the others add up to something else
            raise VenueUnavailable(
                "MALFORMED_ANSWER", self._source.venue, "trades", f"a fill in {symbol} is unreadable"
            )
        return sorted(trades, key=_instant_of, reverse=True)


def _oldest(known: _Read) -> datetime:
    if known.page is not None and known.page.back_to is not None:
        return known.page.back_to
    instants = [_instant_of(trade) for _, trade in known.rows.values() if trade is not None]
    return min(instants, default=datetime.max.replace(tzinfo=UTC))


def _identity(raw: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(raw["symbol"]), str(raw.get("order")), str(raw["id"])


def _trade_or_none(raw: Mapping[str, Any]) -> Trade | None:
    try:
        return _trade(raw)
    except MALFORMED:  # somebody else's symbol may be none of ours
        return None


def _instant_of(trade: Trade) -> datetime:
    return trade.fill.at or datetime.min.replace(tzinfo=UTC)


def _trade(raw: Mapping[str, Any]) -> Trade:
    """Read ccxt's trade. Raises: one of MALFORMED for what lacks what it must have."""
    side = raw["side"]
    if side not in {"buy", "sell"}:
        raise ValueError(f"expected buy or sell, found {side!r}")
    fee = raw.get("fee") or {}
    quantity, price = exact(raw["amount"]), exact(raw["price"])
    if quantity <= 0 or price <= 0:
        raise ValueError(f"expected quantity and price above zero, found {raw['amount']!r} at {raw['price']!r}")
    cost = fee.get("cost")
    fill = Fill(
        trade_id=str(raw["id"]),
        quantity=quantity,
        price=price,
        at=datetime.fromtimestamp(int(raw["timestamp"]) / 1000, UTC),
        fee=None if cost is None else exact(cost),
        fee_asset=fee.get("currency"),
    )
    order = raw.get("order")
    return Trade(side, fill, None if order is None else str(order))
