"""The throttle over the wire: venues that count their calls, and processes that share what they allow."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from brokers.account import AccountClient
from brokers.hub import Venues
from brokers.nonces import Turns
from brokers.simulator.calls import CallRecord
from brokers.simulator.handle import RunningVenue
from brokers.throttle import Throttle, is_on_this_machine, priority
from models.clock import SystemClock
from models.errors import NotAsked, SignAgain, StoreError, VenueRefused, VenueUnavailable
from models.store.engine import Store
from models.store.leases import Holder
from models.store.throttles import known_levels
from rules.throttle import Priority
from tests.brokers.at_venue import a_world, impatient, reach
from tests.brokers.test_errors import sale

pytestmark = pytest.mark.wire

PERMISSIONS_A_SECOND = 10  # Bybit's limit of that call, the smallest of a short window


@asynccontextmanager
async def a_process(store_url: str, home: Path, factor: float = 1, *, trusts: bool = False) -> AsyncIterator[Venues]:
    """Open venues and a throttle as a process of its own would."""
    clock = SystemClock()
    with Holder(home) as holder:
        async with await Store.open(store_url) as store:
            turns = Turns(store, holder, clock, 5, timedelta(0))
            async with Venues(
                clock, 5, turns, throttle=Throttle(store, clock, factor, trusts_this_machine=trusts)
            ) as venues:
                yield venues


@asynccontextmanager
async def an_account(
    venue: RunningVenue, store_url: str, home: Path, factor: float = 1, **policy: object
) -> AsyncIterator[AccountClient]:
    """Reach the platform's account from a process of its own."""
    async with (
        a_process(store_url, home, factor) as venues,
        reach(venue, venues=venues, policy=impatient(**{"balance_fetch_max_attempts": 1, **policy})) as at,
    ):
        yield at.account


def a_venue(name: str, **world: object) -> RunningVenue:
    return RunningVenue(a_world(name, {"platform": {"ETH": "5"}}, **world))


def private_calls(venue: RunningVenue) -> list[CallRecord]:
    return [call for call in venue.call_log() if call.account == "platform"]


async def urgent_as(wanted: Priority, call: object) -> None:
    with priority(wanted):
        await call()  # type: ignore[operator]


async def test_two_processes_together_stay_within_what_a_key_is_allowed(store_url: str, tmp_path: Path) -> None:
    with a_venue("bybit", rate_limits=True) as venue:
        async with an_account(venue, store_url, tmp_path) as one, an_account(venue, store_url, tmp_path) as other:
            await asyncio.gather(*(at.permissions() for at in (one, other) * 8))

        outcomes = [call.outcome for call in private_calls(venue)]
    assert len(outcomes) == 16 > PERMISSIONS_A_SECOND
    assert set(outcomes) == {"ok"}


async def test_an_emergency_does_not_wait_behind_the_history_of_another_process(
    sqlite_url: str, tmp_path: Path
) -> None:
    with a_venue("bybit", rate_limits=True) as venue:
        async with an_account(venue, sqlite_url, tmp_path) as one, an_account(venue, sqlite_url, tmp_path) as other:
            history = asyncio.gather(*(urgent_as(Priority.HISTORY, one.permissions) for _ in range(500)))
            while venue.calls("permissions") < PERMISSIONS_A_SECOND * 8 // 10:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

            await urgent_as(Priority.EMERGENCY, other.permissions)

            before = venue.calls("permissions")
            history.cancel()
            with suppress(asyncio.CancelledError):
                await history
    assert before <= PERMISSIONS_A_SECOND


async def test_a_refusal_closes_the_allowance_for_every_process_as_long_as_the_venue_says(
    store_url: str, tmp_path: Path
) -> None:
    with a_venue("binance") as venue:
        async with an_account(venue, store_url, tmp_path) as one:
            venue.set_faults({"operation": "balance", "fault": "rate_limited"})  # Retry-After: 1
            refused = asyncio.create_task(one.holdings())
            while not venue.applied_faults():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            async with an_account(venue, store_url, tmp_path) as other:
                await other.holdings()
            holdings = await refused

        first, *later = [call.time_ms for call in private_calls(venue)]
    assert {h.asset for h in holdings} == {"ETH"}  # it waited and was made again
    assert len(later) == 2
    assert all(at - first >= 1000 for at in later)


async def test_nothing_is_asked_while_a_ban_lasts_and_no_order_is_sent(sqlite_url: str, tmp_path: Path) -> None:
    until = int(time.time() + 3600) * 1000
    banned = f"Way too much request weight used; IP banned until {until}. Please use the websocket."
    with a_venue("binance") as venue:
        async with an_account(venue, sqlite_url, tmp_path) as at:
            venue.set_faults(
                {
                    "operation": "balance",
                    "fault": "error",
                    "code": -1003,
                    "message": banned,
                    "status": 418,
                    "times": None,
                }
            )
            with pytest.raises(NotAsked) as read:
                await at.holdings()
            with pytest.raises(NotAsked) as order:
                await at.place(sale(venue), datetime.now(UTC))
        asked = len(venue.call_log())
        with pytest.raises(VenueUnavailable) as later:  # a process that starts while the ban lasts
            async with an_account(venue, sqlite_url, tmp_path):
                pass

        assert len(venue.call_log()) == asked
        assert (venue.calls("balance"), venue.calls("place")) == (1, 0)
    assert {read.value.code, order.value.code, later.value.code} == {"RATE_LIMITED"}
    assert abs(read.value.until.timestamp() - until / 1000) < 2


