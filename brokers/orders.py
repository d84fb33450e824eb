"""Send an order once, settle it, and find out what became of one whose outcome is unknown."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.account import AccountClient
from brokers.capabilities import Late
from brokers.conversions import Conversions, Worth
from brokers.ledger import Ledger
from models.clock import Clock
from models.errors import NotAsked, OutcomeUnknown, SignAgain, VenueError, VenueRefused
from models.order import Intent, LedgerOrder, VenueOrder
from models.policy import Policy
from models.reasons import ActionKind, OrderState
from models.store.leases import Lease
from rules.orders import LedgerContradicted

log = logging.getLogger(__name__)

FIRST_POLL = timedelta(milliseconds=100)
LAST_POLL = timedelta(seconds=2)
SLOWER_BY = 3  # from poll to poll: a look-up is dear where a venue counts calls
LOOK_BACK = timedelta(minutes=1)  # a venue's clock may run behind ours
SHORTEST_LISTING_LAG = timedelta(milliseconds=500)
SIGNED_AT_MOST = 3  # times, one order
FAILURES_OF_THE_VENUE = 2  # failed look-ups in a row: it is the venue, and not these orders

# Converts a fee to quote units; None where its asset has no known price.
FeeInQuote = Callable[[VenueOrder], Decimal | None]


class Orders:
    """What may be done with the orders of one account."""

    def __init__(  # noqa: PLR0917 - `tasks.runtime`, which wires a run, alone builds it
        self,
        client: AccountClient,
        ledger: Ledger,
        clock: Clock,
        policy: Policy,
        fee_in_quote: FeeInQuote,
        worth: Worth,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._clock = clock
        self._policy = policy
        self._fee_in_quote = fee_in_quote
        self.conversions = Conversions(client, ledger, clock, worth)
        # By client order id: since when this process knows it, on the clock that never jumps.
        self._known_since: dict[str, timedelta] = {}
        self._sent_here: set[str] = set()
        self._in_trouble: set[str] = set()  # failed to be looked up last time: others go first

    async def send_once(self, lease: Lease, intent: Intent) -> None:
        """Send a committed intent, unless it was sent before, and record the answer, whatever it is.

        Raises: LeaseLost, StoreError: in both cases nothing was sent, or what was sent is found by its id later;
        NotAsked: it was kept back, and will not be sent.
        """
        coid = intent.client_order_id
        # The venue refuses it later than a deadline after the instant in the ledger. So whoever looks for it knows when
        # it can not arrive any more, and a process that stood still before it sent does no harm when it goes on.
        # By the venue's clock, since the venue judges it by that.
        sent_at = self._client.now()
        if await self._ledger.about_to_send(lease, coid, sent_at):
            await self.send_stamped(lease, intent, sent_at)

    async def send_stamped(self, lease: Lease, intent: Intent, sent_at: datetime) -> None:
        """Send an intent that this very process has just turned into SENT, as of that instant; nobody else may.

        Raises: as `send_once`.
        """
        coid = intent.client_order_id
        self._sent_here.add(coid)
        self._known_since[coid] = self._clock.elapsed()
        try:
            order_id, at_venue = await self._place(lease, intent, sent_at)
        except VenueRefused as refusal:
            await self._ledger.refused(coid, refusal.code, refusal.detail, self._clock.now())
            log.info("order refused", extra={"symbol": intent.symbol, "code": refusal.code})
        except OutcomeUnknown as unknown:
            await self._ledger.unknown(coid, unknown.code, unknown.detail, self._clock.now())
            log.warning("order outcome unknown", extra={"symbol": intent.symbol, "client_order_id": coid})
        except NotAsked as kept:
            await self._ledger.kept_back(coid, kept.code, kept.detail, self._clock.now())
            raise
        else:
            if at_venue is not None and at_venue.state.is_final:
                await self._record(LedgerOrder(intent, OrderState.SENT), at_venue)
            else:
                await self._ledger.accepted(coid, order_id, self._clock.now())

    async def _place(self, lease: Lease, intent: Intent, sent_at: datetime) -> tuple[str, VenueOrder | None]:
        """Place an order; one refused for its nonce or hour alone, before it was looked at, is stamped and signed anew.

        Raises: VenueRefused, OutcomeUnknown, NotAsked, LeaseLost, StoreError.
        """
        for _ in range(SIGNED_AT_MOST - 1):
            try:
                return await self._client.place(intent, sent_at)
            except SignAgain as refusal:
                log.warning("to be signed again", extra={"account": intent.account, "detail": refusal.detail})
            await self._client.measure_clock()
            sent_at = self._client.now()
            await self._ledger.stamp_again(lease, intent.client_order_id, sent_at)
        return await self._client.place(intent, sent_at)

    async def settle(self, own_for: timedelta | None = None) -> tuple[LedgerOrder, ...]:
        """Bring every undecided order of the account to its end; return those that stay undecided.

        An intent that was never sent is closed. An open order is awaited until its timeout, then canceled and its
        fills read once more. One of unknown outcome is looked up until there is proof.
        `own_for`: only what this run has sent is waited for, and no longer than this; any other order is looked at.
        """
        began = self._clock.elapsed()
        for order in await self._ledger.undecided(self._client.account):
            if order.state is OrderState.INTENT:
                await self._ledger.closed_without_fill(
                    order.intent.client_order_id, "NEVER_SENT", "the run ended before it was sent", self._clock.now()
                )
        pause = FIRST_POLL
        while undecided := await self._ledger.undecided(self._client.account):
            await self._look(undecided)
            undecided = await self._ledger.undecided(self._client.account)
            if not undecided or all(self._is_hopeless(order) for order in undecided):
                break
            own = any(order.intent.client_order_id in self._sent_here for order in undecided)
            if own_for is not None and (not own or self._clock.elapsed() - began >= own_for):
                break
            await self._clock.sleep(pause)
            pause = min(pause * SLOWER_BY, LAST_POLL)
        return undecided

    async def _look(self, undecided: Sequence[LedgerOrder]) -> None:
        """Look at each order once. What goes wrong with one does not keep the others from their end."""
        untroubled_first = sorted(undecided, key=lambda o: o.intent.client_order_id in self._in_trouble)
        found, unread = await self._read_numbered(untroubled_first)
        failures = 0
        for order in untroubled_first:
            coid = order.intent.client_order_id
            if order.venue_order_id in unread:
                continue
            try:
                await self._look_at(order, found.get(order.venue_order_id or ""))
            except LedgerContradicted as contradiction:
                log.error("order contradicts the ledger", extra={"client_order_id": coid, "detail": str(contradiction)})  # noqa: TRY400
            except VenueError as error:
                log.warning("order cannot be looked up", extra={"client_order_id": coid, "code": error.code})
                self._in_trouble.add(coid)
                failures += 1
                if failures == FAILURES_OF_THE_VENUE:
                    return
            else:
                self._in_trouble.discard(coid)
                failures = 0

    async def _read_numbered(self, orders: Sequence[LedgerOrder]) -> tuple[dict[str, VenueOrder], set[str | None]]:
        """Read the orders whose venue id is known, by that id; return them, and the ids that could not be read."""
        numbered = [(o.venue_order_id, o.intent.symbol) for o in orders if o.venue_order_id is not None]
        size = self._client.capabilities.orders_per_read
        found: dict[str, VenueOrder] = {}
        unread: set[str | None] = set()
        failures = 0
        for page in (numbered[start : start + size] for start in range(0, len(numbered), size)):
            if failures < FAILURES_OF_THE_VENUE:
                try:
                    found.update(await self._client.orders_by_id(page))
                except VenueError as error:
                    log.warning("orders cannot be read", extra={"account": self._client.account, "code": error.code})
                    failures += 1
                else:
                    failures = 0
                    continue
            unread.update(order_id for order_id, _ in page)
        return found, unread

    async def _look_at(self, order: LedgerOrder, at_venue: VenueOrder | None) -> None:
        """Record what became of one order; cancel it first where its time is over. Raises: VenueError."""
        intent, order_id = order.intent, order.venue_order_id
        if order_id is not None and at_venue is not None and not at_venue.state.is_final and self._is_late(order):
            if order.timed_out_at is None:  # before the cancel, which may meet a fill or lose its answer
                await self._ledger.timed_out(intent.client_order_id, self._clock.now())
            await self._client.cancel(order_id, intent.symbol)
            at_venue = (await self._client.orders_by_id([(order_id, intent.symbol)])).get(order_id)
        if at_venue is None and intent.kind is ActionKind.CONVERT_DUST:
            at_venue = await self.conversions.find(order)
        elif at_venue is None:
            at_venue = await self._client.find(intent.client_order_id, intent.symbol, self._sent_at(order) - LOOK_BACK)
        if at_venue is None:
            at_venue = await self._traded_as(order)
        if at_venue is not None:
            await self._record(order, at_venue)

    async def _traded_as(self, order: LedgerOrder) -> VenueOrder | None:
        """Look for an order that the venue does not find: among the trades, then in the balance.

        "Not found" is believed only once the venue's own clock says that it would refuse the order for being late, and
        only when no trade of the symbol is without an owner and the holding is what it was before: then it is closed.
        """
        intent, since = order.intent, self._sent_at(order) - LOOK_BACK
        if not await self._is_over(order):
            return None
        strangers: frozenset[str] = frozenset()
        if intent.kind is not ActionKind.CONVERT_DUST:  # its look-up is the history of conversions itself
            ours = await self._ledger.venue_order_ids(intent.account, intent.symbol) - {order.venue_order_id}
            strangers = await self._client.order_ids_traded(intent.symbol, since) - ours
        for order_id, found in (await self._client.orders_by_id([(i, intent.symbol) for i in strangers])).items():
            if found.client_order_id == intent.client_order_id:
                return found
            if found.client_order_id is not None:
                strangers -= {order_id}  # somebody else's, under somebody else's id
        # With trades that may be its own it stays undecided, and so it does while anything of the holding moved.
        if not strangers and order.filled == 0 and await self._is_untouched(intent):
            code = "NEVER_ARRIVED" if order.venue_order_id is None else "VANISHED"
            detail = "the venue knows no such order and no such trade, and the holding is unchanged"
            await self._ledger.closed_without_fill(intent.client_order_id, code, detail, self._clock.now())
        return None

    async def _is_over(self, order: LedgerOrder) -> bool:
        """Whether nothing of it can happen any more, and what happened is listed: by the venue's clock, not by ours."""
        if order.venue_order_id is not None and not self._is_late(order):
            return False
        over_after = self._deadline(order) + max(SHORTEST_LISTING_LAG, timedelta(seconds=self._policy.settle_seconds))
        if max(self._known_for(order), self._client.now() - self._sent_at(order)) <= over_after:
            return False  # the venue is not even asked
        there = await self._client.venue_time()
        return (self._known_for(order) if there is None else there - self._sent_at(order)) > over_after

    async def _is_untouched(self, intent: Intent) -> bool:
        """Whether the holding is what it was before the order, and no order that cannot be seen holds any of it."""
        base = intent.symbol.split("/")[0]
        mine = [h for h in await self._client.holdings() if h.asset == base]
        resting = [o for o in await self._client.open_orders() if o.side == "sell" and o.symbol.split("/")[0] == base]
        held = sum((h.held for h in mine), Decimal(0))
        explained = sum((o.quantity for o in resting), Decimal(0))
        return sum((h.total for h in mine), Decimal(0)) == intent.holding_before and held <= explained

    async def _record(self, order: LedgerOrder, at_venue: VenueOrder) -> None:
        await self._ledger.seen(order, at_venue, self._fee_in_quote(at_venue), self._clock.now())

    def _is_late(self, order: LedgerOrder) -> bool:
        """Whether its time is over. Of an order of another process only the hour tells, which may have jumped."""
        age = self._known_for(order)
        if order.intent.client_order_id not in self._sent_here:
            age = max(age, self._client.now() - self._sent_at(order))
        return age >= timedelta(seconds=self._policy.order_timeout_seconds)

    def _is_hopeless(self, order: LedgerOrder) -> bool:
        """Whether waiting longer in this run makes no sense: every deadline has passed and still there is no proof."""
        deadline = self._deadline(order) + timedelta(seconds=self._policy.settle_seconds)
        patience = max(timedelta(seconds=self._policy.order_timeout_seconds), deadline) + 2 * LAST_POLL
        return self._known_for(order) > patience

    def _deadline(self, order: LedgerOrder) -> timedelta:
        """How long after it was sent an order may still arrive.

        A venue that takes late orders refuses none: there a connection's own patience is all that ends the waiting.
        """
        dust = self._client.capabilities.dust
        if order.intent.kind is ActionKind.CONVERT_DUST and dust is not None and dust.valid_seconds is not None:
            return timedelta(seconds=dust.valid_seconds)
        enforced = self._client.capabilities.late is Late.REFUSED
        seconds = self._policy.order_deadline_seconds
        return timedelta(seconds=seconds if enforced else max(seconds, self._policy.late_order_seconds))

    def _known_for(self, order: LedgerOrder) -> timedelta:
        now = self._clock.elapsed()
        return now - self._known_since.setdefault(order.intent.client_order_id, now)

    def _sent_at(self, order: LedgerOrder) -> datetime:
        return order.sent_at or self._client.now()
