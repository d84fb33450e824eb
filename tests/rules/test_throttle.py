"""Who goes first, how much may be leased, and that a venue never counts more than it allows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.throttle import Level
from rules.throttle import (
    LATE_SECONDS,
    LONGEST_BAN_SECONDS,
    RESERVE,
    Counter,
    Limit,
    Priority,
    Window,
    backoff,
    close,
    due,
    give_back,
    lease_seconds,
    price,
    take,
    used,
)

KRAKEN = Counter(15, 0.33)
SECOND = Window(10, 1)


def taken(level: Level, limit: Limit, now: float, units: float, *, is_emergency: bool = False) -> tuple[Level, float]:
    """Lease exactly so much, or nothing."""
    level, grant = take(level, limit, now, least=units, wanted=units, is_emergency=is_emergency)
    return level, grant.units


def test_what_is_urgent_goes_first_and_equals_in_the_order_they_came() -> None:
    queued = [(10, "a"), (5, "b"), (1, "c"), (5, "d"), (1, "e")]

    served = sorted(range(5), key=lambda n: (due(queued[n][0], n / 1000), n))

    assert [queued[n] for n in served] == [(1, "c"), (1, "e"), (5, "b"), (5, "d"), (10, "a")]


@given(st.lists(st.tuples(st.sampled_from(Priority), st.floats(0, 1000)), min_size=2))
def test_nothing_is_overtaken_by_what_came_ten_seconds_later(callers: list[tuple[Priority, float]]) -> None:
    served = sorted(callers, key=lambda caller: due(*caller))

    for earlier, later in pairwise(served):
        assert earlier[1] < later[1] + 10


def test_the_last_fifth_is_kept_for_emergencies() -> None:
    level, units = taken(Level(), KRAKEN, 0, 12)

    assert units == 12
    assert taken(level, KRAKEN, 0, 1)[1] == 0
    assert taken(level, KRAKEN, 0, 3, is_emergency=True)[1] == 3
    assert taken(level, KRAKEN, 0, 3.5, is_emergency=True)[1] == 0


def test_a_counter_frees_with_time_and_says_when() -> None:
    level, _ = taken(Level(), KRAKEN, 0, 12)

    _, grant = take(level, KRAKEN, 0, least=1, wanted=1, is_emergency=False)

    assert round(grant.wait, 2) == 3.03
    assert taken(level, KRAKEN, grant.wait, 1)[1] == 1


def test_a_window_counts_a_lease_until_its_last_call_has_left_the_venue_s_own() -> None:
    level, _ = taken(Level(), SECOND, 0.5, 8)

    _, grant = take(level, SECOND, 0.6, least=1, wanted=1, is_emergency=False)

    assert 0.5 + SECOND.seconds + lease_seconds(SECOND) + LATE_SECONDS <= 0.6 + grant.wait < 2.2
    assert taken(level, SECOND, 0.6 + grant.wait, 8)[1] == 8


def test_a_lease_is_a_quarter_at_most_unless_one_call_costs_more() -> None:
    assert take(Level(), Window(6000, 60), 0, least=20, wanted=5000, is_emergency=False)[1].units == 1500
    assert take(Level(), Window(6000, 60), 0, least=2000, wanted=5000, is_emergency=False)[1].units == 2000


def test_a_call_that_costs_more_than_there_ever_is_takes_all_there_is() -> None:
    assert price(KRAKEN, 99, is_emergency=True) == 15
    assert taken(Level(), KRAKEN, 0, price(KRAKEN, 99, is_emergency=False))[1] == 15 * (1 - RESERVE)


def test_what_costs_nothing_waits_for_nothing_but_a_closed_allowance() -> None:
    full, _ = taken(Level(), KRAKEN, 0, 15, is_emergency=True)

    assert take(full, KRAKEN, 0, least=0, wanted=0, is_emergency=False)[1].wait == 0
    _, grant = take(close(full, 0, 7, "HTTP 429"), KRAKEN, 2, least=0, wanted=0, is_emergency=True)
    assert (grant.wait, grant.closed_for) == (5, "HTTP 429")


def test_a_closed_allowance_is_closed_for_the_longest_that_was_said() -> None:
    level = close(close(Level(), 0, 60, "first"), 1, 5, "second")

    assert (level.closed_until, level.closed_for) == (60, "first")
    assert close(Level(), 0, 1e12, "never").closed_until == LONGEST_BAN_SECONDS


def test_a_venue_that_does_not_say_is_left_alone_for_longer_each_time() -> None:
    assert [backoff(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_is_given_back_can_be_leased_again() -> None:
    for limit in (KRAKEN, SECOND):
        level, grant = take(Level(), limit, 0, least=8, wanted=8, is_emergency=False)
        level = give_back(level, limit, 0, 5, grant.counts_until)

        assert used(level, limit, 0) == 3


Lease = tuple[float, float, float, float, bool]
leases = st.lists(
    st.tuples(
        st.floats(0, 1.5),  # after the lease before it
        st.floats(0.1, 12),  # units
        st.floats(0, 1),  # when within its life it is spent
        st.floats(0, 1),  # the share of it that is spent; the rest is given back at its end
        st.booleans(),
    ),
    max_size=40,
)


def spent(limit: Limit, asked: list[Lease]) -> list[tuple[float, float]]:
    """Return what leases like these let through: when, and how much."""
    level, now, calls, back = Level(), 100.0, [], []
    for after, units, when, share, is_emergency in asked:
        now += after
        for at, rest, until in [b for b in back if b[0] <= now]:
            level = give_back(level, limit, at, rest, until)
            back.remove((at, rest, until))
        level, grant = take(level, limit, now, least=units, wanted=units, is_emergency=is_emergency)
        if grant.units:
            calls.append((now + when * lease_seconds(limit), grant.units * share))
            back.append((now + lease_seconds(limit), grant.units * (1 - share), grant.counts_until))
    return sorted(calls)


@given(leases)
def test_no_span_of_a_window_ever_holds_more_than_the_venue_allows(asked: list[Lease]) -> None:
    calls = spent(SECOND, asked)

    for start, _ in calls:
        assert sum(n for at, n in calls if start <= at < start + SECOND.seconds) <= SECOND.capacity + 1e-6


@given(leases)
def test_a_venue_s_counter_never_stands_higher_than_a_lease_s_life_explains(asked: list[Lease]) -> None:
    level = at = 0.0
    for now, units in spent(KRAKEN, asked):
        level, at = max(0.0, level - (now - at) * KRAKEN.per_second) + units, now

        assert level <= KRAKEN.capacity + 2 * lease_seconds(KRAKEN) * KRAKEN.per_second + 1e-6
