"""One account's ways out: the short one with a client kept at hand, and the whole run; each leaves its record."""

import asyncio
import logging
import uuid
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from brokers.hub import SharedVenue, Tickers
from brokers.throttle import priority
from flows.account import normalize_account
from flows.account_report import Story
from models.errors import LeaseHeld, NijaError, NotAsked, StoreError
from models.fleet import Account
from models.log_context import about, about_plan
from models.order import LedgerOrder
from models.reasons import AccountStatus, OrderState
from models.report import AccountReport
from models.scope import Scope
from models.store.runs import AccountRun, finish_run, save_whole_run, start_run
from rules.throttle import Priority
from tasks.check_key import refuse_withdrawal_key
from tasks.leave_at_once import leave_at_once
from tasks.runtime import AccountAt, Runtime, mode_of, open_account, reach

log = logging.getLogger(__name__)

PIPELINE_NAME = "enforce_exits_continuously"
KEY_GOOD_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Left:
    """What an attempt came to. `kept_until`: a guard of ours kept it back, and will until then."""

    filled: frozenset[str] = frozenset()
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Client:
    """The account's client, and what lets go of it."""

    at: AccountAt
    stack: AsyncExitStack
    opened_at: timedelta


class ExitDesk:
    """Leaves positions of one account, and reads it; whatever goes wrong is in what it returns."""

    def __init__(self, runtime: Runtime, account: Account, *, live: bool) -> None:
        self._runtime = runtime
        self._account = account
        self._live = live
        self._client: _Client | None = None
        self._recording: set[asyncio.Task[None]] = set()

    async def venue(self) -> SharedVenue:
        """Find the account's keys and its venue. Raises: NijaError."""
        credentials, url = await reach(self._runtime, self._account)
        return self._runtime.venues.shared(self._account, url, credentials)

    async def make_ready(self) -> None:
        """Have the client at hand before the first exit; where that fails, the exit tries again."""
        if self._live:
            try:
                await self._at_the_venue()
            except NijaError as error:
                log.warning("account is not ready", extra={"account": self._account.id, "code": error.code})

    async def leave_at_once(self, symbols: Collection[str], tickers: Tickers) -> Left:
        """Leave positions the short way. What does not go is for a whole run, which looks into it."""
        run_id, began = str(uuid.uuid4()), self._runtime.clock.now()
        orders: Sequence[LedgerOrder] = ()
        fault: NijaError | None = None
        at: AccountAt | None = None
        try:
            with priority(Priority.EMERGENCY), about(self._account.id, run_id):
                at = await self._at_the_venue()
                at.run_id = run_id
                orders = await leave_at_once(at, symbols, tickers)
                about_plan(at.plan.plan_id)
        except NijaError as error:
            log.warning("not left at once", extra={"account": self._account.id, "code": error.code})
            fault = error
            if not isinstance(error, NotAsked | LeaseHeld):  # the client may be to blame
                await self._let_go()
            if at is not None and at.plan.orders:
                with suppress(StoreError):  # what went before the fault went all the same
                    orders = await at.ledger.of_run(self._account.id, run_id)
        self._record(run_id, began, at, orders, fault)
        filled = frozenset(o.intent.symbol for o in orders if o.state is OrderState.FILLED)
        return Left(filled, fault.until if isinstance(fault, NotAsked) else None)

    async def run(self, *, live: bool) -> AccountReport:
        """Make one whole run of the account."""
        run_id = str(uuid.uuid4())
        began = asyncio.ensure_future(self._began(run_id, live=live))  # beside the run: a stop does not wait for it
        try:
            with priority(Priority.EMERGENCY if live else Priority.NORMAL):
                return await normalize_account(
                    self._runtime, self._account, run_id=run_id, live=live, scope=Scope.EXITS
                )
        finally:
            if await began:
                try:
                    await finish_run(self._runtime.store, run_id, now=self._runtime.clock.now())
                except StoreError as error:
                    log.warning("the end of a run is not kept", extra={"run": run_id, "code": error.code})

    async def close(self) -> None:
        """Let go of the account's client, when all is recorded."""
        await asyncio.gather(*self._recording)
        await self._let_go()

    async def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.stack.aclose()

    async def _at_the_venue(self) -> AccountAt:
        """Return the account's client, kept from exit to exit; its key is looked at each hour."""
        clock = self._runtime.clock
        if self._client is not None and clock.elapsed() - self._client.opened_at < KEY_GOOD_FOR:
            return self._client.at
        await self._let_go()
        async with AsyncExitStack() as stack:
            mode = mode_of(self._account, live=self._live)
            account = open_account(self._runtime, self._account, run_id="", mode=mode, scope=Scope.EXITS)
            at = await stack.enter_async_context(account)
            await refuse_withdrawal_key(at)
            self._client = _Client(at, stack.pop_all(), clock.elapsed())
        return at

    async def _began(self, run_id: str, *, live: bool) -> bool:
        word, fleet = "live" if live else "plan", str(self._runtime.fleet.path)
        now = self._runtime.clock.now()
        try:
            await start_run(self._runtime.store, run_id, pipeline=PIPELINE_NAME, mode=word, fleet=fleet, now=now)
        except StoreError as error:
            log.warning("a run is not kept", extra={"run": run_id, "code": error.code})
            return False
        return True

    def _record(
        self,
        run_id: str,
        began: datetime,
        at: AccountAt | None,
        orders: Sequence[LedgerOrder],
        fault: NijaError | None,
    ) -> None:
        """Keep what the short way came to, beside what comes next: its orders are out, and the ledger names the run.

        Of the account only the positions that were due have been read, so no figure of the whole is told.
        """
        policy = self._runtime.fleet.policies[self._account.id]
        story = Story(self._account.id, policy.max_positions, policy.version, live=True)
        if fault is not None:
            story.error(fault.code, str(fault))
        if at is not None and at.plan.actions:
            story.plans, story.applied, story.cycles = [at.plan], [(1, at.plan)], 1
        told = story.told(_status(at, orders, fault), orders)
        told = told.model_copy(update={"positions_before": None, "positions_after": None, "dust": []})
        mode = mode_of(self._account, live=True)
        made = AccountRun(self._account.id, mode, policy.version, told.status, told.model_dump(mode="json"))
        task = asyncio.create_task(self._save(run_id, began, made))
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)

    async def _save(self, run_id: str, began: datetime, made: AccountRun) -> None:
        now, fleet = self._runtime.clock.now(), str(self._runtime.fleet.path)
        run = {"pipeline": PIPELINE_NAME, "mode": "live", "fleet": fleet}
        try:
            await save_whole_run(self._runtime.store, run_id, **run, began=began, now=now, accounts=[made])
        except StoreError as error:
            log.warning("a run is not kept", extra={"run": run_id, "code": error.code})


def _status(at: AccountAt | None, orders: Sequence[LedgerOrder], fault: NijaError | None) -> AccountStatus:
    """Say how the short way came out, as far as it looked."""
    if fault is not None or at is None or any(not order.is_decided for order in orders):
        return AccountStatus.BLOCKED
    done = len(orders) == len(at.plan.orders) and all(o.state is OrderState.FILLED for o in orders)
    return AccountStatus.COMPLIANT if done and not at.plan.skips else AccountStatus.FAILED
