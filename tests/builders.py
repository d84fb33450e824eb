"""Shared builders: each gives a valid default, so a test states only what it is about."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from models.dust import DustMark
from models.market import Market, Price
from models.order import Fill, Intent, LedgerOrder, VenueOrder
from models.policy import Policy
from models.position import Holding, OpenOrder, Position, Snapshot
from models.reasons import ActionKind, Mode, NoPrice, OrderState, Reason

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)

Number = str | int | Decimal


def a_price(value: Number = "100", *, source: str = "test", at: datetime = NOW) -> Price:
    return Price(Decimal(value), source, at)


def a_holding(asset: str = "BTC", free: Number = "1", *, held: Number = 0, locked: Number = 0) -> Holding:
    return Holding(asset, Decimal(free), Decimal(held), Decimal(locked))


def a_market(
    symbol: str = "BTC/USD",
    *,
    active: bool = True,
    lot_step: Number = "0.00000001",
    minimum_quantity: Number | None = None,
    maximum_quantity: Number | None = None,
    minimum_notional: Number | None = None,
    taker_fee_fraction: Number | None = None,
) -> Market:
    base, quote = symbol.split("/")
    return Market(
        symbol=symbol,
        base=base,
        quote=quote,
        active=active,
        lot_step=Decimal(lot_step),
        minimum_quantity=_maybe(minimum_quantity),
        maximum_quantity=_maybe(maximum_quantity),
        minimum_notional=_maybe(minimum_notional),
        taker_fee_fraction=_maybe(taker_fee_fraction),
    )


def a_position(
    symbol: str = "BTC/USD",
    value: Number | None = "100",
    *,
    free: Number = 1,
    held: Number = 0,
    locked: Number = 0,
    no_price: NoPrice = NoPrice.NO_TICKER,
    at: datetime = NOW,
) -> Position:
    """Return a position worth `value` in all, one unit of it free; None: it is unvalued."""
    holding = a_holding(symbol.partition("/")[0], free, held=held, locked=locked)
    if value is None:
        return Position(symbol, holding, no_price=no_price)
    return Position(symbol, holding, price=a_price(Decimal(value) / holding.total, at=at))


def a_snapshot(
    *positions: Position,
    account: str = "platform",
    cash: Number = 1000,
    cash_free: Number | None = None,
    markets: Iterable[Market] | None = None,
    open_orders: Iterable[OpenOrder] = (),
    reported_equity: Number | None = None,
    taken_at: datetime = NOW,
) -> Snapshot:
    """Return a snapshot; each position has a market without minimums, but for those given in `markets`."""
    by_symbol = {p.symbol: a_market(p.symbol) for p in positions} | {m.symbol: m for m in markets or ()}
    return Snapshot(
        account=account,
        taken_at=taken_at,
        cash_free=Decimal(cash if cash_free is None else cash_free),
        cash_total=Decimal(cash),
        positions=positions,
        markets=by_symbol,
        open_orders=tuple(open_orders),
        reported_equity=_maybe(reported_equity),
    )


def positions_worth(values: Mapping[str, Number | None]) -> tuple[Position, ...]:
    """Return one position per asset, worth what is given: {"BTC": 1000, "AUT": None}."""
    return tuple(a_position(f"{asset}/USD", value) for asset, value in values.items())


def a_policy(**values: object) -> Policy:
    return Policy.model_validate(values)


def a_mark(
    symbol: str = "DOGE/USD",
    value: Number = "0.50",
    *,
    reason: Reason = Reason.BELOW_MINIMUM_NOTIONAL,
    marked_at: datetime = NOW - timedelta(days=1),
    retry_at: datetime | None = None,
) -> DustMark:
    return DustMark(symbol, reason, Decimal(value), marked_at, retry_at)


def an_open_order(
    symbol: str = "BTC/USD",
    *,
    order_id: str = "V1",
    client_order_id: str | None = None,
    side: str = "sell",
    quantity: Number = 1,
) -> OpenOrder:
    return OpenOrder(order_id, client_order_id, symbol, side, Decimal(quantity), NOW - timedelta(hours=1))


def an_intent(
    symbol: str = "BTC/USD",
    *,
    side: str = "sell",
    quantity: Number = 100,
    expected_price: Number = 10,
    client_order_id: str = "0" * 32,
    account: str = "platform",
) -> Intent:
    return Intent(
        client_order_id=client_order_id,
        account=account,
        mode=Mode.PAPER,
        policy_version=Policy().version,
        run_id="run",
        plan_id="plan",
        cycle=1,
        kind=ActionKind.TRIM_CAP,
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        expected_price=Decimal(expected_price),
        holding_before=Decimal(quantity),
    )


def a_ledger_order(
    state: OrderState = OrderState.SENT,
    *,
    intent: Intent | None = None,
    filled: Number = 0,
    average_price: Number | None = None,
) -> LedgerOrder:
    return LedgerOrder(
        intent=intent or an_intent(),
        state=state,
        filled=Decimal(filled),
        average_price=_maybe(average_price),
    )


def a_venue_order(
    state: OrderState = OrderState.FILLED,
    *,
    symbol: str = "BTC/USD",
    side: str = "sell",
    quantity: Number = 100,
    filled: Number = 100,
    average_price: Number | None = 10,
) -> VenueOrder:
    return VenueOrder(
        order_id="V1",
        client_order_id="0" * 32,
        symbol=symbol,
        side=side,
        state=state,
        quantity=Decimal(quantity),
        filled=Decimal(filled),
        average_price=_maybe(average_price),
    )


def a_fill(
    quantity: Number = 1,
    price: Number = 40_000,
    *,
    trade_id: str = "T1",
    at: datetime | None = NOW,
    fee: Number | None = 0,
    fee_asset: str | None = "USD",
) -> Fill:
    return Fill(trade_id, Decimal(quantity), Decimal(price), at, _maybe(fee), fee_asset)


def _maybe(number: Number | None) -> Decimal | None:
    return None if number is None else Decimal(number)
