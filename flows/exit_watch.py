"""Watch the exits of many accounts: one poll of prices a venue, one task an account, no account held by looking."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from brokers.hub import SharedVenue
from flows.exit_desk import PIPELINE_NAME
from flows.pipeline import current_flow_run
from flows.watched_account import WatchedAccount
from models.errors import NijaError, NotAsked, StoreError
from models.exit_watch import ExitWatchReport, WatchEnd
from models.fleet import Account
from models.store.heartbeats import PIPELINE, beat
from models.store.leases import Lease
from models.store.watchers import Standing, standing_of
from tasks.runtime import Runtime

log = logging.getLogger(__name__)

TICK = timedelta(seconds=0.5)  # between two looks at the hand-over, and at the peaks
RELOAD_EVERY = timedelta(seconds=3)
BEAT_EVERY = timedelta(seconds=5)
SILENT_AFTER = timedelta(minutes=1)  # as often as a sign of life is expected of one that a schedule started
PEAKS_EVERY = timedelta(seconds=5)
LONGEST_PAUSE_SECONDS = 15.0  # between two polls of a venue that does not answer
FINISH_WITHIN_SECONDS = 90.0  # what is being sent when the watch ends; the ledger has what takes longer
READ_AT_ONCE = 3  # accounts, whole
_DOUBLED_AT_MOST = 10


class Watch:
    """A watch over some accounts; whoever shows it reads `accounts` and the counts."""

    def __init__(self, runtime: Runtime, accounts: Sequence[Account], *, live: bool, poll_seconds: float) -> None:
        self.runtime = runtime
        self.live = live
        reading = asyncio.Semaphore(READ_AT_ONCE)
        self.accounts = [WatchedAccount(runtime, account, reading, live=live) for account in accounts]
        self.polls = 0
        self.failed_polls = 0
        self.started_at: datetime = runtime.clock.now()
        self._poll_seconds = poll_seconds
        flow_run = current_flow_run()
        self._expected = SILENT_AFTER if flow_run is not None and flow_run.auto_scheduled else None
        self._at_venue: dict[SharedVenue, list[WatchedAccount]] = {}

    async def run(self, lease: Lease, max_run: timedelta) -> ExitWatchReport:
        """Watch until the time is over or a successor asks; finish what is being sent, and write the peaks down."""
        end = self.runtime.clock.elapsed() + max_run
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._follow(account)) for account in self.accounts]
                tasks += [group.create_task(self._keep_house())]
                try:
                    ended = await self._until_over(lease, end)
                    await self._finish()
                finally:
                    self._stop(tasks)
        finally:
            for account in self.accounts:
                await account.close()
        await self._each("peaks are not written down", partial(WatchedAccount.write_peaks, is_due=True))
        return self._report(ended)

    async def _follow(self, account: WatchedAccount) -> None:
        """Reach an account, let its venue's prices come to it, and act on them."""
        await account.reload()
        shared = await account.reached()
        there = self._at_venue.setdefault(shared, [])
        there.append(account)
        async with asyncio.TaskGroup() as own:
            if len(there) == 1:  # the first at its venue
                own.create_task(self._poll(shared, there))
            await account.make_ready()
            own.create_task(account.act())
            own.create_task(account.read_alone())

    async def _poll(self, shared: SharedVenue, accounts: list[WatchedAccount]) -> None:
        """Read the prices of a venue again and again; one that does not answer is asked ever more seldom."""
        clock = self.runtime.clock
        policy = accounts[0].policy.model_copy(update={"balance_fetch_max_attempts": 1})  # the next poll is the retry
        failures = 0
        while True:
            began, pause = clock.elapsed(), self._poll_seconds
            try:
                tickers = await shared.newest_tickers(policy)
            except NijaError as error:
                failures += 1
                self.failed_polls += 1
                pause = max(pause, min(pause * 2.0 ** min(failures, _DOUBLED_AT_MOST), LONGEST_PAUSE_SECONDS))
                if isinstance(error, NotAsked):
                    known = (error.until - clock.now()).total_seconds()
                    pause = max(self._poll_seconds, min(known, LONGEST_PAUSE_SECONDS))
                for account in accounts:
                    account.trouble = error.code
                log.warning("prices cannot be read", extra={"code": error.code, "failures": failures})
            else:
                failures = 0
                self.polls += 1
                for account in accounts:
                    account.see(tickers)
            await clock.sleep(timedelta(seconds=max(pause - (clock.elapsed() - began).total_seconds(), 0)))

    async def _keep_house(self) -> None:
        """Reload positions, write peaks, close alerts and leave a sign of life; a store that is away is met again."""
        clock = self.runtime.clock
        reload_at = peaks_at = clock.elapsed()
        beat_at = clock.elapsed()
        while True:
            now = clock.elapsed()
            is_due = now >= peaks_at
            if is_due:
                peaks_at = now + PEAKS_EVERY
            await self._each("peaks are not written down", partial(WatchedAccount.write_peaks, is_due=is_due))
            await self._each("alerts are not closed", WatchedAccount.close_alerts)
            if now >= reload_at:
                await self._each("positions are not read again", WatchedAccount.reload)
                reload_at = now + RELOAD_EVERY
            if now >= beat_at:
                await self._beat()
                beat_at = now + BEAT_EVERY
            await clock.sleep(TICK)

    async def _each(self, what: str, act: Callable[[WatchedAccount], Coroutine[Any, Any, None]]) -> None:
        """Do something for every account; one that cannot does not keep the others from it."""
        for end in await asyncio.gather(*(act(a) for a in self.accounts), return_exceptions=True):
            if isinstance(end, StoreError):
                log.warning(what, extra={"code": end.code})
            elif isinstance(end, BaseException):
                raise end

    async def _beat(self) -> None:
        statuses = {a.account.id: a.status for a in self.accounts}
        try:
            now = self.runtime.clock.now()
            await beat(self.runtime.store, PIPELINE_NAME, {**statuses, PIPELINE: "ok"}, now=now, every=self._expected)
        except StoreError as error:
            log.warning("no sign of life is left", extra={"code": error.code})

    async def _until_over(self, lease: Lease, end: timedelta) -> WatchEnd:
        """Wait until the watch is over, and say why."""
        while self.runtime.clock.elapsed() < end:
            try:
                standing = await standing_of(self.runtime.store, lease, self.runtime.holder)
            except StoreError as error:
                log.warning("the hand-over cannot be looked at", extra={"code": error.code})
                standing = Standing.OURS
            if standing is not Standing.OURS:
                return WatchEnd.HANDED_OVER if standing is Standing.ASKED_FOR else WatchEnd.TAKEN_OVER
            left = end - self.runtime.clock.elapsed()
            await self.runtime.clock.sleep(max(min(TICK, left), timedelta(0)))
        return WatchEnd.TIME_IS_OVER

    async def _finish(self) -> None:
        """Wait for what is being sent; nothing new is begun."""
        resting = [asyncio.ensure_future(a.at_rest()) for a in self.accounts]
        _, late = await asyncio.wait(resting, timeout=FINISH_WITHIN_SECONDS)
        for task in late:
            task.cancel()
        if late:
            log.warning("an exit is left to the successor", extra={"accounts": len(late)})

    @staticmethod
    def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()

    def _report(self, ended: WatchEnd) -> ExitWatchReport:
        exits = sorted((e for a in self.accounts for e in a.exits), key=lambda e: e.at)
        return ExitWatchReport(
            mode="live" if self.live else "plan",
            started_at=self.started_at,
            finished_at=self.runtime.clock.now(),
            ended=ended,
            accounts=[a.account.id for a in self.accounts],
            polls=self.polls,
            failed_polls=self.failed_polls,
            filled=sum(a.filled for a in self.accounts),
            failed=sum(a.failed for a in self.accounts),
            exits=exits,
        )


def _nobody(_watch: Watch) -> None:
    pass


# A flow's parameters are plain data that Prefect shows and stores, so a callback cannot be one of them.
onlooker: ContextVar[Callable[[Watch], None]] = ContextVar("onlooker", default=_nobody)
