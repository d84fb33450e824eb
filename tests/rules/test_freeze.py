"""When a symbol freezes, when it thaws, and what counts as a failure."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.freeze import Freeze
from models.policy import Policy
from models.reasons import FreezeCause, FreezeState, NoPrice
from rules.freeze import judge_price, judge_prices
from tests.builders import NOW, a_policy

AUT = "AUT/USD"
HOUR = timedelta(hours=1)
POLICY = a_policy(symbol_freeze_threshold=3, symbol_freeze_cooldown_hours=24)
GOOD = None
GONE = NoPrice.NO_TICKER
reads = st.lists(st.none() | st.sampled_from(NoPrice), max_size=30)
policies = st.builds(
    lambda threshold, hours: a_policy(symbol_freeze_threshold=threshold, symbol_freeze_cooldown_hours=hours),
    st.integers(1, 5),
    st.sampled_from([0, 1, 5]),
)


def after(*problems: NoPrice | None, start: Freeze | None = None, at: datetime = NOW) -> Freeze | None:
    """Return what stands after one read an hour with these problems."""
    freeze = start
    for number, problem in enumerate(problems):
        freeze = judge(freeze, problem, at + number * HOUR)
    return freeze


def judge(freeze: Freeze | None, problem: NoPrice | None, at: datetime, policy: Policy = POLICY) -> Freeze | None:
    return judge_price(freeze, problem, account="platform", symbol=AUT, policy=policy, now=at)


def a_freeze(symbol: str = AUT, state: FreezeState = FreezeState.FROZEN, **changes: object) -> Freeze:
    given = {"cause": FreezeCause.NO_TICKER, "failures": 3, "since": NOW, "thaws_at": None} | changes
    if state is FreezeState.FROZEN and given["thaws_at"] is None:
        given["thaws_at"] = NOW + 24 * HOUR
    return Freeze(account="platform", symbol=symbol, state=state, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("failures", [1, 2])
def test_one_failure_or_two_are_counted_and_freeze_nothing(failures: int) -> None:  # case H1
    assert after(*[GONE] * failures) == Freeze(
        "platform", AUT, FreezeState.COUNTING, FreezeCause.NO_TICKER, failures, NOW
    )


def test_the_third_failure_freezes_for_the_cool_down() -> None:  # case H1
    frozen = after(GONE, GONE, GONE)

    at = NOW + 2 * HOUR
    assert frozen == Freeze("platform", AUT, FreezeState.FROZEN, FreezeCause.NO_TICKER, 3, at, at + 24 * HOUR)


def test_a_success_after_two_failures_begins_anew() -> None:  # case H1
    assert after(GONE, GONE, GOOD) is None
    assert after(GONE, GONE, GOOD, GONE, GONE).failures == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("problem", NoPrice)
def test_whatever_a_price_lacks_counts_as_a_failure(problem: NoPrice) -> None:  # case H1
    frozen = after(problem, problem, problem)

    assert frozen is not None
    assert (frozen.is_frozen, frozen.cause.value) == (True, problem.value)


def test_a_symbol_the_venue_no_longer_knows_waits_for_a_person_whatever_comes() -> None:
    frozen = after(NoPrice.NO_MARKET, NoPrice.NO_MARKET, NoPrice.NO_MARKET)

    assert frozen is not None
    assert (frozen.state, frozen.thaws_at) == (FreezeState.REVIEW, None)
    assert after(GOOD, GONE, GOOD, start=frozen, at=NOW + 999 * HOUR) == frozen


def test_a_frozen_symbol_that_is_delisted_waits_for_a_person_from_then_on() -> None:
    delisted = after(NoPrice.NO_MARKET, start=a_freeze(), at=NOW + HOUR)

    assert delisted == a_freeze(state=FreezeState.REVIEW, cause=FreezeCause.NO_MARKET, failures=4)


def test_within_the_cool_down_neither_a_good_price_nor_a_bad_one_changes_anything() -> None:
    assert after(*[GOOD, GONE] * 11, start=a_freeze(), at=NOW + HOUR) == a_freeze()


def test_after_the_cool_down_one_good_price_thaws() -> None:
    assert after(GOOD, start=a_freeze(), at=NOW + 24 * HOUR) is None


def test_a_probe_that_fails_freezes_for_another_cool_down() -> None:
    probed = after(NoPrice.STALE, start=a_freeze(), at=NOW + 24 * HOUR)

    assert probed == a_freeze(cause=FreezeCause.STALE, failures=4, thaws_at=NOW + 48 * HOUR)


@given(reads, policies)
def test_a_freeze_follows_from_nothing_less_than_the_threshold_of_failures_in_a_row(
    problems: list[NoPrice | None], policy: Policy
) -> None:
    freeze, in_a_row = None, 0
    for number, problem in enumerate(problems):
        was = freeze is not None and freeze.is_frozen
        freeze = judge(freeze, problem, NOW + number * HOUR, policy)
        in_a_row = 0 if problem is None else in_a_row + 1
        if not was:
            assert (freeze is not None and freeze.is_frozen) is (in_a_row >= policy.symbol_freeze_threshold)


@given(reads, policies)
def test_what_froze_thaws_by_a_good_price_after_its_cool_down_and_by_nothing_else(
    problems: list[NoPrice | None], policy: Policy
) -> None:
    freeze = None
    for number, problem in enumerate(problems):
        before, at = freeze, NOW + number * HOUR
        freeze = judge(before, problem, at, policy)
        if before is not None and before.is_frozen and freeze is None:
            assert (before.state, problem) == (FreezeState.FROZEN, None)
            assert before.thaws_at is not None
            assert at >= before.thaws_at


def judge_all(*known: Freeze, held: dict[str, NoPrice | None], others: dict[str, NoPrice | None]) -> dict[str, object]:
    by_symbol = {freeze.symbol: freeze for freeze in known}
    return dict(
        judge_prices(by_symbol, account="platform", held=held, others=others, policy=POLICY, now=NOW + 48 * HOUR)
    )


def test_only_what_changes_is_returned() -> None:
    changes = judge_all(
        a_freeze("A/USD"),
        a_freeze("B/USD", FreezeState.COUNTING, failures=2),
        a_freeze("C/USD", FreezeState.REVIEW, cause=FreezeCause.BY_HAND),
        held={"B/USD": GOOD, "BTC/USD": GOOD, "D/USD": GONE},
        others={"A/USD": GOOD, "C/USD": GOOD},
    )

    assert set(changes) == {"A/USD", "B/USD", "D/USD"}
    assert (changes["A/USD"], changes["B/USD"]) == (None, None)


def test_what_is_held_no_more_gathers_no_failures_and_is_forgotten_at_a_good_price() -> None:
    counted = a_freeze("B/USD", FreezeState.COUNTING, failures=2)

    assert judge_all(counted, held={}, others={"B/USD": GONE}) == {}
    assert judge_all(counted, held={}, others={"B/USD": GOOD}) == {"B/USD": None}
