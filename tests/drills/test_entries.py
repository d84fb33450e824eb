"""Entries against the cap: two who ask at once, in one process and in two."""

import asyncio
import json
import os
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any

import pytest

from brokers.ledger import Ledger
from models.reasons import Block
from models.report import EntryReport
from models.store.leases import hold
from tasks.runtime import Runtime
from tests.builders import an_intent
from tests.drills.desk import Desk
from tests.forked import Forked, nija

pytestmark = pytest.mark.wire

PRICES = {"BTC": 50_000, "ETH": 2_500, "SOL": 100, "ADA": 1}
HELD = {"platform": {"BTC": 1, "ETH": 1}}


# B5
def test_of_two_entries_racing_for_one_slot_exactly_one_is_allowed(desk: Desk) -> None:
    desk.policy["max_positions"] = 3
    desk.opens(prices=PRICES, holds=HELD, latency_ms=20)

    async def race(runtime: Runtime) -> list[EntryReport]:
        return await asyncio.gather(*(desk.entry_at(runtime, symbol) for symbol in ("SOL/USD", "ADA/USD")))

    reports = desk.at_runtime(race)

    assert sorted(report.allowed for report in reports) == [False, True]
    assert [report.reasons for report in reports if not report.allowed] == [[Block.CAP_REACHED]]


# B5
def test_of_two_processes_racing_for_one_slot_exactly_one_is_allowed(desk: Desk) -> None:
    desk.policy["max_positions"] = 3
    desk.opens(prices=PRICES, holds=HELD)
    desk.write_fleet()

    with ExitStack() as stack:
        said = [stack.enter_context(TemporaryFile("w+")) for _ in range(2)]
        racing = [asking(desk, symbol, out) for symbol, out in zip(("SOL/USD", "ADA/USD"), said, strict=True)]
        exit_codes = [process.join(60) for process in racing]
        answers = [_read(out) for out in said]

    assert sorted(exit_codes) == [0, 2]
    refused = [answer for answer in answers if not answer["allowed"]]
    assert [answer["reasons"] for answer in refused] == [["cap_reached"]]


# B5
def test_two_accounts_of_one_owner_cannot_both_take_the_last_slot(desk: Desk) -> None:
    desk.policy["max_positions"] = 2
    desk.worth({"BTC": 1000}, owner="ann")
    desk.opens("binance", prices={"BNB": 400}, holds={"second": {}}, owner="ann")

    async def race(runtime: Runtime) -> list[EntryReport]:
        return await asyncio.gather(
            desk.entry_at(runtime, "BNB/USDT", account="second"),
            desk.entry_at(runtime, "SOL/USD", account="platform"),
            desk.entry_at(runtime, "BNB/USDT", account="second"),
        )

    assert sum(report.allowed for report in desk.at_runtime(race)) == 1


def test_what_an_account_of_the_owner_is_still_buying_takes_its_slot(desk: Desk) -> None:
    desk.policy["max_positions"] = 2
    desk.opens(prices={"BTC": 1000, "SOL": 10}, holds={"platform": {"BTC": 1}}, owner="ann")
    desk.opens("binance", prices={"BNB": 400}, holds={"second": {}}, owner="ann")
    bought = replace(an_intent("BNB/USDT", side="buy", account="second"), holding_before=Decimal(0))

    async def asked_while_it_is_unknown(runtime: Runtime) -> EntryReport:
        async with hold(runtime.store, "second", runtime.holder) as lease:
            ledger, now = Ledger(runtime.store), runtime.clock.now()
            await ledger.commit(lease, [bought], now)
            await ledger.about_to_send(lease, bought.client_order_id, now)
        return await desk.entry_at(runtime, "SOL/USD", account="platform")

    assert desk.at_runtime(asked_while_it_is_unknown).reasons == [Block.CAP_REACHED]


def asking(desk: Desk, symbol: str, out: IO[str]) -> Forked:
    """Start the command that asks, in a process of its own."""
    asked = ("entry-check", "--account", "platform", "--symbol", symbol, "--usd", "20", "--json")
    return nija(asked, env=os.environ, cwd=desk.fleet.parent, streams=(out, out))


def _read(out: IO[str]) -> dict[str, Any]:
    out.seek(0)
    return dict(json.load(out))
