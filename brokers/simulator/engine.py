"""Accept, fill and end orders against the price path. Knows no wire format; every amount is Decimal."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from brokers.simulator.book import Book
from brokers.simulator.fees import FeeDesk, rounded
from brokers.simulator.manners import ClientIds
from brokers.simulator.orders import Fill, Kind, Lifetime, Order, Request, Side, Status
from brokers.simulator.prices import PricePath, Quote
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import FillMode, FillRule, Listing, MarketStatus, World

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Shown:
    """One balance as the venue shows it."""

    total: Decimal
    held: Decimal


class Engine:
    """One venue's matching and money. The caller passes the instant, and saves the book afterwards."""

    def __init__(self, world: World, listings: Mapping[str, Listing], prices: PricePath, book: Book) -> None:
        """Take shared listings and prices; the fill rules start as the world's."""
        self.world, self.listings, self.prices, self.book = world, listings, prices, book
        self.fill_rules: list[FillRule] = list(world.fills)
        self._fees = FeeDesk(world, listings, prices, book)
        self.lag_ms = int(world.balance_lag_seconds * 1000)

    def listing(self, symbol: str) -> Listing:
        """Market that is served. Raises: Refusal for an unknown or delisted one."""
        listing = self.listings.get(symbol)
        if listing is None or listing.status is MarketStatus.DELISTED:
            raise Refusal(Reason.UNKNOWN_MARKET, symbol)
        return listing

    def quote(self, symbol: str, now_ms: int) -> Quote | None:
        """Bid, ask and last; None while unpriced."""
        return self.prices.quote(symbol, now_ms)

    def place(self, request: Request, now_ms: int, *, validate_only: bool = False) -> Order:
        """Accept an order and fill what can be filled at once. Raises: Refusal."""
        if not self.world.accounts[request.account].may_trade:
            raise Refusal(Reason.PERMISSION_DENIED)
        listing = self.listing(request.symbol)
        quote = self.quote(request.symbol, now_ms)
        quantity = self._checked_quantity(request, listing, quote)
        held_asset, held = self._hold(request, listing, quote, quantity)
        if held > self.book.free(request.account, held_asset):
            raise Refusal(Reason.INSUFFICIENT_FUNDS, held_asset)
        number = self.book.last_order + 1
        order = Order(
            id=self.world.manners.ids("order", self.world.seed, number),
            number=number,
            account=request.account,
            symbol=request.symbol,
            side=request.side,
            kind=request.kind,
            quantity=quantity,
            limit_price=request.limit_price,
            client_order_id=request.client_order_id,
            user_reference=request.user_reference,
            lifetime=request.lifetime,
            post_only=request.post_only,
            fee_in_base=request.fee_in_base,
            opened_ms=now_ms,
            updated_ms=now_ms,
            held_asset=held_asset,
            held=held,
            quote_quantity=request.quote_quantity,
        )
        if validate_only:
            return order
        self.book.keep(order)
        self._advance(order, now_ms)
        return order

    def cancel(self, order: Order, now_ms: int) -> None:
        """End an open order at its owner's wish."""
        self._end(order, Status.CANCELED, now_ms)

    def settle(self, now_ms: int, account: str | None = None, *, canceling: bool = False) -> None:
        """Let time pass for the open orders of one account, or of all. `canceling`: a cancel is about to be heard."""
        accounts = [account] if account is not None else list(self.book.open)
        for name in accounts:
            for order in list(self.book.open.get(name, {}).values()):
                self._advance(order, now_ms, canceling=canceling)

    def balances(self, account: str, now_ms: int) -> dict[str, Shown]:
        """Show balances as of now: with a lag set, fills younger than it are not in them yet."""
        shown = dict(self.book.totals.get(account, {}))
        if self.lag_ms:
            for fill in self.book.lagging(account, now_ms - self.lag_ms):
                for asset, change in _changes(fill, self.listings[fill.symbol]):
                    shown[asset] = shown.get(asset, _NOTHING) - change
        return {asset: Shown(total, min(self.book.held(account, asset), total)) for asset, total in shown.items()}

    def _checked_quantity(self, request: Request, listing: Listing, quote: Quote | None) -> Decimal:
        """Quantity to trade, after every check that needs no funds. Raises: Refusal."""
        if listing.status is MarketStatus.HALTED:
            raise Refusal(Reason.MARKET_HALTED, listing.symbol)
        if len(self.book.open.get(request.account, {})) >= self.world.max_open_orders:
            raise Refusal(Reason.TOO_MANY_ORDERS)
        price = self._checked_price(request, listing, quote)
        quantity = request.quantity
        if request.quote_quantity is not None:
            bought = request.quote_quantity / price if price is not None else _NOTHING
            quantity = _floored(bought, listing.lot_step)
        if quantity is None or not quantity.is_finite() or _floored(quantity, listing.lot_step) != quantity:
            raise Refusal(Reason.QUANTITY_INVALID, "quantity")
        if quantity <= 0 or quantity < listing.min_quantity:
            raise Refusal(Reason.QUANTITY_BELOW_MINIMUM, "quantity")
        notional = request.quote_quantity or (quantity * price if price is not None else None)
        if notional is not None and notional < listing.min_notional:
            raise Refusal(Reason.NOTIONAL_BELOW_MINIMUM)
        if self.first_named(request.account, request.client_order_id) is not None:
            raise Refusal(Reason.DUPLICATE_CLIENT_ORDER_ID, str(request.client_order_id))
        return quantity

    def first_named(self, account: str, client_order_id: str | None) -> Order | None:
        """Return the order that keeps a client order id from being used again; None: it is free."""
        if client_order_id is None:
            return None
        ever = self.world.manners.client_ids is ClientIds.EVER
        taken = self.book.by_account.get(account, []) if ever else self.book.open.get(account, {}).values()
        return next((order for order in taken if order.client_order_id == client_order_id), None)

    def _checked_price(self, request: Request, listing: Listing, quote: Quote | None) -> Decimal | None:
        if request.kind is Kind.MARKET:
            return None if quote is None else _taken_price(request.side, quote)
        price = request.limit_price
        if price is None or not price.is_finite() or price <= 0 or _floored(price, listing.tick) != price:
            raise Refusal(Reason.PRICE_INVALID, "price")
        if request.post_only and quote is not None and _crosses(request.side, price, quote):
            raise Refusal(Reason.WOULD_TAKE)
        return price

    def _hold(self, request: Request, listing: Listing, quote: Quote | None, quantity: Decimal) -> tuple[str, Decimal]:
        """Asset and amount the order keeps back; a fee taken in quote is kept back with it."""
        if request.side is Side.SELL:
            return listing.base, quantity
        price = request.limit_price or (quote.ask if quote is not None else _NOTHING)
        cost = rounded(self.world.manners, quantity * price, listing.quote)
        fee = self._fees.kept_back(cost, listing.quote, fee_in_base=request.fee_in_base)
        return listing.quote, cost + fee

    def _advance(self, order: Order, now_ms: int, *, canceling: bool = False) -> None:
        """Fill as much of an open order as price, fill rule and time allow, and end it where it must end."""
        listing = self.listings[order.symbol]
        quote = self.quote(order.symbol, now_ms) if listing.status is MarketStatus.ONLINE else None
        at_once = now_ms == order.opened_ms and not order.filled
        reached = quote is not None and (
            order.kind is Kind.MARKET or _crosses(order.side, order.limit_price or _NOTHING, quote)
        )
        rule = self._rule(order)
        if reached and quote is not None:
            maker = order.kind is Kind.LIMIT and not at_once
            price = order.limit_price if maker and order.limit_price else _taken_price(order.side, quote)
            allowed = _floored(self._allowed(order, rule, now_ms, canceling=canceling), listing.lot_step)
            whole = order.lifetime is not Lifetime.ALL_AT_ONCE or allowed == order.quantity
            if not self._can_pay(order, allowed - order.filled, price):
                self._end(order, Status.EXPIRED, now_ms)
            elif allowed > order.filled and whole:
                self._fill(order, listing, allowed - order.filled, price, now_ms, maker=maker)
        if not order.is_open:
            return
        unreachable = order.kind is Kind.MARKET and quote is None and at_once
        rest_goes = reached and rule.mode is FillMode.PARTIAL and rule.cancel_rest
        if order.lifetime is not Lifetime.UNTIL_CANCELED or unreachable or rest_goes:
            self._end(order, Status.EXPIRED, now_ms)

    def _can_pay(self, order: Order, quantity: Decimal, price: Decimal) -> bool:
        """Whether a buy that waited can still pay: the price may have moved past what it keeps back."""
        if order.side is Side.SELL or order.kind is Kind.LIMIT:
            return True
        quote = order.held_asset
        cost = rounded(self.world.manners, quantity * price, quote)
        fee = self._fees.kept_back(cost, quote, fee_in_base=order.fee_in_base)
        return cost + fee <= self.book.free(order.account, quote) + order.held

    def _rule(self, order: Order) -> FillRule:
        matching = [rule for rule in self.fill_rules if rule.matches(order.account, order.symbol)]
        return matching[-1] if matching else FillRule()

    def _allowed(self, order: Order, rule: FillRule, now_ms: int, *, canceling: bool) -> Decimal:
        """Cumulative quantity the fill rule lets through by now."""
        late = rule.after_seconds is not None and now_ms >= order.opened_ms + int(rule.after_seconds * 1000)
        match rule.mode:
            case FillMode.IMMEDIATE:
                return order.quantity
            case FillMode.DELAYED:
                return order.quantity if late else _NOTHING
            case FillMode.PARTIAL:
                return order.quantity if late else order.quantity * rule.fraction
            case FillMode.AT_CANCEL:
                return order.quantity if canceling else _NOTHING
            case FillMode.NEVER:
                return _NOTHING

    def _fill(
        self, order: Order, listing: Listing, quantity: Decimal, price: Decimal, now_ms: int, *, maker: bool
    ) -> None:
        cost = rounded(self.world.manners, quantity * price, listing.quote)
        fee_asset, fee = self._fees.charged(order, quantity, cost, now_ms, maker=maker)
        number = self.book.last_fill + 1
        fill = Fill(
            id=self.world.manners.ids("fill", self.world.seed, number),
            number=number,
            order_id=order.id,
            account=order.account,
            symbol=order.symbol,
            side=order.side,
            kind=order.kind,
            quantity=quantity,
            price=price,
            cost=cost,
            fee=fee,
            fee_asset=fee_asset,
            maker=maker,
            time_ms=now_ms,
        )
        for asset, change in _changes(fill, listing):
            self.book.move(order.account, asset, change)
        share = rounded(self.world.manners, order.held * quantity / order.remaining, order.held_asset)
        paid = cost + (fee if fee_asset == listing.quote else _NOTHING)
        spent = max(share, paid) if order.side is Side.BUY else quantity  # a buy may cost more than it kept back
        order.held = max(_NOTHING, order.held - spent)
        order.filled += quantity
        order.cost += cost
        order.fee += fee
        order.fee_asset = fee_asset
        order.updated_ms = now_ms
        self.book.add_fill(fill)
        if order.filled == order.quantity:
            self._end(order, Status.FILLED, now_ms)
        else:
            self.book.keep(order)

    def _end(self, order: Order, status: Status, now_ms: int) -> None:
        order.status, order.closed_ms, order.updated_ms, order.held = status, now_ms, now_ms, _NOTHING
        self.book.keep(order)


def _changes(fill: Fill, listing: Listing) -> list[tuple[str, Decimal]]:
    """Return what a fill added to and took from its account."""
    sign = 1 if fill.side is Side.BUY else -1
    return [(listing.base, sign * fill.quantity), (listing.quote, -sign * fill.cost), (fill.fee_asset, -fill.fee)]


def _taken_price(side: Side, quote: Quote) -> Decimal:
    return quote.ask if side is Side.BUY else quote.bid


def _crosses(side: Side, price: Decimal, quote: Quote) -> bool:
    return price >= quote.ask if side is Side.BUY else price <= quote.bid


def _floored(number: Decimal, step: Decimal) -> Decimal:
    return (number / step).to_integral_value(ROUND_FLOOR) * step
