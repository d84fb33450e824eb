"""Let a week pass: the schedules, the weather, the workers, and at its end everything well again, to be judged.

The clock stands on the next planned start and runs on from there as the machine's does until all that was started has
ended; then it jumps to the next. Nothing that a process sees runs faster than in earnest.
"""

import asyncio
import itertools
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from pydantic import SecretStr
from sqlalchemy import update

from flows.report_trouble import RETRIES, RETRY_AFTER
from models.alert import Severity
from models.channel import KINDS
from models.settings import master_key_settings
from models.store.alert_tables import DELIVERIES
from models.store.engine import Store
from tasks.channels import NewChannel, add_channel
from tests.drills.breakage import JumpingClock
from tests.drills.week.database import Database, database
from tests.drills.week.judging import Judged, judge
from tests.drills.week.server import Automations, Server
from tests.drills.week.setting import CAP, POLICY, environment
from tests.drills.week.timetable import Deployment, deployments
from tests.drills.week.town import Town
from tests.drills.week.weather import Happening, draw
from tests.drills.week.workers import End, Start, Workers
from tests.sink import Sink

T = TypeVar("T")
START = datetime(2031, 3, 3, 1, 30, tzinfo=UTC)  # a Monday, half an hour before the verification
WATCHED_SECONDS = 1.2  # of a watch without a pause, which ends by itself
Told = Callable[[int, int, str], None]


@dataclass
class Passed:
    """A week that has passed."""

    judged: Judged
    timeline: list[str]
    runs: Counter[str]
    happened: Counter[str]
    starts: int
    slots: int


def live_through(
    seed: int,
    days: float,
    home: Path,
    kind: str,
    *,
    is_quick: bool = False,
    told: Told = lambda *_: None,
    weather: Sequence[Happening] | None = None,
) -> Passed:
    """Live through so many days on an empty store, and judge them."""
    with ExitStack() as stack:
        week = Week(seed, days, home, stack, kind, is_quick=is_quick, weather=weather)
        week.pass_by(told)
        week.end_well()
        judged = asyncio.run(week.in_store(week.judge))
    return Passed(judged, week.timeline, week.runs, week.happened, week.starts, week.slots)


