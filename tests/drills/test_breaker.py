"""A venue that does not answer is left alone by all processes, tried by one call at a time, and used once more."""

import asyncio

import pytest
from sqlalchemy import update

from models.breaker import BreakerStatus, CircuitState, Direction, Health
from models.reasons import AccountStatus, Block, Check, Outcome, Verdict
from models.report import AccountReport
from models.store.breakers import breakers
from models.store.engine import Store
from models.store.tables import BREAKERS
from tests.drills.desk import Desk, codes, left, sold

pytestmark = pytest.mark.wire

HELD = {"BTC": 1000, "ETH": 500, "SOL": 100}
DOWN = {"fault": "status", "status": 503, "times": None}
RECOVERY_SECONDS = 60


@pytest.fixture(autouse=True)
def _breakers_as_in_earnest(request: pytest.FixtureRequest) -> None:
    name = "desk" if "desk" in request.fixturenames else "sqlite_desk"
    policy = request.getfixturevalue(name).policy
    policy |= {"breaker_recovery_seconds": RECOVERY_SECONDS, "balance_fetch_max_attempts": 1}


def way(desk: Desk, account: str = "*", direction: Direction = Direction.READ) -> BreakerStatus:
    (found,) = [b for b in desk.in_store(breakers) if (b.account, b.direction) == (account, direction)]
    return found


def pass_time(desk: Desk, seconds: float) -> None:
    """Let time pass for every breaker, by the clock of the store that keeps them."""

    async def pass_(store: Store) -> None:
        await store.execute(update(BREAKERS).values(state_since=BREAKERS.c.state_since - seconds))

    desk.in_store(pass_)


# F1
def test_a_venue_that_stays_down_is_left_alone_by_later_runs_until_its_recovery_time_is_over(desk: Desk) -> None:
    kraken = desk.worth(HELD, faults=[{"operation": "markets", **DOWN}])
    failed = [codes(desk.run()) for _ in range(5)]
    asked = kraken.calls("any")

    report, entry, doctor = desk.run(), desk.entry("BTC/USD"), desk.examine().accounts[0]

    assert all("UNREACHABLE" in run and "BREAKER_OPEN" not in run for run in failed)
    assert kraken.calls("any") == asked
    assert (report.status, "BREAKER_OPEN" in codes(report)) == (AccountStatus.BLOCKED, True)
    assert entry.reasons[:2] == [Block.POSITIONS_UNREADABLE, Block.BREAKER_OPEN]
    lines = {line.check: (line.verdict, line.code) for line in doctor.checks}
    assert lines[Check.CONNECTION] == (Verdict.FAIL, "BREAKER_OPEN")
    assert lines[Check.STORE] == (Verdict.WARN, "BREAKER_OPEN")
    opened = way(desk)
    assert (opened.health_state, opened.failure_count, opened.total_failures) == (Health.OFFLINE, 5, 5)
    assert (opened.trading_allowed, opened.last_error_code) == (False, "UNREACHABLE")

    kraken.set_faults()
    pass_time(desk, RECOVERY_SECONDS - 20)
    early = desk.run()
    pass_time(desk, 20)
    in_time = desk.run()

    assert (early.status, in_time.status) == (AccountStatus.BLOCKED, AccountStatus.COMPLIANT)
    closed = way(desk)
    assert (closed.health_state, closed.failure_count, closed.total_calls) == (Health.HEALTHY, 0, 7)


# F1
def test_of_two_processes_at_a_venue_that_is_still_down_one_asks_and_the_other_is_told(sqlite_desk: Desk) -> None:
    kraken = sqlite_desk.opens(
        prices=HELD, holds={"first": {}, "second": {}}, faults=[{"operation": "markets", **DOWN}]
    )
    for _ in range(5):
        sqlite_desk.run("first")
    pass_time(sqlite_desk, RECOVERY_SECONDS)
    asked = kraken.calls("any")
    by_one_run = asked / 5

    still_down = _at_once(sqlite_desk)
    kept_to_one = kraken.calls("any") - asked
    kraken.set_faults()
    pass_time(sqlite_desk, 2 * RECOVERY_SECONDS)
    well_again = _at_once(sqlite_desk)

    assert kept_to_one == by_one_run
    assert sorted("BREAKER_OPEN" in codes(report) for report in still_down) == [False, True]
    assert [report.status for report in well_again] == [AccountStatus.COMPLIANT] * 2


