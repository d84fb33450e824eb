"""One account whole: its positions under their exits, what stops it, its orders, and what it was worth over time."""

from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from brokers.order_history import OrderFilter
from desk.desk import Desk
from desk.views.fleet import measured
from desk.views.measured import FleetAccount
from flows.exit_reports import list_exits
from flows.order_reports import list_orders
from flows.stop_reports import blacklisted_symbol, frozen_symbol
from models.amounts import money
from models.decision_report import BlacklistedSymbol, FrozenSymbol
from models.errors import NotFound
from models.exit_report import ExitPosition
from models.fleet import Account
from models.order_report import OrderReport
from models.reasons import HaltCause, OrderState
from models.store.dust import blacklist
from models.store.equity import equity_over_time
from models.store.freezes import freezes
from models.store.halts import standing_halts
from models.store.tracked import tracked_positions
from rules.limits import slots_tracked

MOST_POINTS = 300


class AccountPosition(ExitPosition):
    """One position. `value_quote` and `pnl_quote` in the account's quote currency, None: not known.

    `takes_slot`: whether it counts towards the cap. `blacklisted`: it is left where it is.
    """

    value_quote: str | None = None
    pnl_quote: str | None = None
    takes_slot: bool = False
    blacklisted: bool = False


class HaltView(BaseModel):
    """Why an account is stopped, and what clears it."""

    cause: HaltCause
    detail: str
    clears_when: str
    halted_at: datetime


class PolicyView(BaseModel):
    """The figures of the policy that an account is held to, in its quote currency."""

    name: str | None
    version: str
    max_positions: int
    dust_threshold: str
    minimum_position: str
    consolidation_threshold: str
    may_apply_unattended: bool


class AccountView(BaseModel):
    """One account whole. `positions` by value, the largest first; those without a value last."""

    model_config = ConfigDict(frozen=True)

    account: FleetAccount
    kind: str
    owner: str | None
    quote: str
    simulated: bool
    policy: PolicyView
    positions: list[AccountPosition]
    halts: list[HaltView]
    frozen: list[FrozenSymbol]
    blacklist: list[BlacklistedSymbol]


class EquityView(BaseModel):
    """What the account was worth at one read."""

    at: datetime
    cash: str
    equity: str


async def account_view(desk: Desk, account_id: str) -> AccountView:
    """Return one account whole. Raises: NotFound, StoreError."""
    account = desk.account(account_id)
    policy = desk.fleet.policies[account.id]
    row = (await measured(desk)).row(account.id)
    if row is None:  # it came into the fleet file a moment ago
        raise NotFound("account", account_id)
    return AccountView(
        account=row,
        kind=account.kind.value,
        owner=account.owner,
        quote=account.quote,
        simulated=account.simulated is not None,
        policy=PolicyView(
            name=account.policy,
            version=policy.version,
            max_positions=policy.max_positions,
            dust_threshold=money(policy.dust_threshold_usd),
            minimum_position=money(policy.minimum_position_usd),
            consolidation_threshold=money(policy.consolidation_threshold_usd),
            may_apply_unattended=policy.may_apply_unattended,
        ),
        positions=await _positions(desk, account),
        halts=[
            HaltView(cause=one.cause, detail=one.detail, clears_when=one.clears_when, halted_at=one.halted_at)
            for one in await standing_halts(desk.store, account.id)
        ],
        frozen=[frozen_symbol(one) for one in await freezes(desk.store, account.id)],
        blacklist=[blacklisted_symbol(owner, mark) for owner, mark in await blacklist(desk.store, account.id)],
    )


async def account_orders(
    desk: Desk, account_id: str, *, state: OrderState | None, undecided: bool, limit: int
) -> list[OrderReport]:
    """Return an account's orders, newest first. Raises: NotFound, StoreError."""
    wanted = OrderFilter((desk.account(account_id).id,), state, undecided)
    return await list_orders(desk.store, wanted, limit=limit)


async def equity(desk: Desk, account_id: str, *, days: int) -> list[EquityView]:
    """Return what an account was worth over the last days, oldest first, 300 points at most.

    Raises: NotFound, StoreError.
    """
    since = desk.clock.now() - timedelta(days=days)
    found = await equity_over_time(desk.store, desk.account(account_id).id, since=since, most=MOST_POINTS)
    return [EquityView(at=one.at, cash=money(one.cash), equity=money(one.equity)) for one in found]


async def _positions(desk: Desk, account: Account) -> list[AccountPosition]:
    exits = await list_exits(desk.store, desk.fleet, [account], desk.clock.now())
    tracked = await tracked_positions(desk.store, account.id)
    values = {symbol: one.value for symbol, one in tracked.items()}
    marks = {mark.symbol: mark for _, mark in await blacklist(desk.store, account.id)}
    slots = slots_tracked(values, desk.fleet.policies[account.id], marks)
    found = [
        _position(one, values.get(one.symbol), one.symbol in slots, one.symbol in marks) for one in exits.positions
    ]
    return sorted(found, key=lambda p: (p.value_quote is None, -Decimal(p.value_quote or 0), p.symbol))


def _position(held: ExitPosition, value: Decimal | None, takes_slot: bool, marked: bool) -> AccountPosition:
    pnl = None
    if held.price is not None and held.entry_price is not None and held.quantity is not None:
        pnl = (Decimal(held.price) - Decimal(held.entry_price)) * Decimal(held.quantity)
    return AccountPosition(
        **dict(held),
        value_quote=None if value is None else money(value),
        pnl_quote=None if pnl is None else money(pnl),
        takes_slot=takes_slot,
        blacklisted=marked,
    )
