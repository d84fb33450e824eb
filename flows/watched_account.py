"""One account under watch: judge its positions on every price, and leave those whose limit is crossed, at once.

A first attempt goes the short way (`leave_at_once`); what that does not leave gets `normalize_account`, as any scan.
"""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from brokers.hub import SharedVenue, Tickers
from brokers.throttle import priority
from flows.account import normalize_account
from flows.exit_alerts import STOP_NOT_EXECUTED
from models.alert import OperationalAlert, Severity
from models.errors import LeaseHeld, NijaError, StoreError
from models.exit_watch import Watched, WatchedExit
from models.exits import ExitSignal
from models.fleet import Account
from models.market import Price
from models.reasons import OrderState, Outcome
from models.report import AccountReport
from models.scope import Scope
from models.store.alerts import close_alerts, raise_alerts
from models.store.runs import finish_run, start_run
from rules.exit_watch import judge_watched, reloaded, retry_seconds
from rules.throttle import Priority
from rules.valuation import price_problem
from tasks.check_key import refuse_withdrawal_key
from tasks.exit_watch import watched_positions, write_peaks
from tasks.leave_at_once import leave_at_once
from tasks.runtime import AccountAt, Runtime, mode_of, open_account, reach

log = logging.getLogger(__name__)

PIPELINE_NAME = "enforce_exits_continuously"
KEY_GOOD_FOR = timedelta(hours=1)
READ_AGAIN_AFTER = timedelta(seconds=5)
ALONE = timedelta(seconds=60)  # so long nobody may have read the account before the watch does
CONNECT_AGAIN_AFTER = timedelta(seconds=5)
HELD_AGAIN_AFTER = timedelta(seconds=1)
PATIENT_ATTEMPTS = 3  # another run has the account, and may be selling the very same
_KEPT_EXITS = 200


@dataclass(frozen=True, slots=True)
class _Desk:
    """The account's client, and what lets go of it."""

    at: AccountAt
    stack: AsyncExitStack
    opened_at: timedelta


