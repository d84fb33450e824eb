"""Read an account again after its orders settled, and plan what is left: what the venue says is what was achieved."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.plan_account import keep_and_plan
from tasks.read_account import read_and_check
from tasks.runtime import AccountAt


@task(name="verify", task_run_name="verify {at.id}", cache_policy=NO_CACHE, retries=0)
async def verify_account(at: AccountAt, cycle: int) -> None:
    """Read and check one account, and plan the next cycle."""
    await read_and_check(at)
    await keep_and_plan(at, cycle)
