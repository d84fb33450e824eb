"""Some hours of a small operator: schedules, faults, a killed worker, a killed database, a killed server."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from models.alert import OperationalAlert, Severity
from models.store.alerts import raise_alerts
from models.store.engine import Store
from tests.drills.venues import EVERYWHERE
from tests.drills.week import working
from tests.drills.week.judging import Judged, judge
from tests.drills.week.setting import POLICY
from tests.drills.week.timetable import LEFT_OUT, PREFECT_YAML, THINNED, deployments
from tests.drills.week.town import Town
from tests.drills.week.weather import Happening, draw
from tests.drills.week.week import START, live_through

pytestmark = pytest.mark.wire


def at(hours: float, what: str, **facts: Any) -> Happening:
    return Happening(START + timedelta(hours=hours), what, facts)


REVOKED = [{"operation": "any", "fault": "auth_revoked", "account": "ben", "times": None}]
DOWN = [{"operation": "any", "fault": "status", "status": 503, "times": None}]
WEATHER = [
    at(0.2, "worker killed", at_call=3, again=True, flow="verify_weekly"),
    at(0.6, "buys", owner="dan", asset="LINK", usd=Decimal(150)),
    at(0.7, "brings", owner="ann", asset="DOGE", usd=Decimal("0.4")),
    at(0.8, "buys", owner="ann", asset="DOT", usd=Decimal(40)),
    at(0.9, "buys", owner="ann", asset="XLM", usd=Decimal(20)),
    at(1.1, "worker killed", at_call=14, again=False),
    at(1.6, "races", owner="cleo", assets=["SOL", "DOT"]),
    at(1.7, "trouble", number=1, venue="coinbase", rules=DOWN),
    at(1.8, "trouble", number=2, venue="kraken", rules=REVOKED),
    at(2.4, "deliverer killed"),
    at(2.6, "trouble over", number=1, venue="coinbase", rules=DOWN),
    at(2.7, "database", number=3, at_call=9),
    at(3.4, "database over", number=3, at_call=9),
    at(3.6, "trouble over", number=2, venue="kraken", rules=REVOKED),
    at(3.7, "delists", asset="AUT"),
    at(3.8, "moves", asset="LINK", factor="0.9"),
    at(3.9, "server", number=4),
    at(5.2, "server over", number=4),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["postgresql", "sqlite"] if EVERYWHERE else ["postgresql"])
def test_after_kills_and_outages_every_account_is_in_shape_nothing_was_sold_twice_and_each_alert_came_once(
    tmp_path: Path, kind: str
) -> None:
    passed = live_through(1, 6 / 24, tmp_path, kind, is_quick=True, weather=WEATHER)

    assert passed.judged.wrong == [], passed.timeline
    assert len(passed.judged.ends) == 4
    assert passed.judged.orders > 0
    assert passed.judged.verifications == ["Mon 02:00 made Mon 02:00"]
    killed = {run.split()[0] for run in passed.runs if run.endswith(" Killed")}
    assert "verify_weekly" in killed
    assert len(killed) > 1
    assert any(run.endswith("Failed STORE_UNREACHABLE") for run in passed.runs)
    assert any(run.endswith(" Skipped") for run in passed.runs)
    assert passed.judged.repeated >= 1  # and it says so: one that does not is wrong


def test_every_deployment_is_driven_or_left_out_for_a_reason() -> None:
    declared = yaml.safe_load(PREFECT_YAML.read_text(encoding="utf-8"))["deployments"]
    driven = deployments()

    assert {name.split("/")[1] for name in (*driven, *LEFT_OUT)} >= {row["name"] for row in declared}
    assert {one.flow for one in driven.values()} == {*working.ACTS, "watch"}
    assert set(driven) > set(THINNED)


def test_a_thinned_schedule_keeps_its_own_hours_and_a_weekly_one_all_of_them() -> None:
    known, week = deployments(), timedelta(days=7)

    counts = {name: len(list(one.starts(START, START + week))) for name, one in known.items() if one.schedule}
    weekly = list(known["verify_weekly/weekly"].starts(START, START + 2 * week))
    watch = list(known["watch/watch-every-minute"].starts(START, START + timedelta(hours=2)))

    assert counts["watch/watch-every-minute"] == 10_080 / THINNED["watch/watch-every-minute"]
    assert counts["cleanup_dust/daily"] == 7
    assert [f"{one:%a %H:%M}" for one in weekly] == ["Mon 02:00"] * 2
    assert [f"{one:%H:%M:%S}" for one in watch] == ["01:30:45", "02:30:45"]


def test_the_same_seed_draws_the_same_week() -> None:
    assert draw(5, START, 7) == draw(5, START, 7)
    assert [str(one) for one in draw(5, START, 7)] == [str(one) for one in draw(5, START, 7)]
    assert [str(one) for one in draw(5, START, 7)] != [str(one) for one in draw(6, START, 7)]


@dataclass
class Case:
    """A town whose week was nothing but a start, and what arrived."""

    town: Town
    url: str

    def judged(self, arrived: list[dict[str, Any]] | None = None, planned: list[datetime] | None = None) -> Judged:
        async def look(store: Store) -> Judged:
            return await judge(store, self.town, arrived or [], planned or [], POLICY)

        return self(look)

    def __call__(self, act: Any) -> Any:
        async def run() -> Any:
            async with await Store.open(self.url) as store:
                return await act(store)

        return asyncio.run(run())


@contextmanager
def a_case(url: str) -> Iterator[Case]:
    with Town(timedelta(0)) as town:
        yield Case(town, url)


@pytest.fixture
def case(sqlite_url: str) -> Iterator[Case]:
    with a_case(sqlite_url) as case:
        yield case


def test_the_judge_sees_an_account_over_its_cap(case: Case) -> None:
    for asset in ("SOL", "LINK"):
        case.town.brings("ann", asset, Decimal(50))

    assert any(word.startswith("ann: 1 over its cap") for word in case.judged().wrong)


def test_the_judge_sees_a_sale_that_the_ledger_does_not_know(case: Case) -> None:
    sold = SimpleNamespace(account="ben", symbol=case.town.symbol("ben", "ETH"))
    case.town.venue("ben").sell(sold.account, sold.symbol, Decimal("0.01"))
    case.town.venue("ben").sell(sold.account, sold.symbol, Decimal("0.01"))

    wrong = case.judged().wrong

    assert any("the ledger does not know" in word or "under None" in word for word in wrong)
    assert f"ben: {sold.symbol} came 1 times, was sold 2 times" in wrong


def test_the_judge_sees_an_alert_that_nobody_was_told_and_a_verification_that_is_missed(case: Case) -> None:
    halted = OperationalAlert("HALTED", "3 over", Severity.CRITICAL, "ann")
    case(lambda store: raise_alerts(store, [halted], now=START))

    wrong = case.judged(planned=[START]).wrong

    assert any(word.startswith("HALTED ann") and word.endswith("was told to nobody") for word in wrong)
    assert "the verification of 2031-03-03 01:30 is not kept, and nobody was told" in wrong


def test_the_judge_sees_what_arrives_twice_without_a_word(case: Case) -> None:
    message = {"message": "3 over\nsince 2031-03-03 01:30 UTC\n[operational:1:critical]"}

    assert any(word.startswith("arrived 1 times, not 0") for word in case.judged([message]).wrong)