class WatchedAccount:
    """The positions of one account, their newest prices, and what is being done about them."""

    def __init__(self, runtime: Runtime, account: Account, reading: asyncio.Semaphore, *, live: bool) -> None:
        self.runtime = runtime
        self._reading = reading
        self.account = account
        self.live = live
        self.policy = runtime.fleet.policies[account.id]
        self.positions: dict[str, Watched] = {}
        self.prices: dict[str, Price] = {}
        self.due: dict[str, ExitSignal] = {}
        self.exits: deque[WatchedExit] = deque(maxlen=_KEPT_EXITS)
        self.filled = 0
        self.failed = 0
        self.trouble = "not reached yet"  # what keeps it from being watched; empty: nothing
        self.is_leaving = False  # nothing new is sent
        self._wake = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._attempts: dict[str, int] = {}
        self._retry_at: dict[str, timedelta] = {}
        self._tickers: Tickers | None = None
        self._desk: _Desk | None = None
        self._sold: set[str] = set()  # by this watch, and not yet read again
        self._read_again = asyncio.Event()
        self._alarmed: set[str] = set()  # symbols whose stop stands as an alert, as far as this watch knows

    def __repr__(self) -> str:
        return f"WatchedAccount({self.account.id})"

    @property
    def status(self) -> str:
        """One word for its heartbeat."""
        if self._alarmed:
            return "stop_not_executed"
        return "blind" if self.trouble else "ok"

    async def reached(self) -> SharedVenue:
        """Find the account's keys and its venue, for as long as that takes. Raises: nothing of ours."""
        while True:
            try:
                credentials, url = await reach(self.runtime, self.account)
                return self.runtime.venues.shared(self.account, url, credentials)
            except NijaError as error:
                self.trouble = error.code
                log.warning("account cannot be watched", extra={"account": self.account.id, "code": error.code})
            await self.runtime.clock.sleep(CONNECT_AGAIN_AFTER)

    def see(self, tickers: Tickers) -> None:
        """Judge every position on new prices. One that is missing, old or no number says nothing, neither way."""
        self.trouble, self._tickers = "", tickers
        now, max_age = self.runtime.clock.now(), timedelta(seconds=self.policy.max_price_age_seconds)
        for symbol, watched in list(self.positions.items()):
            price = tickers.prices.get(symbol)
            if price is None or price_problem(price, now=now, max_price_age=max_age) is not None:
                continue
            self.prices[symbol] = price
            self.positions[symbol], signal = judge_watched(watched, price.value, now)
            if signal is not None:
                self.due[symbol] = signal
            elif symbol in self.due:
                self._forget(symbol)
        if self.due:
            self._wake.set()

    async def act(self) -> None:
        """Leave what is due, as soon as it is, until the task is canceled."""
        while True:
            if self._ready():
                self._at_rest.clear()
                try:
                    await self._leave(self._ready())
                except Exception:  # this account's alone, and it goes on
                    log.exception("an exit failed", extra={"account": self.account.id})
                    for symbol in list(self.due):
                        self._failed(symbol)
                finally:
                    self._at_rest.set()
            await self._woken()

    async def read_alone(self) -> None:
        """Read the account now and then, so that what was bought meanwhile is watched as well. Sends nothing."""
        clock = self.runtime.clock
        while not self.is_leaving:
            await self._at_rest.wait()
            self._read_again.clear()
            sold = frozenset(self._sold)
            async with self._reading:  # a whole read is dear, and no stop waits for it
                report = await self._run(live=False)
            if report.plan_hash is not None:
                self._sold -= sold
            await self.reload()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._read_again.wait(), ALONE.total_seconds())
            await clock.sleep(READ_AGAIN_AFTER)  # several exits, one read

    async def reload(self) -> None:
        """Take what the store tracks by now. Where it cannot be read, what is known goes on to be watched."""
        try:
            stored = await watched_positions(self.runtime.store, self.account.id, self.policy)
        except StoreError as error:
            log.warning("positions are not read again", extra={"account": self.account.id, "code": error.code})
            return
        held = {s: watched for s, watched in stored.items() if s not in self._sold}
        self.positions = {s: reloaded(self.positions.get(s), watched) for s, watched in held.items()}
        for symbol in self.due.keys() - held.keys():
            self._forget(symbol)

    async def write_peaks(self, *, is_due: bool) -> None:
        """Write down the peaks that are worth it. Raises: StoreError."""
        if await write_peaks(self.runtime.store, self.account.id, self.positions.values(), is_due=is_due):
            await self.reload()

    async def close_alerts(self) -> None:
        """Close the alerts of stops that are not due any more. Raises: StoreError."""
        for symbol in self._alarmed - self.due.keys():
            now = self.runtime.clock.now()
            await close_alerts(
                self.runtime.store, (STOP_NOT_EXECUTED,), account=self.account.id, symbol=symbol, now=now
            )
            self._alarmed.discard(symbol)

    async def at_rest(self) -> None:
        """Return when nothing is being sent, and nothing will be."""
        self.is_leaving = True
        await self._at_rest.wait()

    def _ready(self) -> list[str]:
        if not self.live or self.is_leaving:
            return []
        now = self.runtime.clock.elapsed()
        return [symbol for symbol in self.due if self._retry_at.get(symbol, now) <= now]

    async def _woken(self) -> None:
        """Wait for a price that crosses, or until something is to be tried again."""
        self._wake.clear()
        if self._ready():
            return
        later = [at for symbol, at in self._retry_at.items() if symbol in self.due]
        wait = None
        if later and self.live and not self.is_leaving:
            wait = max((min(later) - self.runtime.clock.elapsed()).total_seconds(), 0.01)
        try:
            await asyncio.wait_for(self._wake.wait(), wait)
        except TimeoutError:
            return

    async def _leave(self, symbols: Collection[str]) -> None:
        """Leave what is due of the account; say what came of each. What could not be left at once gets a whole run."""
        wanted = {symbol: self.due[symbol] for symbol in symbols}
        at_once = await self._leave_at_once([s for s in symbols if s not in self._attempts])
        for symbol in at_once:
            self._went(symbol, wanted.pop(symbol))
        if not wanted:
            return
        with priority(Priority.EMERGENCY):
            report = await self._run(live=True)
        await self.reload()
        filled = {a.symbol for a in report.actions if a.outcome is Outcome.FILLED}
        standing = {e.symbol for e in report.errors if e.code == STOP_NOT_EXECUTED}
        unread = report.plan_hash is None  # nothing was judged: what was due stands
        for symbol, signal in wanted.items():
            if symbol in filled:
                self._went(symbol, signal)
            elif symbol in self.positions and symbol in self.due:
                is_stop = signal.reason.is_stop and (unread or symbol in standing)
                self._told(symbol, signal, _why(report, symbol))
                self.failed += 1
                self._failed(symbol, is_stop=is_stop, is_held=LeaseHeld.code in {e.code for e in report.errors})
                if is_stop:
                    await self._escalate(symbol, signal, report, is_raised=not unread)

    async def _leave_at_once(self, symbols: Collection[str]) -> set[str]:
        """Leave positions that are due for the first time, the short way; return what was filled."""
        if not symbols or self._tickers is None:
            return set()
        run_id = str(uuid.uuid4())
        began = asyncio.ensure_future(self._recorded(run_id, live=True))
        try:
            with priority(Priority.EMERGENCY):
                at = await self._at_the_venue()
                at.run_id = run_id
                orders = await leave_at_once(at, symbols, self._tickers)
        except NijaError as error:  # the whole run that follows looks into it, and says what it finds
            log.warning("not left at once", extra={"account": self.account.id, "code": error.code})
            await self.close()
            return set()
        finally:
            await self._ended(began, run_id)
        return {o.intent.symbol for o in orders if o.state is OrderState.FILLED}

    async def _at_the_venue(self) -> AccountAt:
        """Return the account's client, kept from exit to exit; its key is looked at each hour."""
        clock = self.runtime.clock
        if self._desk is not None and clock.elapsed() - self._desk.opened_at < KEY_GOOD_FOR:
            return self._desk.at
        await self.close()
        async with AsyncExitStack() as stack:
            account = open_account(
                self.runtime, self.account, run_id="", mode=mode_of(self.account, live=self.live), scope=Scope.EXITS
            )
            at = await stack.enter_async_context(account)
            await refuse_withdrawal_key(at)
            self._desk = _Desk(at, stack.pop_all(), clock.elapsed())
        return at

    async def close(self) -> None:
        """Let go of the account's client."""
        desk, self._desk = self._desk, None
        if desk is not None:
            await desk.stack.aclose()

    async def make_ready(self) -> None:
        """Have the client at hand before the first exit; where that fails, the exit tries again."""
        if self.live:
            try:
                await self._at_the_venue()
            except NijaError as error:
                log.warning("account is not ready", extra={"account": self.account.id, "code": error.code})

    def _went(self, symbol: str, signal: ExitSignal) -> None:
        """Note that a position is left: it is not watched any more, until a read shows it again."""
        self._told(symbol, signal, "filled")
        self.filled += 1
        self._forget(symbol)
        self._sold.add(symbol)
        self.positions.pop(symbol, None)
        self._read_again.set()

    async def _run(self, *, live: bool) -> AccountReport:
        """Make one run of the account. Whatever goes wrong is in its report."""
        run_id = str(uuid.uuid4())
        began = asyncio.ensure_future(self._recorded(run_id, live=live))  # beside the run: a stop does not wait for it
        try:
            return await normalize_account(self.runtime, self.account, run_id=run_id, live=live, scope=Scope.EXITS)
        finally:
            await self._ended(began, run_id)

    async def _ended(self, began: "asyncio.Future[bool]", run_id: str) -> None:
        if await began:
            try:
                await finish_run(self.runtime.store, run_id, now=self.runtime.clock.now())
            except StoreError as error:
                log.warning("the end of a run is not kept", extra={"run": run_id, "code": error.code})

    async def _recorded(self, run_id: str, *, live: bool) -> bool:
        word, fleet = "live" if live else "plan", str(self.runtime.fleet.path)
        now = self.runtime.clock.now()
        try:
            await start_run(self.runtime.store, run_id, pipeline=PIPELINE_NAME, mode=word, fleet=fleet, now=now)
        except StoreError as error:
            log.warning("a run is not kept", extra={"run": run_id, "code": error.code})
            return False
        return True

    async def _escalate(self, symbol: str, signal: ExitSignal, report: AccountReport, *, is_raised: bool) -> None:
        """Let a stop that was not carried out stand as an alert, until it is or its price has come back."""
        is_held = LeaseHeld.code in {e.code for e in report.errors}
        if is_held and self._attempts[symbol] < PATIENT_ATTEMPTS:
            return
        self._alarmed.add(symbol)
        if is_raised:  # by the run itself, with more to say
            return
        words = f"a stop is due and was not executed: {signal}: {_why(report, symbol)}; it is tried again and again"
        alert = OperationalAlert(STOP_NOT_EXECUTED, words, Severity.CRITICAL, self.account.id, symbol)
        try:
            await raise_alerts(self.runtime.store, [alert], now=self.runtime.clock.now())
        except StoreError as error:  # the next attempt tells it again
            log.error(STOP_NOT_EXECUTED, extra={"account": self.account.id, "symbol": symbol, "code": error.code})  # noqa: TRY400

    def _failed(self, symbol: str, *, is_stop: bool = True, is_held: bool = False) -> None:
        self._attempts[symbol] = self._attempts.get(symbol, 0) + 1
        rest = timedelta(seconds=retry_seconds(self._attempts[symbol], is_urgent=is_stop))
        if is_held:  # another run may let go of the account at any moment
            rest = min(rest, HELD_AGAIN_AFTER)
        self._retry_at[symbol] = self.runtime.clock.elapsed() + rest

    def _forget(self, symbol: str) -> None:
        self.due.pop(symbol, None)
        self._attempts.pop(symbol, None)
        self._retry_at.pop(symbol, None)

    def _told(self, symbol: str, signal: ExitSignal, outcome: str) -> None:
        now: datetime = self.runtime.clock.now()
        why = f"{signal.reason.value}, {signal}"
        self.exits.append(WatchedExit(at=now, account=self.account.id, symbol=symbol, why=why, outcome=outcome))


def _why(report: AccountReport, symbol: str) -> str:
    """Return why a position was not left, as far as the run says."""
    own = [e.message for e in report.errors if e.symbol == symbol]
    others = [f"{e.code}: {e.message}" for e in report.errors if e.symbol is None]
    skips = [f"{s.reason} {s.detail}".strip() for s in report.skipped if s.symbol == symbol]
    return "; ".join((own or others or skips)[:2]) or f"the run ended {report.status}"
