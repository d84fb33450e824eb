"""Work out the fee of a fill and the asset it is taken in, rounded as the venue rounds money."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from brokers.simulator.book import Book
from brokers.simulator.manners import Manners
from brokers.simulator.orders import Order, Side
from brokers.simulator.prices import PricePath
from brokers.simulator.world import Listing, World


def rounded(manners: Manners, amount: Decimal, asset: str) -> Decimal:
    """Round an amount to what the venue keeps of the asset."""
    return amount.quantize(Decimal(1).scaleb(-manners.decimals(asset)), ROUND_HALF_EVEN)


class FeeDesk:
    """Charges fees in quote, base, the asset received, or BNB."""

    def __init__(self, world: World, listings: Mapping[str, Listing], prices: PricePath, book: Book) -> None:
        """Charge as the world says, or as the venue is known to."""
        self._world, self._listings, self._prices, self._book = world, listings, prices, book
        self._commission = world.commission or world.manners.commission.value

    def kept_back(self, cost: Decimal, quote: str, *, fee_in_base: bool) -> Decimal:
        """Fee an open buy keeps back beside its cost: none where the fee comes off something else."""
        if self._commission != "quote" or fee_in_base:
            return Decimal(0)
        return rounded(self._world.manners, cost * self._world.fees.taker, quote)

    def charged(
        self, order: Order, quantity: Decimal, cost: Decimal, now_ms: int, *, maker: bool
    ) -> tuple[str, Decimal]:
        """Asset and amount of a fill's fee; what the account cannot pay as asked comes off what it receives."""
        listing = self._listings[order.symbol]
        rate = self._world.fees.maker if maker else self._world.fees.taker
        buys = order.side is Side.BUY
        received, amount = (listing.base, quantity) if buys else (listing.quote, cost)
        asset, fee = self._asked(order, listing, quantity * rate, cost * rate, now_ms) or (received, amount * rate)
        fee = rounded(self._world.manners, fee, asset)
        spent = {listing.quote: cost} if buys else {listing.base: quantity}
        left = self._book.total(order.account, asset) - spent.get(asset, Decimal(0))
        if asset == received or left >= fee:
            return asset, fee
        return received, rounded(self._world.manners, amount * rate, received)

    def _asked(
        self, order: Order, listing: Listing, in_base: Decimal, in_quote: Decimal, now_ms: int
    ) -> tuple[str, Decimal] | None:
        """Return the fee as the world asks for it; None where it comes off what is received."""
        asked = "base" if order.fee_in_base else self._commission
        if asked == "quote":
            return listing.quote, in_quote
        if asked == "base":
            return listing.base, in_base
        pair = f"BNB/{listing.quote}"
        price = self._prices.last(pair, now_ms) if asked == "BNB" and pair in self._listings else None
        return ("BNB", in_quote / price) if price is not None else None
