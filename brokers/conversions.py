"""Convert small balances through the venue, once, and find out what became of it: in the order ledger, as any order."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from brokers.account import AccountClient
from brokers.ledger import Ledger
from models.clock import Clock
from models.dust import Converted
from models.errors import NotAsked, OutcomeUnknown, VenueRefused
from models.order import Fill, Intent, LedgerOrder, VenueOrder
from models.reasons import OrderState
from models.store.leases import Lease

log = logging.getLogger(__name__)

# The venue stamps a conversion when it makes it, by its own clock, of which ours knows the offset to a second.
SLACK = timedelta(seconds=1)

# What an amount of an asset is worth in quote units; None where it has no known price.
Worth = Callable[[str, Decimal], Decimal | None]


class Conversions:
    """What may be converted of one account. An intent of a conversion sells the whole balance for another asset."""

    def __init__(self, client: AccountClient, ledger: Ledger, clock: Clock, worth: Worth) -> None:
        self._client = client
        self._ledger = ledger
        self._clock = clock
        self._worth = worth

    async def send_once(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """Ask for the conversion of committed intents, as many at a time as the venue takes.

        An accepted request is no conversion yet: `find` reads the history until it shows there.
        Raises: LeaseLost, StoreError; NotAsked: it was kept back, and will not be sent.
        """
        dust = self._client.capabilities.dust
        size = 1 if dust is None else dust.assets_per_request
        for start in range(0, len(intents), size):
            await self._send(lease, intents[start : start + size])

    async def find(self, order: LedgerOrder) -> VenueOrder | None:
        """Look for a conversion in the venue's history. Raises: VenueUnavailable, VenueRefused."""
        sent_at = order.sent_at or self._client.now()
        made = await self._client.converted(_base(order.intent), sent_at - SLACK)
        return None if made is None else self._as_order(order.intent, made)

    async def _send(self, lease: Lease, intents: Sequence[Intent]) -> None:
        sent_at = self._client.now()
        ready = [i for i in intents if await self._ledger.about_to_send(lease, i.client_order_id, sent_at)]
        if not ready:
            return
        try:
            await self._client.convert_dust([_base(intent) for intent in ready], sent_at)
        except VenueRefused as refusal:
            log.info("conversion refused", extra={"account": lease.account, "code": refusal.code})
            for intent in ready:
                await self._ledger.refused(intent.client_order_id, refusal.code, refusal.detail, self._clock.now())
        except OutcomeUnknown as unknown:
            log.warning("conversion outcome unknown", extra={"account": lease.account, "code": unknown.code})
            for intent in ready:
                await self._ledger.unknown(intent.client_order_id, unknown.code, unknown.detail, self._clock.now())
        except NotAsked as kept:
            for intent in ready:
                await self._ledger.kept_back(intent.client_order_id, kept.code, kept.detail, self._clock.now())
            raise

    def _as_order(self, intent: Intent, made: Converted) -> VenueOrder:
        gross = self._worth(made.into, made.received + made.fee)
        price = None if gross is None else gross / made.quantity
        fill = None if price is None else Fill(made.reference, made.quantity, price, made.at, made.fee, made.into)
        return VenueOrder(
            order_id=made.reference,
            client_order_id=intent.client_order_id,
            symbol=intent.symbol,
            side=intent.side,
            state=OrderState.FILLED,
            quantity=made.quantity,
            filled=made.quantity,
            average_price=price,
            fee=made.fee,
            fee_asset=made.into,
            fills=() if fill is None else (fill,),
        )


def _base(intent: Intent) -> str:
    return intent.symbol.split("/", maxsplit=1)[0]
