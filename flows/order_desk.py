"""See what rests at the venues, and cancel it. A cancel holds the account's lease, and the ledger says what came of it.

It runs without Prefect, because a person must be able to stop an order when Prefect does not run.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from brokers.order_cancel import cancel_at_venue, cancel_ours
from brokers.order_history import orders_named, ours_among
from flows.order_reports import the_order_named
from models.amounts import plain
from models.errors import ConfigError, NijaError, VenueError
from models.fleet import Account
from models.order import LedgerOrder, VenueOrder
from models.order_report import AccountError, CanceledOrder, CancelReport, RestingOrder
from models.position import OpenOrder
from models.report import ErrorReport
from models.store.leases import hold
from rules.orders import LedgerContradicted
from tasks.runtime import AccountAt, Runtime, mode_of, open_account


@dataclass(frozen=True, slots=True)
class Target:
    """One order that a person named: of the ledger, or somebody else's that rests at the venue."""

    account: Account
    order: LedgerOrder | OpenOrder

    @property
    def is_decided(self) -> bool:
        """Whether nothing can happen to it any more, by the ledger."""
        return isinstance(self.order, LedgerOrder) and self.order.is_decided

    @property
    def report(self) -> CanceledOrder:
        """What is known of it before anything is sent."""
        return _report(self.account.id, self.order, was_decided=self.is_decided)


async def resting_orders(
    runtime: Runtime, accounts: Sequence[Account]
) -> tuple[list[RestingOrder], list[AccountError]]:
    """Return what rests at the venues of some accounts, whoever placed it; and which could not be read."""
    bound = asyncio.Semaphore(runtime.settings.max_concurrent_accounts)

    async def one(account: Account) -> list[RestingOrder] | AccountError:
        async with bound:
            try:
                return await resting_at(runtime, account)
            except NijaError as error:
                return AccountError(account=account.id, code=error.code, message=str(error))

    found = await asyncio.gather(*(one(account) for account in accounts))
    rows = [row for answer in found if isinstance(answer, list) for row in answer]
    return rows, [answer for answer in found if isinstance(answer, AccountError)]


async def resting_at(runtime: Runtime, account: Account, symbol: str | None = None) -> list[RestingOrder]:
    """Return what rests at an account's venue, oldest first. Raises: ConfigError, VenueError, StoreError."""
    async with _reached(runtime, account) as at:
        resting = await _open_orders(at, symbol)
        ours = await ours_among(at.store, at.id, resting)
    return [_resting(account.id, order, is_ours=order in ours) for order in resting]


async def find_target(runtime: Runtime, name: str, account_id: str | None) -> Target:
    """Return the order that an id means. With an account it may be anybody's, if it rests at the venue.

    Raises: ConfigError for an id that means none or several, or an account not in the fleet; VenueError, StoreError.
    """
    if account_id is None or await orders_named(runtime.store, name, account_id):
        order = await the_order_named(runtime.store, name, account_id)
        (account,) = runtime.fleet.choose([order.intent.account])
        return Target(account, order)
    (account,) = runtime.fleet.choose([account_id])
    async with _reached(runtime, account) as at:
        resting = [o for o in await at.client.open_orders() if name in {o.order_id, o.client_order_id}]
        ours = await ours_among(at.store, at.id, resting)
    if not resting:
        raise ConfigError("ID", f"no order {name!r} is in the ledger, and none rests at the venue of {account.id}")
    if len(resting) > 1:
        symbols = ", ".join(sorted(order.symbol for order in resting))
        raise ConfigError("ID", f"{name!r} rests more than once, in {symbols}", "nija orders cancel-all --symbol")
    return Target(account, ours.get(resting[0], resting[0]))


async def cancel_target(runtime: Runtime, target: Target) -> CancelReport:
    """Cancel one order, and say what became of it; nothing is sent for one that is decided.

    Raises: ConfigError, LeaseHeld, StoreError; VenueError where the venue cannot be reached at all.
    """
    account = target.account
    if target.is_decided:
        return CancelReport(account=account.id, orders=[target.report], left=0)
    async with hold(runtime.store, account.id, runtime.holder), _reached(runtime, account) as at:
        done = await _cancel(at, target.order)
    return CancelReport(account=account.id, orders=[done], left=int(not done.is_over))


