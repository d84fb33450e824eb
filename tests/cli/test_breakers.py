"""`nija breakers`: what a person and a script see of the ways to the venues, and closing one by hand."""

import asyncio

import pytest

from models.breaker import Breaker, BreakerKey, BreakerLimits, CallResult, Direction
from models.store.breakers import change
from models.store.decisions import Decision, decisions
from models.store.engine import Store
from rules.breaker import new_breaker, told
from tests.cli.command import Nija

pytestmark = pytest.mark.wire

KRAKEN = BreakerKey("kraken", "", "*", Direction.READ)
OLD_STATUS = {
    "venue",
    "health_state",
    "circuit_state",
    "failure_count",
    "total_calls",
    "total_failures",
    "failure_rate",
    "last_success",
    "last_failure",
    "state_uptime_seconds",
    "trading_allowed",
}


def open_breaker(nija: Nija) -> None:
    def fail(breaker: Breaker | None, now: float) -> tuple[Breaker, None]:
        limits = BreakerLimits(failure_threshold=1, recovery_seconds=3600, success_threshold=2)
        return told(breaker or new_breaker(now), CallResult.FAULT, now=now, limits=limits, code="TIMEOUT"), None

    async def run() -> None:
        async with await Store.open(f"sqlite:///{nija.home / 'nija.db'}") as store:
            await change(store, KRAKEN, fail)

    asyncio.run(run())


def test_a_breaker_is_shown_and_closed_by_hand_and_the_store_remembers_who_and_why(offline: Nija) -> None:
    none = offline("breakers", "list")
    open_breaker(offline)

    listed, shown = offline("breakers", "list", "--json"), offline("breakers", "list")
    closed = offline("breakers", "reset", "--venue", "kraken", "--direction", "read", "--reason", " it is back ")
    after = offline("breakers", "list", "--json")

    assert (none.code, none.out.strip()) == (0, "no venue was asked anything yet")
    (way,) = listed.report["breakers"]
    assert way.keys() >= OLD_STATUS
    assert (way["health_state"], way["circuit_state"], way["trading_allowed"]) == ("offline", "open", False)
    assert "offline" in shown.out
    assert (closed.code, closed.out.strip()) == (0, "kraken read: 1 breakers reset")
    (way,) = after.report["breakers"]
    assert (way["health_state"], way["failure_count"], way["total_failures"]) == ("healthy", 0, 1)

    async def look() -> tuple[Decision, ...]:
        async with await Store.open(f"sqlite:///{offline.home / 'nija.db'}") as store:
            return await decisions(store)

    (decision,) = asyncio.run(look())
    assert (decision.account, decision.what, decision.reason) == ("*", "reset breakers of kraken read", "it is back")
    assert decision.by


def test_what_cannot_be_reset_is_one_line(offline: Nija) -> None:
    open_breaker(offline)
    cases = {
        ("--venue", "kraken", "--reason", " "): "CONFIG_ERROR --reason: is empty",
        ("--venue", "binance", "--reason", "x"): "CONFIG_ERROR --venue: no breaker of binance",
        ("--venue", "kraken", "--account", "alice", "--reason", "x"): "CONFIG_ERROR --venue: no breaker of kraken",
    }

    ran = {arguments: offline("breakers", "reset", *arguments) for arguments in cases}

    assert {(r.code, r.out) for r in ran.values()} == {(1, "")}
    assert all(ran[arguments].complaint.startswith(complaint) for arguments, complaint in cases.items())
