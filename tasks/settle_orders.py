"""Bring every undecided order of an account to its end: after a plan was applied, or after a run that was killed."""

from datetime import timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.order import LedgerOrder
from models.scope import Scope
from tasks.runtime import AccountAt


@task(name="recover", task_run_name="recover {at.id}", cache_policy=NO_CACHE, retries=0)
async def recover_orders(at: AccountAt) -> tuple[LedgerOrder, ...]:
    """Look up what an earlier run left undecided; return what still is. Sends nothing new.

    A scan for exits looks once: what is undecided stops its own symbol, and no other's stop waits for it.
    """
    return await at.orders.settle(timedelta(0) if at.scope is Scope.EXITS else None)


@task(name="settle", task_run_name="settle {at.id}", cache_policy=NO_CACHE, retries=0)
async def settle_orders(at: AccountAt) -> tuple[LedgerOrder, ...]:
    """Wait until every order is final, then as long as balances need to follow; return what is still undecided.

    Exits do not wait for balances: the read that comes next does where one lags, and no other stop is kept waiting.
    """
    if at.scope is Scope.EXITS:
        return await at.orders.settle(timedelta(seconds=at.policy.order_timeout_seconds))
    undecided = await at.orders.settle()
    await at.clock.sleep(timedelta(seconds=at.policy.settle_seconds))
    return undecided
