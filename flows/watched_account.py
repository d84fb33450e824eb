"""One account under watch: judge its positions on every price, and leave those whose limit is crossed, at once.

A first attempt goes the short way (`leave_at_once`); what that does not leave gets `normalize_account`, as any scan.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta

from brokers.hub import SharedVenue, Tickers
from flows.due_exits import DueExits
from flows.exit_alerts import STOP_NOT_EXECUTED
from flows.exit_desk import ExitDesk, Left
from flows.watched_positions import WatchedPositions
from models.alert import OperationalAlert, Severity
from models.errors import LeaseHeld, NijaError, StoreError
from models.exit_watch import Watched, WatchedExit
from models.exits import ExitSignal
from models.fleet import Account
from models.market import Price
from models.reasons import Outcome
from models.report import AccountReport
from models.store.alerts import close_alerts, raise_alerts
from tasks.exit_watch import watched_positions, write_peaks
from tasks.runtime import Runtime

log = logging.getLogger(__name__)

READ_AGAIN_AFTER = timedelta(seconds=5)
ALONE = timedelta(seconds=60)  # so long nobody may have read the account before the watch does
CONNECT_AGAIN_AFTER = timedelta(seconds=5)
PATIENT_ATTEMPTS = 3  # another run has the account, and may be selling the very same
_OF_THE_MOMENT = frozenset({LeaseHeld.code, "BREAKER_OPEN", "RATE_LIMITED"})  # they speak of no position
_KEPT_EXITS = 200


class WatchedAccount:
    """The positions of one account, their newest prices, and what is being done about them."""

    def __init__(self, runtime: Runtime, account: Account, reading: asyncio.Semaphore, *, live: bool) -> None:
        self.runtime = runtime
        self._reading = reading
        self.account = account
        self.live = live
        self.policy = runtime.fleet.policies[account.id]
        self.exits: deque[WatchedExit] = deque(maxlen=_KEPT_EXITS)
        self.filled = 0
        self.failed = 0
        self.trouble = "not reached yet"  # what keeps it from being watched; empty: nothing
        self.is_leaving = False  # nothing new is sent
        self._watched = WatchedPositions(timedelta(seconds=self.policy.max_price_age_seconds))
        self._due = DueExits(runtime.clock)
        self._desk = ExitDesk(runtime, account, live=live)
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._tickers: Tickers | None = None
        self._may_ask_soon = False  # what kept the last exit back says nothing of it: the short way is tried again
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

    @property
    def positions(self) -> dict[str, Watched]:
        """What is watched, by symbol."""
        return self._watched.held

    @property
    def prices(self) -> dict[str, Price]:
        """The newest price of each position that could be used."""
        return self._watched.prices

    @property
    def due(self) -> dict[str, ExitSignal]:
        """The exits that are due, by symbol."""
        return self._due.signals

    async def reached(self) -> SharedVenue:
        """Find the account's keys and its venue, for as long as that takes. Raises: nothing of ours."""
        while True:
            try:
                return await self._desk.venue()
            except NijaError as error:
                self.trouble = error.code
                log.warning("account cannot be watched", extra={"account": self.account.id, "code": error.code})
            await self.runtime.clock.sleep(CONNECT_AGAIN_AFTER)

    async def make_ready(self) -> None:
        """Have the client at hand before the first exit."""
        await self._desk.make_ready()

    async def close(self) -> None:
        """Let go of the account's client."""
        await self._desk.close()

    def see(self, tickers: Tickers) -> None:
        """Judge every position on new prices."""
        self.trouble, self._tickers = "", tickers
        for symbol, signal in self._watched.judge(tickers, self.runtime.clock.now()).items():
            if signal is not None:
                self._due.crossed(symbol, signal)
            elif symbol in self.due:
                self._due.forget(symbol)

    async def act(self) -> None:
        """Leave what is due, as soon as it is, until the task is canceled. A watch that is not live only looks."""
        while self.live and not self.is_leaving:
            if ready := self._due.ready():
                self._at_rest.clear()
                try:
                    await self._leave(ready)
                except Exception:  # this account's alone, and it goes on
                    log.exception("an exit failed", extra={"account": self.account.id})
                    for symbol in ready:
                        self._due.failed(symbol)
                finally:
                    self._at_rest.set()
            await self._due.until_ready()

    async def read_alone(self) -> None:
        """Read the account now and then, so that what was bought meanwhile is watched as well. Sends nothing."""
        clock = self.runtime.clock
        while not self.is_leaving:
            await self._at_rest.wait()
            self._read_again.clear()
            sold = frozenset(self._sold)
            async with self._reading:  # a whole read is dear, and no stop waits for it
                report = await self._desk.run(live=False)
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
        self._watched.reload(stored, but=self._sold)
        self._due.keep_only(self.positions)

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

    async def _leave(self, symbols: Collection[str]) -> None:
        """Leave what is due of the account; say what came of each. What could not be left at once gets a whole run."""
        wanted = {symbol: self.due[symbol] for symbol in symbols if symbol in self.due}
        left = await self._leave_at_once(wanted)
        for symbol in left.filled & wanted.keys():
            self._went(symbol, wanted.pop(symbol))
        if not self._alarmed.isdisjoint(left.filled):
            with suppress(StoreError):  # else later, as any other
                await self.close_alerts()
        if left.kept_until is not None and wanted.keys() <= self._alarmed:
            for symbol in wanted:  # it stands as an alert, and a whole run would not be let through either
                self._due.failed(symbol, kept_until=left.kept_until)
        elif wanted:
            await self._leave_by_a_run(wanted, left.kept_until)

    async def _leave_at_once(self, symbols: Collection[str]) -> Left:
        """Leave the short way what is due for the first time, and all that no fault of its own kept from it."""
        chosen = [s for s in symbols if self._may_ask_soon or not self._due.times_failed(s)]
        return await self._desk.leave_at_once(chosen, self._tickers) if chosen and self._tickers else Left()

    async def _leave_by_a_run(self, wanted: dict[str, ExitSignal], kept_until: datetime | None) -> None:
        """Leave the rest as any scan does; say why, and when it is tried again, where that does not help either."""
        report = await self._desk.run(live=True)
        await self.reload()
        filled = {a.symbol for a in report.actions if a.outcome is Outcome.FILLED}
        standing = {e.symbol for e in report.errors if e.code == STOP_NOT_EXECUTED}
        codes = {e.code for e in report.errors if e.symbol is None}
        is_held, self._may_ask_soon = LeaseHeld.code in codes, not codes.isdisjoint(_OF_THE_MOMENT)
        unread = report.plan_hash is None  # nothing was judged: what was due stands
        for symbol, signal in wanted.items():
            if symbol in filled:
                self._went(symbol, signal)
            elif symbol in self.positions and symbol in self.due:
                is_stop = signal.reason.is_stop and (unread or symbol in standing)
                self._told(symbol, signal, _why(report, symbol))
                self.failed += 1
                self._due.failed(symbol, is_urgent=is_stop, is_soon=self._may_ask_soon, kept_until=kept_until)
                if is_stop and (not is_held or self._due.times_failed(symbol) >= PATIENT_ATTEMPTS):
                    await self._escalate(symbol, signal, report, is_raised=not unread)

    def _went(self, symbol: str, signal: ExitSignal) -> None:
        """Note that a position is left: it is not watched any more, until a read shows it again."""
        self._told(symbol, signal, "filled")
        self.filled += 1
        self._due.forget(symbol)
        self._sold.add(symbol)
        self._watched.leave(symbol)
        self._read_again.set()

    async def _escalate(self, symbol: str, signal: ExitSignal, report: AccountReport, *, is_raised: bool) -> None:
        """Let a stop that was not carried out stand as an alert, until it is or its price has come back."""
        self._alarmed.add(symbol)
        if is_raised:  # by the run itself, with more to say
            return
        words = f"a stop is due and was not executed: {signal}: {_why(report, symbol)}; it is tried again and again"
        alert = OperationalAlert(STOP_NOT_EXECUTED, words, Severity.CRITICAL, self.account.id, symbol)
        try:
            await raise_alerts(self.runtime.store, [alert], now=self.runtime.clock.now())
        except StoreError as error:  # the next attempt tells it again
            log.error(STOP_NOT_EXECUTED, extra={"account": self.account.id, "symbol": symbol, "code": error.code})  # noqa: TRY400

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
