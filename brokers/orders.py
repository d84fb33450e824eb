"""Send an order once, settle it, and find out what became of one whose outcome is unknown."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.account import AccountClient
from brokers.ledger import Ledger
from models.clock import Clock
from models.errors import OutcomeUnknown, VenueError, VenueRefused
from models.order import Intent, LedgerOrder, VenueOrder
from models.policy import Policy
from models.reasons import OrderState
from models.store.leases import Lease

log = logging.getLogger(__name__)

FIRST_POLL = timedelta(milliseconds=100)
LAST_POLL = timedelta(seconds=2)
CLOCK_MARGIN = timedelta(seconds=1)
LOOK_BACK = timedelta(minutes=1)  # a venue's clock may run behind ours

# Converts a fee to quote units; None where its asset has no known price.
FeeInQuote = Callable[[VenueOrder], Decimal | None]


class Orders:
    """What may be done with the orders of one account."""

    def __init__(
        self, client: AccountClient, ledger: Ledger, clock: Clock, policy: Policy, fee_in_quote: FeeInQuote
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._clock = clock
        self._policy = policy
        self._fee_in_quote = fee_in_quote
        self._sent: dict[str, timedelta] = {}  # by client order id, for those this process sent

    async def send_once(self, lease: Lease, intent: Intent) -> None:
        """Send a committed intent, unless it was sent before, and record the answer, whatever it is.

        Raises: LeaseLost, StoreError: in both cases nothing was sent, or what was sent is found by its id later.
        """
        coid = intent.client_order_id
        if not await self._ledger.about_to_send(lease, coid, self._clock.now()):
            return
        self._sent[coid] = self._clock.elapsed()
        try:
            order_id, at_venue = await self._client.place(intent, self._clock.now())
        except VenueRefused as refusal:
            await self._ledger.refused(coid, refusal.code, refusal.detail, self._clock.now())
            log.info("order refused", extra={"symbol": intent.symbol, "code": refusal.code})
        except OutcomeUnknown as unknown:
            await self._ledger.unknown(coid, unknown.code, unknown.detail, self._clock.now())
            log.warning("order outcome unknown", extra={"symbol": intent.symbol, "client_order_id": coid})
        else:
            if at_venue is not None and at_venue.state.is_final:
                await self._record(LedgerOrder(intent, OrderState.SENT), at_venue)
            else:
                await self._ledger.accepted(coid, order_id, self._clock.now())

    async def settle(self) -> tuple[LedgerOrder, ...]:
        """Bring every undecided order of the account to its end; return those that stay undecided.

        An intent that was never sent is closed. An open order is awaited until its timeout, then canceled and its
        fills read once more. One of unknown outcome is looked up until there is proof.
        """
        for order in await self._ledger.undecided(self._client.account):
            if order.state is OrderState.INTENT:
                await self._ledger.closed_without_fill(
                    order.intent.client_order_id, "NEVER_SENT", "the run ended before it was sent", self._clock.now()
                )
        pause = FIRST_POLL
        while undecided := await self._ledger.undecided(self._client.account):
            try:
                await self._look(undecided)
            except VenueError as error:
                log.warning("orders cannot be read", extra={"account": self._client.account, "code": error.code})
            undecided = await self._ledger.undecided(self._client.account)
            if not undecided or all(self._is_hopeless(order) for order in undecided):
                break
            await self._clock.sleep(pause)
            pause = min(pause * 2, LAST_POLL)
        return undecided

    async def _look(self, undecided: Sequence[LedgerOrder]) -> None:
        numbered = {o.venue_order_id: o for o in undecided if o.venue_order_id is not None}
        found = await self._client.orders_by_id([(order_id, o.intent.symbol) for order_id, o in numbered.items()])
        for order_id, order in numbered.items():
            at_venue = found.get(order_id)
            if at_venue is None or (not at_venue.state.is_final and self._is_late(order)):
                at_venue = await self._end(order, order_id, known=at_venue is not None)
            if at_venue is not None:
                await self._record(order, at_venue)
        for order in undecided:
            if order.venue_order_id is None:
                await self._find(order)

    async def _end(self, order: LedgerOrder, order_id: str, *, known: bool) -> VenueOrder | None:
        """Cancel an order whose time is over, and read its fills once more; look by our id where its own is unknown."""
        if known:
            await self._client.cancel(order_id, order.intent.symbol)
            again = await self._client.orders_by_id([(order_id, order.intent.symbol)])
            return again.get(order_id)
        return await self._client.find(
            order.intent.client_order_id, order.intent.symbol, self._sent_at(order) - LOOK_BACK
        )

    async def _find(self, order: LedgerOrder) -> None:
        """Look for an order that was sent without an answer: by our id, then by its trades, then in the balance.

        "Not found" is believed only after the moment from which the venue would refuse it for being late, and only when
        no trade of the symbol is without an owner and the holding is what it was before.
        """
        intent, since = order.intent, self._sent_at(order) - LOOK_BACK
        at_venue = await self._client.find(intent.client_order_id, intent.symbol, since)
        if at_venue is not None:
            await self._record(order, at_venue)
            return
        if self._age(order) <= self._deadline:
            return
        ours = await self._ledger.venue_order_ids(intent.account, intent.symbol)
        strangers = await self._client.order_ids_traded(intent.symbol, since) - ours
        for order_id, found in (await self._client.orders_by_id([(i, intent.symbol) for i in strangers])).items():
            if found.client_order_id == intent.client_order_id:
                await self._record(order, found)
                return
            if found.client_order_id is not None:
                strangers -= {order_id}  # somebody else's, under somebody else's id
        if strangers:
            return  # trades that may be this order's: it stays undecided
        base = intent.symbol.split("/")[0]
        total = sum((h.total for h in await self._client.holdings() if h.asset == base), Decimal(0))
        if total == intent.holding_before:
            detail = "the venue knows no such order and no such trade, and the holding is unchanged"
            await self._ledger.closed_without_fill(intent.client_order_id, "NEVER_ARRIVED", detail, self._clock.now())

    async def _record(self, order: LedgerOrder, at_venue: VenueOrder) -> None:
        await self._ledger.seen(order, at_venue, self._fee_in_quote(at_venue), self._clock.now())

    def _is_late(self, order: LedgerOrder) -> bool:
        return self._age(order) >= timedelta(seconds=self._policy.order_timeout_seconds)

    def _is_hopeless(self, order: LedgerOrder) -> bool:
        """Whether waiting longer in this run makes no sense: every deadline has passed and still there is no proof."""
        patience = max(timedelta(seconds=self._policy.order_timeout_seconds), self._deadline) + 2 * LAST_POLL
        return self._age(order) > patience

    def _age(self, order: LedgerOrder) -> timedelta:
        """How long ago it was sent; by the hour only for an order of another process, because the hour may jump."""
        sent = self._sent.get(order.intent.client_order_id)
        return self._clock.now() - self._sent_at(order) if sent is None else self._clock.elapsed() - sent

    def _sent_at(self, order: LedgerOrder) -> datetime:
        return order.sent_at or self._clock.now()

    @property
    def _deadline(self) -> timedelta:
        return timedelta(seconds=self._policy.order_deadline_seconds) + CLOCK_MARGIN