def test_the_account_that_is_not_answered_is_left_alone_and_the_others_go_on(sqlite_desk: Desk) -> None:
    kraken = sqlite_desk.opens(
        prices=HELD,
        holds={"broken": {"BTC": 1}, "sound": {"BTC": 1}},
        faults=[{"operation": "any", "account": "broken", **DOWN}],
    )
    for _ in range(3):
        sqlite_desk.normalize()
    asked = kraken.calls("any", "broken")

    report = sqlite_desk.normalize()

    assert [(a.status, "BREAKER_OPEN" in codes(a)) for a in report.accounts] == [
        (AccountStatus.BLOCKED, True),
        (AccountStatus.COMPLIANT, False),
    ]
    assert kraken.calls("any", "broken") == asked
    assert way(sqlite_desk, "sound").health_state is Health.HEALTHY


def test_orders_without_an_answer_open_the_way_of_orders_alone_and_the_rest_is_not_sent(sqlite_desk: Desk) -> None:
    sqlite_desk.policy["max_positions"] = 1
    held = {f"COIN{n}": 100 + n for n in range(8)}
    kraken = sqlite_desk.worth(held, faults=[{"operation": "place", "fault": "drop_after", "times": None}])

    report = sqlite_desk.run()

    # Five were executed, and found; the sixth met the breaker. The account is over its cap, and yet no case for a halt.
    assert (report.status, "BREAKER_OPEN" in codes(report)) == (AccountStatus.BLOCKED, True)
    assert (kraken.calls("place"), len(left(kraken))) == (5, 3)
    outcomes = [action.outcome for action in report.actions]
    assert outcomes == [Outcome.FILLED] * 5 + [Outcome.SKIPPED] * 2
    assert report.actions[5].verification == []
    assert (way(sqlite_desk, "platform", Direction.WRITE).circuit_state) is CircuitState.OPEN
    assert (way(sqlite_desk, "platform").circuit_state) is CircuitState.CLOSED
    entry = sqlite_desk.entry("BTC/USD")
    assert Block.BREAKER_OPEN in entry.reasons
    assert Block.POSITIONS_UNREADABLE not in entry.reasons

    kraken.set_faults()
    pass_time(sqlite_desk, RECOVERY_SECONDS)

    assert sqlite_desk.run().status is AccountStatus.COMPLIANT
    assert len(sold(kraken)) == 7


# F3, incident 18
@pytest.mark.parametrize("words", ["EOrder:Insufficient funds: 1503.2 of 503", "EQuery:Unknown asset pair"])
def test_what_the_venue_refuses_opens_nothing_whatever_its_words(sqlite_desk: Desk, words: str) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "breaker_failure_threshold": 1, "max_enforcement_cycles": 1}
    refusal = {"operation": "place", "fault": "error", "code": words, "times": None}
    kraken = sqlite_desk.worth(HELD, faults=[refusal])

    report = sqlite_desk.run()

    assert [action.outcome for action in report.actions] == [Outcome.REJECTED] * 2
    assert kraken.calls("place") == 2
    assert {b.total_failures for b in sqlite_desk.in_store(breakers)} == {0}


def _at_once(desk: Desk) -> list[AccountReport]:
    """Normalise both accounts at the same moment, each by a process of its own."""

    async def both() -> list[AccountReport]:
        reports = await asyncio.gather(desk.normalizing("first"), desk.normalizing("second"))
        return [report.accounts[0] for report in reports]

    return asyncio.run(both())
