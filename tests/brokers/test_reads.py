"""The one retry layer: what is asked again, after how long, and what never is."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import ccxt.async_support as ccxt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers import reads
from brokers.reads import delay, read
from brokers.simulator.handle import RunningVenue
from models.errors import NotAsked, SignAgain, VenueRefused, VenueUnavailable
from tests.brokers.at_venue import reach
from tests.builders import NOW, a_policy


class PatientClock:
    """A clock on which every wait is over at once, and kept."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def now(self) -> datetime:
        return NOW + self.elapsed()

    def elapsed(self) -> timedelta:
        return timedelta(seconds=sum(self.waited))

    async def sleep(self, span: timedelta) -> None:
        self.waited.append(span.total_seconds())


class Told:
    """A venue that tells one thing after another, an error among them or not; the last one for ever."""

    def __init__(self, *answers: Exception | str) -> None:
        self.answers = answers
        self.asked = 0

    async def __call__(self) -> str:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


async def ask(
    venue: Told, *, attempts: int = 3, before_signing_again: Callable[[], Awaitable[None]] | None = None
) -> tuple[str | Exception, list[float]]:
    """Read once; return what came of it, and the waits."""
    clock = PatientClock()
    policy = a_policy(balance_fetch_max_attempts=attempts)
    again = before_signing_again
    try:
        told: str | Exception = await read(
            "kraken", "balance", venue, policy=policy, clock=clock, before_signing_again=again
        )
    except (VenueUnavailable, VenueRefused) as error:
        told = error
    return told, clock.waited


# F2
async def test_the_waits_double_up_to_half_a_minute_each_a_little_longer_by_its_own_draw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reads, "_random", random.Random(7))  # noqa: S311 - a draw to be repeated
    drawn = random.Random(7)  # noqa: S311 - the same
    venue = Told(ccxt.NetworkError("down"))

    told, waited = await ask(venue, attempts=7)

    assert isinstance(told, VenueUnavailable)
    assert venue.asked == 7
    expected = [span * (1 + 0.3 * drawn.random()) for span in (2, 4, 8, 16, 30, 30)]
    assert waited == pytest.approx(expected, abs=1e-5)  # a timedelta holds microseconds
    assert len({wait / base for wait, base in zip(waited, (2, 4, 8, 16, 30, 30), strict=True)}) == 6


# F2
@given(
    base=st.floats(0, 86_400), failed=st.integers(1, 10), drawn=st.floats(0, 1, exclude_max=True, allow_subnormal=False)
)
def test_a_wait_is_never_shorter_than_its_base_and_at_most_three_tenths_longer(
    base: float, failed: int, drawn: float
) -> None:
    plain = min(base * 2 ** (failed - 1), 30)

    assert plain <= delay(base, failed, drawn) <= plain * 1.3


async def test_a_read_that_works_at_the_second_try_waits_once() -> None:
    venue = Told(ccxt.RequestTimeout("late"), "1000")

    told, waited = await ask(venue)

    assert (told, venue.asked, len(waited)) == ("1000", 2, 1)


@pytest.mark.parametrize("attempts", [1, 2, 10])
async def test_a_read_is_tried_as_often_as_the_policy_says(attempts: int) -> None:
    venue = Told(ccxt.ExchangeNotAvailable("down"))

    told, waited = await ask(venue, attempts=attempts)

    assert isinstance(told, VenueUnavailable)
    assert (venue.asked, len(waited)) == (attempts, attempts - 1)


async def test_a_nonce_or_an_hour_that_was_wrong_is_put_right_before_it_is_signed_again() -> None:
    happened: list[str] = []
    venue = Told(ccxt.InvalidNonce("EAPI:Invalid nonce"), "1000")

    async def measure() -> None:
        happened.append(f"measured after {venue.asked}")

    told, _ = await ask(venue, before_signing_again=measure)

    assert (told, venue.asked, happened) == ("1000", 2, ["measured after 1"])


async def test_a_nonce_that_stays_wrong_is_told_as_what_it_is() -> None:
    told, waited = await ask(Told(ccxt.InvalidNonce("EAPI:Invalid nonce")))

    assert isinstance(told, SignAgain)
    assert len(waited) == 2


# F2
@pytest.mark.wire
@pytest.mark.parametrize("code", ["EOrder:Insufficient funds", "EQuery:Unknown asset pair"])
async def test_three_refusals_change_nothing_and_are_not_asked_again(kraken: RunningVenue, code: str) -> None:
    before = kraken.calls("balance")
    async with reach(kraken, policy=a_policy(balance_fetch_base_delay=60)) as at:
        kraken.set_faults({"operation": "balance", "fault": "error", "code": code, "times": 3})
        for _ in range(3):
            with pytest.raises(VenueRefused):
                await at.account.holdings()
        held = await at.account.holdings()

    assert held
    assert kraken.calls("balance") - before == 4


async def test_what_a_guard_of_ours_kept_back_is_not_asked_again() -> None:
    kept_back = NotAsked("BREAKER_OPEN", "kraken", "balance", "5 calls failed", datetime(2026, 3, 2, 13, tzinfo=UTC))
    venue = Told(kept_back)

    told, waited = await ask(venue)

    assert told is kept_back
    assert (venue.asked, waited) == (1, [])


async def test_a_fault_of_our_own_is_neither_retried_nor_hidden() -> None:
    venue = Told(RuntimeError("ours"))

    with pytest.raises(RuntimeError, match="ours"):
        await ask(venue)

    assert venue.asked == 1