async def test_a_call_that_is_refused_again_and_again_fails(sqlite_url: str, tmp_path: Path) -> None:
    over = f"Too many requests; IP banned until {int(time.time()) * 1000}."
    with a_venue("binance") as venue:
        async with an_account(venue, sqlite_url, tmp_path) as at:
            venue.set_faults({"operation": "balance", "fault": "error", "code": -1003, "message": over, "times": None})
            with pytest.raises(VenueUnavailable) as caught:
                await at.holdings()

        assert venue.calls("balance") == 4
    assert caught.value.code == "RATE_LIMITED"


async def test_an_order_that_the_venue_refused_for_its_rate_is_not_sent_again(sqlite_url: str, tmp_path: Path) -> None:
    with a_venue("binance") as venue:
        async with an_account(venue, sqlite_url, tmp_path) as at:
            venue.set_faults({"operation": "place", "fault": "error", "code": -1015})
            with pytest.raises(VenueRefused) as caught:
                await at.place(sale(venue), datetime.now(UTC))

        assert venue.calls("place") == 1
    assert caught.value.code == "RATE_LIMITED"


async def test_an_order_whose_time_is_over_before_its_turn_is_not_sent_and_may_be_stamped_again(
    sqlite_url: str, tmp_path: Path
) -> None:
    with a_venue("bybit") as venue:
        async with an_account(venue, sqlite_url, tmp_path, factor=0.05, order_deadline_seconds=2) as at:  # one a second
            await at.place(sale(venue), datetime.now(UTC))
            with pytest.raises(SignAgain) as caught:
                await at.place(sale(venue), datetime.now(UTC) - timedelta(seconds=1.8))
            late = venue.calls("place")

            await at.place(sale(venue), datetime.now(UTC))  # the wait is over

        assert (late, venue.calls("place")) == (1, 2)
    assert caught.value.code == "RATE_LIMITED"


async def test_without_a_store_an_order_goes_and_a_read_does_not(sqlite_url: str, tmp_path: Path) -> None:
    with a_venue("binance") as venue:
        async with an_account(venue, sqlite_url, tmp_path) as at:
            async with await Store.open(sqlite_url) as store, store.writing() as connection:
                await connection.execute(text("DROP TABLE throttles"))
            await asyncio.sleep(1.1)  # what is leased runs out

            await at.place(sale(venue), datetime.now(UTC))
            with pytest.raises(StoreError):
                await at.holdings()

        assert (venue.calls("place"), venue.calls("balance")) == (1, 0)


async def test_what_was_leased_and_not_spent_is_given_back_at_the_end(store_url: str, tmp_path: Path) -> None:
    with a_venue("binance") as venue:
        async with an_account(venue, store_url, tmp_path) as at:
            await at.holdings()
        async with await Store.open(store_url) as store:
            (weight,) = [known.level for known in await known_levels(store) if known.budget.endswith("|weight")]

    assert weight.used == 20 + 1 + 20  # the list of markets, the hour, the balance


async def test_the_hour_of_a_venue_is_measured_without_the_wait_for_its_allowance(
    sqlite_url: str, tmp_path: Path
) -> None:
    with a_venue("binance") as venue:
        async with an_account(venue, sqlite_url, tmp_path) as at:
            wait = f"Too many requests; IP banned until {int((time.time() + 2.5) * 1000)}."
            venue.set_faults({"operation": "time", "fault": "error", "code": -1003, "message": wait})

            await at.measure_clock()

            assert len(venue.applied_faults()) == 1
            assert abs(at.now() - datetime.now(UTC)) < timedelta(seconds=0.2)


async def test_a_venue_on_this_machine_is_taken_to_count_once_it_has_refused_a_call(
    sqlite_url: str, tmp_path: Path
) -> None:
    with a_venue("bybit", rate_limits=True) as venue:
        async with (
            a_process(sqlite_url, tmp_path, trusts=True) as venues,
            reach(venue, venues=venues, policy=impatient(balance_fetch_max_attempts=1)) as at,
        ):
            for _ in range(PERMISSIONS_A_SECOND * 2):
                await at.account.permissions()

        outcomes = [call.outcome for call in private_calls(venue)]
    assert outcomes[:PERMISSIONS_A_SECOND] == ["ok"] * PERMISSIONS_A_SECOND
    assert sum(outcome != "ok" for outcome in outcomes) == 1


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:9001", True),
        ("http://[::1]:9001", True),
        ("https://localhost", True),
        ("https://api.kraken.com", False),
        ("http://10.0.0.7:9001", False),
        ("", False),
    ],
)
def test_only_the_loopback_interface_is_this_machine(address: str, expected: bool) -> None:
    assert is_on_this_machine(address) is expected