class Week:
    """A span of days at one operator's."""

    def __init__(
        self,
        seed: int,
        days: float,
        home: Path,
        stack: ExitStack,
        kind: str,
        *,
        is_quick: bool,
        weather: Sequence[Happening] | None,
    ) -> None:
        self.timeline: list[str] = []
        self.wrong: list[str] = []
        self.runs, self.happened = Counter[str](), Counter[str]()
        self.starts = self.slots = 0
        self._clock = JumpingClock()
        self._jump(START)
        self._until = START + timedelta(days=days)
        self._home, self._deployments = home, deployments()
        self._weather = deque(draw(seed, START, days) if weather is None else weather)
        self._town = stack.enter_context(Town(self._clock.shift))
        self._server = stack.enter_context(Server())
        self._automations = Automations(self._deployments)
        self._sink = stack.enter_context(Sink())
        self._database: Database = stack.enter_context(database(kind, home))
        self._is_database_up = True
        self._again: bool | None = None  # what becomes of flow runs whose worker is killed: delivered again, or crashed
        self._soon: list[Start] = []
        self._backlog: list[Start] = []
        self._unreported: list[tuple[datetime, Start]] = []
        self._workers = stack.enter_context(
            Workers(home, environment(home, self._town, self._database.url, self._server.url), is_quick=is_quick)
        )
        self._doing: dict[str, Callable[..., object]] = {
            "buys": self._town.buys,
            "brings": self._town.brings,
            "moves": self._town.moves,
            "delists": self._town.delists,
            "trouble": self._town.trouble,
            "trouble over": self._town.trouble_over,
            "races": self._races,
            "asks": self._ask,
            "worker killed": self._worker_dies,
            "deliverer killed": lambda: self._sink.fails(self._kill_deliverer, 1),
            "database": self._database_goes,
            "database over": self._database_comes,
            "server": lambda **_: self._server.kill(),
            "server over": self._server_comes,
        }
        asyncio.run(self.in_store(self._channel))

    def pass_by(self, told: Told) -> None:
        """Let every start and every happening come in its turn."""
        planned = sorted(
            ((at, one) for one in self._deployments.values() for at in one.starts(START, self._until)),
            key=lambda pair: pair[0],
        )
        self._ask("start_up/start-up")
        slots = [(at, [one for _, one in group]) for at, group in itertools.groupby(planned, key=lambda pair: pair[0])]
        for number, (at, due) in enumerate(slots):
            told(number, len(slots), f"{at:%a %H:%M}")
            while self._weather and self._weather[0].at <= at:
                one = self._weather.popleft()
                self._jump(one.at)
                self._happens(one)
            self._jump(at)
            starts = [Start(one, self._request(one), at) for one in due]
            if self._server.is_up:
                self._run(starts)
                for request in self._automations.missing(self._clock.now()):
                    self._note(f"automation: {request}")
                    self._report(request)
            else:
                self._backlog += starts
        told(len(slots), len(slots), "judging")

    def end_well(self) -> None:
        """Mend what is broken, and let everybody look once more: nobody lifts a halt, and nothing new goes wrong."""
        for one in self._weather:
            if one.what.endswith(" over") or one.what == "delists":
                self._happens(one)
        self._disarm()
        self._sink.fails(None)
        self._jump(self._until)
        asyncio.run(self.in_store(_let_claims_run_out))
        self._ask("start_up/start-up")
        for _ in range(2):
            self._ask("normalize/on-demand", {"live": True})
        for name in ("reconcile/every-fifteen-minutes", "watch/watch-every-minute"):
            self._ask(name)
        for minutes in (0, 10, 60, 120):  # a channel that failed is left alone for a while
            self._jump(self._until + timedelta(minutes=minutes))
            self._ask("check_alerts/alerts-every-minute")

    async def judge(self, store: Store) -> Judged:
        """Judge it."""
        verify = self._deployments["verify_weekly/weekly"]
        planned = verify.starts(START, self._until)
        judged = await judge(store, self._town, self._sink.got, planned, POLICY)
        judged.wrong += self.wrong
        judged.wrong += [f"{run}" for run in sorted(self.runs) if run.endswith(("Error", "exit 1", "INTERNAL_ERROR"))]
        return judged

    async def in_store(self, act: Callable[[Store], Awaitable[T]]) -> T:
        """Look into the store as a process of its own would."""
        async with await Store.open(self._database.url) as store:
            return await act(store)

    # What happens

    def _happens(self, one: Happening) -> None:
        self._note(str(one))
        self.happened[one.what] += 1
        self._doing[one.what](**one.facts)

    def _worker_dies(self, at_call: int, *, again: bool, flow: str | None = None) -> None:
        self._again = again
        self._at_call(at_call, lambda: self._workers.kill(flow))

    def _races(self, owner: str, assets: Sequence[str]) -> None:
        """Let two bots ask for an entry at once, and buy where it is allowed."""
        if not self._is_database_up:
            return
        slots = self._town.slots(owner)
        ahead = self._clock.shift.total_seconds()
        calls = [
            {"account": owner, "symbol": self._town.symbol(owner, asset), "usd": "20", "ahead_seconds": ahead}
            for asset in assets
        ]
        answers = self._workers.at_once(*({"ask_entry": call} for call in calls))
        allowed = [asset for asset, answer in zip(assets, answers, strict=True) if answer.get("allowed")]
        self._note(f"entries of {owner}: {', '.join(allowed) or 'none'} allowed of {', '.join(assets)}")
        self.runs[f"entry {'allowed' if allowed else 'refused'}"] += 1
        if len(slots | set(allowed)) > CAP:
            self.wrong.append(
                f"{owner}: entries in {', '.join(allowed)} were allowed beside {', '.join(sorted(slots))}"
            )
        for asset in allowed:
            self._town.buys(owner, asset, Decimal(20))

    def _at_call(self, nth: int, act: Callable[[], object]) -> None:
        """Act at the nth call that the venues get from here on, or the next at which that does anything."""
        lock, seen, done = threading.Lock(), itertools.count(1), False

        def called(_rule: object) -> None:  # on the venues' own threads, before the call has its effect
            nonlocal done
            with lock:
                done = done or (next(seen) >= nth and bool(act()))

        for venue in self._town.venues.values():
            venue.when_called(called)

    def _disarm(self) -> None:
        for venue in self._town.venues.values():
            venue.when_called(None)

    async def _kill_deliverer(self, _request: web.Request) -> web.StreamResponse | None:
        """Take the message, and kill whoever sent it before he can note it."""
        self._again = True
        self._workers.kill()
        return None

    def _database_goes(self, at_call: int, **_: object) -> None:
        if not self._is_database_up:
            return
        self._is_database_up = False
        if self._database.dies_in_the_middle:
            self._at_call(at_call, self._database.kill)
            self._run([Start(self._deployments[name], {"live": True}) for name in ("enforce_cap/every-five-minutes",)])
            self._disarm()
            self._database.kill()  # it is dead already, where the venues were called so often
        else:
            self._database.kill()

    def _database_comes(self, **_: object) -> None:
        if not self._is_database_up:
            self._database.start()
            self._is_database_up = True
            tried, self._unreported = self._unreported, []
            self._run([start for at, start in tried if self._clock.now() - at < RETRIES * RETRY_AFTER])
            self._ask("start_up/start-up")

    def _server_comes(self, **_: object) -> None:
        if self._server.is_up:
            return
        self._server.start()
        late, self._backlog = self._backlog, []
        self._note(f"{len(late)} late starts at once")
        self._run(late)

    # What is started

    def _ask(self, name: str, request: dict[str, Any] | None = None) -> None:
        """Let an operator start a deployment by hand."""
        one = self._deployments[name]
        self._run([Start(one, self._request(one) | (request or {}))])

    def _report(self, request: dict[str, Any]) -> None:
        self._run([Start(self._deployments["report_trouble/on-trouble"], request)])

    def _request(self, one: Deployment) -> dict[str, Any]:
        if one.flow == "enforce_exits_continuously":
            return one.request | {"max_run_seconds": WATCHED_SECONDS}
        return one.request

    def _run(self, starts: list[Start]) -> None:
        """Execute flow runs, then whatever comes of their ends."""
        while starts:
            self.slots += 1
            self.starts += len(starts)
            ends = self._workers.execute(starts, self._clock.shift)
            starts = [one for end in ends for one in self._after(end)]

    def _after(self, end: End) -> list[Start]:
        """Do what the server does when a run has ended; return what it starts then."""
        flow, error = end.start.deployment.flow, str(end.told.get("error", ""))
        self.runs[f"{flow} {end.state} {error}".rstrip()] += 1
        accounts = {name: status for name, status in end.told.get("accounts", {}).items() if status != "compliant"}
        if end.state != "Completed" or accounts:
            self._note(f"{flow} {end.state} {error} {end.told.get('message', '')} {accounts or ''}".rstrip())
        if end.state == "Completed":
            self._automations.completed(flow, self._clock.now())
            return [Start(self._deployments[name], self._deployments[name].request) for name in end.told["restarts"]]
        if end.state not in {"Killed", "Failed", "exit 1"}:
            return []
        if flow == "report_trouble":  # Prefect tries it again until the store is back
            self._unreported.append((self._clock.now(), end.start))
            return []
        if end.state == "Killed" and self._again:
            self._disarm()
            return [end.start.again()]
        what = "Crashed" if end.state == "Killed" else "Failed"
        reporter = self._deployments["report_trouble/on-trouble"]
        reports = self._automations.ended_badly(flow, what, end.start.flow_run[:8])
        return [Start(reporter, one) for one in reports] if self._server.is_up else []

    # Where it stands

    def _jump(self, at: datetime) -> None:
        """Put the hour forward to an instant that is still to come."""
        ahead = at - self._clock.now()
        if ahead > timedelta(0):
            self._clock.shift += ahead
            if hasattr(self, "_town"):
                self._town.set_ahead(self._clock.shift)

    def _note(self, words: str) -> None:
        self.timeline.append(f"{self._clock.now():%Y-%m-%d %H:%M:%S} {words}")

    async def _channel(self, store: Store) -> None:
        new = NewChannel(
            "ops", SecretStr(self._sink.url), severity=Severity.WARNING, kinds=KINDS, quiet=None, tells_over=True
        )
        await add_channel(store, master_key_settings(self._home), self._clock, new, by="operator")


async def _let_claims_run_out(store: Store) -> None:
    """A claim on a message is kept for a minute by the store's own clock, which nobody puts forward."""
    held = update(DELIVERIES).where(DELIVERIES.c.claim_expires_at.is_not(None))
    await store.execute(held.values(claim_expires_at=1.0))
