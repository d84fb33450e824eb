"""What the pipelines share that look at accounts and send no order: their form, and one account at a time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from flows.pipeline import Pipeline, Recorded, recorded
from models.clock import Clock
from models.errors import NijaError
from models.fleet import Account
from models.log_context import about
from models.reasons import Mode
from models.report import ErrorReport
from models.settings import load_settings
from tasks.read_account import failure_counted
from tasks.runtime import AccountAt, Runtime, open_account, open_runtime, read_fleet

R = TypeVar("R")
log = logging.getLogger(__name__)


class AccountsRequest(BaseModel):
    """Which accounts to look at. Plain data, shown by Prefect: secrets never pass here."""

    model_config = ConfigDict(frozen=True)

    fleet: str | None = Field(default=None, description="The fleet file; without it NIJA_FLEET or ./fleet.yaml.")
    accounts: list[str] = Field(default_factory=list, description="Account ids; none named means all.")


@asynccontextmanager
async def looking(
    request: AccountsRequest, pipeline: Pipeline, clock: Clock | None = None
) -> AsyncIterator[tuple[Runtime, Recorded]]:
    """Open a run over the fleet, kept in the store. Raises: ConfigError, StoreError."""
    settings = load_settings()
    fleet = read_fleet(settings, None if request.fleet is None else Path(request.fleet))
    fleet.choose(request.accounts)
    async with (
        open_runtime(settings, fleet, clock) as runtime,
        recorded(runtime, pipeline, mode=Mode.PLAN.value) as run,
    ):
        yield runtime, run


async def at_each(
    runtime: Runtime,
    request: AccountsRequest,
    run_id: str,
    look: Callable[[AccountAt], Awaitable[R]],
    failed: Callable[[Account, ErrorReport], R],
) -> list[R]:
    """Look at each chosen account, several at a time; one that fails never stops another."""
    bound = asyncio.Semaphore(runtime.settings.max_concurrent_accounts)

    async def one(account: Account) -> R:
        async with bound:
            with about(account.id, run_id):
                return await looked_at(account)

    async def looked_at(account: Account) -> R:
        try:
            async with _opened(runtime, account, run_id) as at:
                return await look(at)
        except NijaError as error:
            return failed(account, ErrorReport(code=error.code, message=str(error)))
        except Exception as error:
            log.exception("account failed", extra={"account": account.id})
            words = f"{type(error).__name__}, see the log; nothing was sent"
            return failed(account, ErrorReport(code="INTERNAL_ERROR", message=words))

    return await asyncio.gather(*(one(account) for account in runtime.fleet.choose(request.accounts)))


@asynccontextmanager
async def _opened(runtime: Runtime, account: Account, run_id: str) -> AsyncIterator[AccountAt]:
    async with AsyncExitStack() as stack:
        async with failure_counted(runtime, account, Mode.PLAN):
            at = await stack.enter_async_context(open_account(runtime, account, run_id=run_id, mode=Mode.PLAN))
        yield at
