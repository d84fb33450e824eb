"""One account at its venue: typed reads, one placement, look-ups. Nothing of ccxt passes this module."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import ccxt.async_support as ccxt

from brokers.adapter import Adapter
from brokers.breaker import CircuitBreaker, calling
from brokers.capabilities import Capabilities, Permissions
from brokers.client import forget_answer, last_answer
from brokers.dust_desks import DUST_DESKS, DustDesk
from brokers.errors import MALFORMED, placement_error
from brokers.order_window import OrderWindow, sending_within
from brokers.reads import read
from brokers.throttle import priority
from brokers.trade_history import TradeHistory
from brokers.venue_clock import VenueClock
from models.amounts import exact, plain
from models.clock import Clock
from models.dust import Converted, DustOffer
from models.errors import NotAsked, OutcomeUnknown, VenueRefused, VenueUnavailable
from models.order import Fill, Intent, VenueOrder
from models.policy import Policy
from models.position import Holding, OpenOrder
from models.reasons import OrderState
from rules.adoption import Trade
from rules.throttle import Priority

T = TypeVar("T")


class AccountClient:
    """Reads and writes one account. Reads are retried as the policy says; a placement never is."""

    def __init__(
        self,
        account: str,
        client: Any,
        adapter: Adapter,
        *,
        policy: Policy,
        clock: Clock,
        venue_clock: VenueClock,
        reads: CircuitBreaker | None = None,
        writes: CircuitBreaker | None = None,
    ) -> None:
        self.account = account
        self._clock = clock
        self._venue_clock = venue_clock
        self._client = client
        self._adapter = adapter
        self._policy = policy
        self._reads = reads
        self._writes = writes

    @property
    def venue(self) -> str:
        """The ccxt id of the venue."""
        return self._adapter.venue

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""
        return self._adapter.capabilities

    @property
    def trades_kept(self) -> timedelta | None:
        """How far back the venue lists fills; None: for ever, or it is not known."""
        return self._adapter.trades_kept

    async def holdings(self) -> tuple[Holding, ...]:
        """Return every balance above zero.

        Raises: VenueUnavailable, also for a number that is none or negative; VenueRefused.
        """
        holdings = await self._read("balance", lambda: self._adapter.holdings(self._client))
        return tuple(h for h in holdings if h.total > 0)

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        """Return the orders resting at the venue, whoever placed them. Raises: VenueUnavailable, VenueRefused."""
        return await self._read("open_orders", self._open_orders)

    async def reported_equity(self, quote: str) -> Decimal | None:
        """Return what the venue says the account is worth; None: it does not say, or not in a readable way."""
        try:
            return await self.equity(quote)
        except (VenueUnavailable, VenueRefused):
            return None  # a second opinion; its absence decides nothing

    async def equity(self, quote: str) -> Decimal | None:
        """Return the same, and say why where it cannot be read. Raises: VenueUnavailable, VenueRefused."""
        return await self._read("equity", lambda: self._adapter.reported_equity(self._client, quote))

    async def permissions(self) -> Permissions | None:
        """Return what the key may do; None: the venue does not say. Raises: VenueUnavailable, VenueRefused."""
        return await self._read("permissions", lambda: self._adapter.permissions(self._client))

    def now(self) -> datetime:
        """Return the instant by the venue's clock: what is sent is stamped and judged by it."""
        return self._venue_clock.now()

    async def measure_clock(self) -> None:
        """Compare the venue's clock with ours anew."""
        await self._venue_clock.measure(lambda: self._adapter.time(self._client))

    async def place(self, intent: Intent, sent_at: datetime) -> tuple[str, VenueOrder | None]:
        """Send one market order, once. Return the venue's order id, and the order where the answer already tells it.

        `sent_at` is by the venue's clock; the order is void there once the policy's deadline after it has passed.

        Raises: VenueRefused on proof of refusal, as SignAgain where only nonce or hour were wrong; NotAsked where it
        was kept back; OutcomeUnknown on anything else.
        """
        window = OrderWindow(sent_at, sent_at + timedelta(seconds=self._policy.order_deadline_seconds))
        params = self._adapter.place_params(intent.client_order_id, window)
        with sending_within(window):
            answer = await self._place_once(intent, params)
        try:
            order = None if answer.get("status") is None else _venue_order(answer)
        except MALFORMED:
            order = None  # accepted under an id; what became of it is read by that id
        return str(answer["id"]), order

    async def dust_offers(self, assets: Sequence[str]) -> tuple[DustOffer, ...]:
        """Return which of these small balances the venue would convert. Raises: VenueUnavailable, VenueRefused."""
        desk = self._dust_desk()
        return await self._read("dust_offer", lambda: desk.offers(self._client, assets))

    async def convert_dust(self, assets: Sequence[str], sent_at: datetime) -> None:
        """Ask once for the conversion of small balances; what came of it is in `converted`.

        Raises: VenueRefused on proof of refusal; NotAsked where it was kept back; OutcomeUnknown on anything else.
        """
        window = OrderWindow(sent_at, sent_at + timedelta(seconds=self._policy.order_deadline_seconds))
        desk = self._dust_desk()
        with sending_within(window):
            await self._written(lambda: desk.convert(self._client, assets, window))

    async def converted(self, asset: str, since: datetime) -> Converted | None:
        """Return the newest conversion of an asset since then. Raises: VenueUnavailable, VenueRefused."""
        desk = self._dust_desk()
        made = await self._read("dust_history", lambda: desk.history(self._client, since))
        return next((row for row in made if row.asset == asset and row.at >= since), None)

    async def find(self, client_order_id: str, symbol: str, since: datetime) -> VenueOrder | None:
        """Look an order up by our id. None: the venue says there is none (weak evidence right after sending).

        Raises: VenueUnavailable, VenueRefused.
        """

        async def find() -> VenueOrder | None:
            raw = await self._adapter.find(self._client, client_order_id, symbol, since)
            return None if raw is None else _venue_order(raw)

        return await self._read("order", find)

    async def orders_by_id(self, ids: Sequence[tuple[str, str]]) -> dict[str, VenueOrder]:
        """Read orders by (venue order id, symbol); one the venue does not find is left out."""

        async def read() -> dict[str, VenueOrder]:
            raw = await self._adapter.orders_by_id(self._client, ids)
            return {order_id: _venue_order(order) for order_id, order in raw.items()}

        return await self._read("order", read) if ids else {}

    async def venue_time(self) -> datetime | None:
        """Return the hour at the venue; None: it does not tell. Raises: VenueUnavailable, VenueRefused."""
        return await self._read("time", lambda: self._adapter.time(self._client))

    async def order_ids_traded(self, symbol: str, since: datetime) -> frozenset[str]:
        """Return the venue ids of the orders that traded in `symbol` since then."""
        return await self._read("trades", lambda: self._adapter.order_ids_traded(self._client, symbol, since))

    def trade_history(self) -> TradeHistory:
        """Return the account's fills, to be read as far as they are wanted."""
        return TradeHistory(self._adapter, self._client, lambda call: self._read("trades", call))

    async def trades(self, symbol: str, since: datetime | None = None) -> tuple[Trade, ...]:
        """Return the fills in a symbol, newest first, as far as the venue lists them. Raises: as `TradeHistory.of`."""
        return (await self.trade_history().of(symbol, since=since)).newest_first

    async def cancel(self, order_id: str, symbol: str) -> None:
        """Cancel an order; one that is gone already is no error, since its fills are read again in any case.

        Raises: VenueUnavailable, VenueRefused.
        """

        async def cancel() -> None:
            try:
                with priority(Priority.EMERGENCY):
                    await self._client.cancel_order(order_id, symbol)
            except ccxt.InvalidOrder:  # covers OrderNotFound: filled or canceled in the meantime
                return

        await self._read("cancel", cancel, breaker=self._writes, passes=True)

    async def orders_kept_back(self) -> NotAsked | None:
        """Return how the breaker would keep an order back now; None: it would go. Raises: StoreError."""
        return None if self._writes is None else await self._writes.kept_back("place")

    async def close(self) -> None:
        """Let go of the client, and of its key's turn."""
        await self._client.close()
        if self._client.turn is not None:
            await self._client.turn.close()

    def _dust_desk(self) -> DustDesk:
        return DUST_DESKS[self.venue]

    async def _place_once(self, intent: Intent, params: Mapping[str, Any]) -> dict[str, Any]:
        params = {**params, **(self._adapter.buy_params if intent.side == "buy" else {})}

        async def create() -> dict[str, Any]:
            answer = await self._client.create_order(
                intent.symbol, "market", intent.side, plain(intent.quantity), None, params
            )
            if isinstance(answer, dict) and answer.get("id"):
                return answer
            unknown = OutcomeUnknown("MALFORMED_ANSWER", self.venue, "place", "the answer names no order id")
            unknown.is_transport = True
            raise unknown

        return await self._written(create)

    async def _written(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make one writing call.

        Raises: VenueRefused on proof of refusal; NotAsked where it was kept back; OutcomeUnknown on anything else.
        """
        async with calling(self._writes, "place", self._policy):
            forget_answer()
            try:
                return await call()
            except (ccxt.BaseError, TimeoutError, *MALFORMED) as error:
                raise placement_error(
                    error,
                    self.venue,
                    last_answer(),
                    unknown_texts=self._adapter.unknown_texts,
                    refusal_texts=self._adapter.refusal_texts,
                ) from None  # ccxt's text holds the whole address, and Prefect logs what stands behind an error

    async def _open_orders(self) -> tuple[OpenOrder, ...]:
        return tuple(
            OpenOrder(
                order_id=str(raw["id"]),
                client_order_id=raw.get("clientOrderId"),
                symbol=str(raw["symbol"]),
                side=str(raw["side"]),
                quantity=exact(raw["amount"]) - exact(raw.get("filled") or 0),
                placed_at=_instant(raw.get("timestamp")),
            )
            for raw in await self._adapter.open_orders(self._client)
        )

    async def _read(
        self,
        operation: str,
        call: Callable[[], Awaitable[T]],
        *,
        breaker: CircuitBreaker | None = None,
        passes: bool = False,
    ) -> T:
        return await read(
            self.venue,
            operation,
            call,
            policy=self._policy,
            clock=self._clock,
            before_signing_again=self.measure_clock,
            breaker=breaker or self._reads,
            passes=passes,
        )


def _venue_order(raw: Mapping[str, Any]) -> VenueOrder:
    """Read ccxt's order. Raises: ValueError or KeyError for one whose state or fills cannot be read."""
    quantity, filled = exact(raw["amount"]), exact(raw["filled"])
    status = raw["status"]
    if status == "open":
        state = OrderState.PARTIAL if filled > 0 else OrderState.OPEN
    elif status in {"closed", "canceled", "expired", "rejected"}:
        state = OrderState.FILLED if filled >= quantity else OrderState.PARTIALLY_FILLED
        state = state if filled > 0 else OrderState.CANCELED
    else:
        raise ValueError(f"unknown order status {status!r}")
    fee = raw.get("fee") or next(iter(raw.get("fees") or ()), None) or {}
    average = raw.get("average")
    return VenueOrder(
        order_id=str(raw["id"]),
        client_order_id=raw.get("clientOrderId"),
        symbol=str(raw["symbol"]),
        side=str(raw["side"]),
        state=state,
        quantity=quantity,
        filled=filled,
        average_price=exact(average) if average and filled > 0 else None,
        fee=None if fee.get("cost") is None else exact(fee["cost"]),
        fee_asset=fee.get("currency"),
        fills=_fills(raw.get("trades") or ()),
    )


def _fills(trades: Iterable[Any]) -> tuple[Fill, ...]:
    return tuple(
        Fill(
            trade_id=str(trade["id"]),
            quantity=exact(trade["amount"]),
            price=exact(trade["price"]),
            at=_instant(trade.get("timestamp")),
            fee=None if (trade.get("fee") or {}).get("cost") is None else exact(trade["fee"]["cost"]),
            fee_asset=(trade.get("fee") or {}).get("currency"),
        )
        for trade in trades
        if isinstance(trade, dict) and trade.get("id") and trade.get("price")
    )


def _instant(milliseconds: Any) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
