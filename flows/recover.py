"""Settle what an interrupted run left: look up every undecided order and close it in the ledger. Sends no new order.

It runs without Prefect, because it must work when Prefect does not.
"""

import asyncio
import logging
import uuid
from collections.abc import Sequence

from brokers.ledger import Ledger
from models.amounts import plain
from models.errors import NijaError
from models.fleet import Account
from models.log_context import about
from models.order import LedgerOrder
from models.report import ErrorReport, RecoveredAccount, RecoveredOrder, RecoveryReport
from models.store.leases import hold
from rules.orders import outcome_of
from tasks.runtime import Runtime, mode_of, open_account

log = logging.getLogger(__name__)


async def recover_fleet(runtime: Runtime, accounts: Sequence[Account]) -> RecoveryReport:
    """Recover every account, one failing never stopping another."""
    started_at, run_id = runtime.clock.now(), str(uuid.uuid4())
    bound = asyncio.Semaphore(runtime.settings.max_concurrent_accounts)

    async def one(account: Account) -> RecoveredAccount:
        async with bound:
            with about(account.id, run_id):
                return await _recover(runtime, account, run_id)

    return RecoveryReport(
        run_id=run_id,
        started_at=started_at,
        accounts=await asyncio.gather(*(one(account) for account in accounts)),
        finished_at=runtime.clock.now(),
    )


async def _recover(runtime: Runtime, account: Account, run_id: str) -> RecoveredAccount:
    ledger = Ledger(runtime.store)
    left = await ledger.undecided(account.id)
    if not left:
        return RecoveredAccount(account=account.id, undecided=0)
    errors: list[ErrorReport] = []
    try:
        async with (
            hold(runtime.store, account.id, runtime.holder),
            open_account(runtime, account, run_id=run_id, mode=mode_of(account, live=True)) as at,
        ):
            await at.orders.settle()
    except NijaError as error:
        errors.append(ErrorReport(code=error.code, message=str(error)))
    except Exception as error:
        log.exception("recovery failed", extra={"account": account.id})
        errors.append(ErrorReport(code="INTERNAL_ERROR", message=f"{type(error).__name__}, see the log"))
    now = await ledger.by_id([order.intent.client_order_id for order in left])
    return RecoveredAccount(
        account=account.id,
        undecided=sum(not order.is_decided for order in now.values()),
        orders=[_order(order) for order in now.values()],
        errors=errors,
    )


def _order(order: LedgerOrder) -> RecoveredOrder:
    return RecoveredOrder(
        client_order_id=order.intent.client_order_id,
        symbol=order.intent.symbol,
        quantity=plain(order.intent.quantity),
        state=order.state,
        outcome=outcome_of(order),
        filled=plain(order.filled),
        average_price=None if order.average_price is None else plain(order.average_price),
        detail=f"{order.error_code}: {order.detail}" if order.error_code else order.detail,
    )