async def cancel_all(
    runtime: Runtime, account: Account, *, symbol: str | None = None, approved: Collection[RestingOrder] | None = None
) -> CancelReport:
    """Cancel every order that rests at an account's venue, then look what is left; one failing never stops another.

    `approved`: what a person saw; an order that came since is not touched, and is told as left.
    Raises: ConfigError, LeaseHeld, StoreError; VenueError where the open orders cannot be read.
    """
    async with hold(runtime.store, account.id, runtime.holder), _reached(runtime, account) as at:
        resting = await _open_orders(at, symbol)
        ours = await ours_among(at.store, at.id, resting)
        seen = None if approved is None else {(order.order_id, order.symbol) for order in approved}
        chosen = [order for order in resting if seen is None or (order.order_id, order.symbol) in seen]
        done = [await _cancel(at, ours.get(order, order)) for order in chosen]
        errors: list[ErrorReport] = []
        try:
            left = [order.order_id for order in await _open_orders(at, symbol)]
        except VenueError as error:
            errors.append(ErrorReport(code=error.code, message=str(error)))
            left = [order.order_id or "" for order in done if not order.is_over]
        # What the ledger has no end for may rest there unseen.
        for order in await at.ledger.undecided(at.id):
            if symbol in {None, order.intent.symbol} and order.venue_order_id not in left:
                message = f"{order.intent.client_order_id} is {order.state}: nija recover"
                errors.append(ErrorReport(code="ORDER_UNDECIDED", symbol=order.intent.symbol, message=message))
    return CancelReport(account=account.id, orders=done, left=len(left), errors=errors)


@asynccontextmanager
async def _reached(runtime: Runtime, account: Account) -> AsyncIterator[AccountAt]:
    async with open_account(runtime, account, run_id=str(uuid.uuid4()), mode=mode_of(account, live=True)) as at:
        yield at


async def _open_orders(at: AccountAt, symbol: str | None) -> list[OpenOrder]:
    return [order for order in await at.client.open_orders() if symbol in {None, order.symbol}]


async def _cancel(at: AccountAt, order: LedgerOrder | OpenOrder) -> CanceledOrder:
    """Cancel one order; what goes wrong is told with it. Raises: StoreError."""
    try:
        if isinstance(order, OpenOrder):
            found = await cancel_at_venue(at.client, at.clock, order.order_id, order.symbol)
            return _report(at.id, order, found=found)
        (now,) = (await at.ledger.by_id([order.intent.client_order_id])).values()
        if now.is_decided:  # by a run that had the account meanwhile
            return _report(at.id, now, was_decided=True)
        return _report(at.id, await cancel_ours(at.client, at.ledger, at.clock, at.fee_in_quote, now))
    except VenueError as error:
        return _report(at.id, order, error=ErrorReport(code=error.code, message=str(error)))
    except LedgerContradicted as contradiction:
        return _report(at.id, order, error=ErrorReport(code="LEDGER_CONTRADICTED", message=str(contradiction)))


def _report(
    account: str,
    order: LedgerOrder | OpenOrder,
    *,
    found: VenueOrder | None = None,
    was_decided: bool = False,
    error: ErrorReport | None = None,
) -> CanceledOrder:
    """Say what is known of an order that was to be canceled: by the ledger, or `found` at the venue."""
    ours = order if isinstance(order, LedgerOrder) else None
    named = order.intent if isinstance(order, LedgerOrder) else order
    known = found if ours is None else ours
    return CanceledOrder(
        account=account,
        order_id=order.venue_order_id if isinstance(order, LedgerOrder) else order.order_id,
        client_order_id=named.client_order_id,
        symbol=named.symbol,
        side=named.side,
        quantity=plain(named.quantity),
        ours=ours is not None,
        state=None if known is None else known.state,
        filled=None if known is None else plain(known.filled),
        average_price=None if known is None or known.average_price is None else plain(known.average_price),
        was_decided=was_decided,
        error=error,
    )


def _resting(account: str, order: OpenOrder, *, is_ours: bool) -> RestingOrder:
    return RestingOrder(
        account=account,
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=plain(order.quantity),
        placed_at=order.placed_at,
        ours=is_ours,
    )
