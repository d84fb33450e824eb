"""Put what an account traded before the start into the venue's record; its balances stay what the world says."""

from decimal import Decimal

from brokers.simulator.book import Book
from brokers.simulator.fees import rounded
from brokers.simulator.manners import Commission
from brokers.simulator.orders import Fill, Kind, Lifetime, Order, Side, Status
from brokers.simulator.world import PastTrade, World

_HOUR_MS = 3_600_000


def record_past(book: Book, world: World, now_ms: int) -> None:
    """Record the trades of every account that the book knows none of yet: each a market order of its own."""
    for name, account in world.accounts.items():
        if book.by_account.get(name):
            continue
        for trade in sorted(account.trades, key=lambda trade: trade.hours_ago, reverse=True):
            _record(book, world, name, trade, now_ms - int(trade.hours_ago * _HOUR_MS))


def _record(book: Book, world: World, account: str, trade: PastTrade, at_ms: int) -> None:
    side, number, manners = Side(trade.side), book.last_order + 1, world.manners
    base, quote = trade.symbol.split("/")
    received = base if side is Side.BUY else quote
    fee_asset = trade.fee_asset or (received if manners.commission is Commission.RECEIVED else quote)
    cost = rounded(manners, trade.quantity * trade.price, quote)
    order = Order(
        id=manners.ids("order", world.seed, number),
        number=number,
        account=account,
        symbol=trade.symbol,
        side=side,
        kind=Kind.MARKET,
        quantity=trade.quantity,
        limit_price=None,
        client_order_id=None,
        user_reference=None,
        lifetime=Lifetime.UNTIL_CANCELED,
        post_only=False,
        fee_in_base=False,
        opened_ms=at_ms,
        status=Status.FILLED,
        closed_ms=at_ms,
        updated_ms=at_ms,
        filled=trade.quantity,
        cost=cost,
        fee=trade.fee,
        fee_asset=fee_asset,
        held=Decimal(0),
    )
    book.keep(order)
    fill_number = book.last_fill + 1
    book.add_fill(
        Fill(
            id=manners.ids("fill", world.seed, fill_number),
            number=fill_number,
            order_id=order.id,
            account=account,
            symbol=trade.symbol,
            side=side,
            kind=Kind.MARKET,
            quantity=trade.quantity,
            price=trade.price,
            cost=cost,
            fee=trade.fee,
            fee_asset=fee_asset,
            maker=False,
            time_ms=at_ms,
        )
    )
