"""Turn small balances into one asset, as the venues that offer it do: what is offered, and what comes of it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from brokers.simulator.book import Book
from brokers.simulator.fees import rounded
from brokers.simulator.orders import Conversion
from brokers.simulator.prices import PricePath
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import Listing, World


class DustCounter:
    """Offers and carries out conversions of one venue. The caller passes the instant, and saves the book afterwards."""

    def __init__(self, world: World, listings: Mapping[str, Listing], prices: PricePath, book: Book) -> None:
        """Share listings and prices with the engine."""
        self._world, self._listings, self._prices, self._book = world, listings, prices, book

    def offers(self, account: str, now_ms: int) -> list[Conversion]:
        """Return what could be converted now, each alone; nothing of it is done."""
        desk = self._world.manners.dust
        if desk is None:
            return []
        found = []
        for asset in self._book.totals.get(account, {}):
            free = self._book.free(account, asset)
            worth = None if asset in {desk.into, self._world.manners.quote} else self._worth(asset, free, now_ms)
            price = self._price(desk.into, now_ms)
            if worth and price and worth <= desk.most_quote:
                gross = worth / price
                fee = rounded(self._world.manners, gross * desk.fee_fraction, desk.into)
                received = rounded(self._world.manners, gross, desk.into) - fee
                found.append(Conversion(0, 0, account, asset, free, desk.into, received, fee, now_ms))
        return found

    def convert(
        self, account: str, assets: Sequence[str], now_ms: int, *, batch: int | None = None
    ) -> list[Conversion]:
        """Convert all of these, or none; `batch`: the venue named it before. Raises: Refusal for one not offered."""
        offers = {offer.asset: offer for offer in self.offers(account, now_ms)}
        missing = [asset for asset in assets if asset not in offers]
        if missing or not assets:
            raise Refusal(Reason.NOT_CONVERTIBLE, ",".join(missing))
        first = len(self._book.conversions) + 1
        batch = first if batch is None else batch
        done = []
        for number, asset in enumerate(dict.fromkeys(assets), start=first):
            offer = offers[asset]
            self._book.move(account, asset, -offer.quantity)
            self._book.move(account, offer.into, offer.received)
            made = Conversion(
                number, batch, account, asset, offer.quantity, offer.into, offer.received, offer.fee, now_ms
            )
            self._book.add_conversion(made)
            done.append(made)
        return done

    def _worth(self, asset: str, quantity: Decimal, now_ms: int) -> Decimal | None:
        price = self._price(asset, now_ms)
        return None if price is None else quantity * price

    def _price(self, asset: str, now_ms: int) -> Decimal | None:
        quote = self._world.manners.quote
        if asset == quote:
            return Decimal(1)
        symbol = f"{asset}/{quote}"
        return self._prices.last(symbol, now_ms) if symbol in self._listings else None
