"""What happens in a week beside the schedules, drawn from a seed: people, prices, venues, and what is killed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.drills.trial import FAULTS_DRAWN
from tests.drills.week.town import OWNERS, PRICES

QUIET = timedelta(hours=4)  # at the end nothing new goes wrong
DELISTED = "AUT"
# A partly filled or late order is another matter: the drills of orders have it. Who hangs costs a time-out a call.
FAULTS = tuple(f.value for f in FAULTS_DRAWN if not {"fills", "filled", "hang", "nonce"} & set(f.value.split("_")))
_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Happening:
    """One thing that happens."""

    at: datetime
    what: str = field(compare=False)
    facts: dict[str, Any] = field(compare=False, default_factory=dict)

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.what} {told}".rstrip()


def draw(seed: int, start: datetime, days: float) -> list[Happening]:
    """Draw the happenings of so many days, oldest first; the same arguments give the same."""
    return sorted(_Drawn(Random(f"week {seed}"), start, days).all())  # noqa: S311 - drawn to be repeated


class _Drawn:
    def __init__(self, random: Random, start: datetime, days: float) -> None:
        self._random, self._start, self._days = random, start, days
        self._end = start + days * _DAY - QUIET
        self._number = 0

    def all(self) -> Iterator[Happening]:
        yield from self._people()
        yield from self._prices()
        yield from self._venues()
        yield from self._killed()
        yield from self._at_the_verification()

    def _people(self) -> Iterator[Happening]:
        for _ in self._times(6):
            yield self._one("buys", owner=self._owner(), asset=self._asset(), usd=self._usd(12, 250))
        for _ in self._times(3):
            yield self._one("brings", owner=self._owner(), asset=self._asset(), usd=self._usd(12, 120))
        for _ in self._times(2):
            yield self._one("brings", owner=self._owner(), asset=self._asset(), usd=self._usd(0.1, 0.9))
        for _ in self._times(1):
            yield self._one("brings", owner=self._owner(), asset="cash", usd=self._usd(100, 900))
        for _ in self._times(2):
            assets = self._random.sample([a for a in PRICES if a != DELISTED], 2)
            yield self._one("races", owner=self._owner(), assets=assets)
        for _ in self._times(1):
            yield self._one("asks", name="normalize/on-demand", request={"live": True})
        for _ in self._times(1):
            yield self._one("asks", name="adopt/adopt", request={})

    def _prices(self) -> Iterator[Happening]:
        for _ in self._times(4):
            yield self._one("moves", asset=self._asset(), factor=str(round(self._random.uniform(0.88, 1.1), 4)))
        yield self._one("delists", asset=DELISTED)

    def _venues(self) -> Iterator[Happening]:
        for _ in self._times(3):
            rules = [self._rule() for _ in range(self._random.randint(1, 2))]
            yield from self._lasting("trouble", 2, venue=self._venue(), rules=rules)
        for _ in self._times(0.5):
            status = [{"operation": "any", "fault": "status", "status": 503, "times": None}]
            yield from self._lasting("trouble", 1, venue=self._venue(), rules=status)
        for _ in self._times(0.3):
            owner = self._owner()
            revoked = [{"operation": "any", "fault": "auth_revoked", "account": owner, "times": None}]
            yield from self._lasting("trouble", 5, venue=OWNERS[owner], rules=revoked)

    def _killed(self) -> Iterator[Happening]:
        for _ in self._times(3):
            again = self._random.random() < 0.5
            yield self._one("worker killed", at_call=self._random.randint(1, 40), again=again)
        for _ in self._times(0.5):
            yield self._one("deliverer killed")
        for _ in self._times(0.4):
            yield from self._lasting("database", 1, at_call=self._random.randint(1, 30))
        for _ in self._times(0.4):
            yield from self._lasting("server", 4)

    def _at_the_verification(self) -> Iterator[Happening]:
        """Let one thing stand in the way of the first verification, or none."""
        monday = self._start.replace(hour=2, minute=0, second=0, microsecond=0)
        monday += timedelta(days=-monday.weekday() % 7)
        monday += timedelta(weeks=1) if monday < self._start else timedelta(0)
        before, self._number = monday - timedelta(minutes=5), self._number + 1
        facts: dict[str, Any] = {"number": self._number}
        match self._random.choice(("nothing", "worker killed", "worker killed", "server", "database")):
            case "worker killed":
                again = self._random.random() < 0.5
                yield Happening(before, "worker killed", {"at_call": 3, "again": again, "flow": "verify_weekly"})
            case "server":
                yield Happening(before, "server", facts)
                yield Happening(before + timedelta(hours=3), "server over", facts)
            case "database":
                facts["at_call"] = 1
                yield Happening(before, "database", facts)
                yield Happening(before + timedelta(minutes=40), "database over", facts)

    def _times(self, a_day: float) -> range:
        return range(max(1, round(a_day * self._days)))

    def _one(self, what: str, **facts: Any) -> Happening:
        return Happening(self._start + self._random.random() * (self._end - self._start), what, facts)

    def _lasting(self, what: str, hours: float, **facts: Any) -> Iterator[Happening]:
        """Yield its beginning and its end, within what is left of the week."""
        self._number += 1
        began = self._one(what, number=self._number, **facts)
        ends = min(began.at + timedelta(hours=hours * self._random.uniform(0.5, 1)), self._end)
        yield began
        yield Happening(ends, f"{what} over", {"number": self._number, **facts})

    def _rule(self) -> dict[str, Any]:
        fault = self._random.choice(FAULTS)
        rule = {
            "operation": self._random.choice(("tickers", "balance", "open_orders", "place", "order", "trades", "any")),
            "fault": fault,
            "skip": self._random.choice((0, 0, 1, 3)),
            "times": self._random.choice((1, 2, 5)),
            "seconds": round(self._random.uniform(0.02, 0.2), 2),
            "fraction": 0.5,
        }
        if fault in {"status", "status_after"}:
            rule["status"] = self._random.choice((418, 429, 500, 502, 503, 504, 524))
        return rule

    def _owner(self) -> str:
        return self._random.choice(tuple(OWNERS))

    def _venue(self) -> str:
        return self._random.choice(tuple(dict.fromkeys(OWNERS.values())))

    def _asset(self) -> str:
        return self._random.choice(tuple(PRICES))

    def _usd(self, least: float, most: float) -> Decimal:
        return Decimal(str(round(self._random.uniform(least, most), 2)))
