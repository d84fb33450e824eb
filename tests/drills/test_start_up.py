"""A start-up of an account with many alike matters: one row to read, every one of them in the document."""

import asyncio

import pytest

from cli.console import out
from cli.watch import show_start_up
from flows.over_accounts import AccountsRequest
from flows.start_up import start_up_fleet
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire


def test_forty_positions_without_an_entry_are_one_row_an_account_and_forty_in_the_document(desk: Desk) -> None:
    desk.policy["max_positions"] = 40
    assets = [f"C{n:02}" for n in range(20)]
    held = dict.fromkeys(assets, 1)
    kraken = desk.opens(prices=dict.fromkeys(assets, 100), holds={"alice": held, "bob": held})
    desk.write_fleet()

    report = asyncio.run(start_up_fleet(AccountsRequest(fleet=str(desk.fleet))))
    with out.capture() as shown:
        show_start_up(report)

    assert [m.code for m in report.matters] == ["ENTRY_UNKNOWN"] * 40
    assert {m.symbol for m in report.matters} == {f"{asset}/USD" for asset in assets}
    assert shown.get().count("ENTRY_UNKNOWN") == 2
    assert shown.get().count("20: C00/USD, C01/USD") == 2
    assert kraken.calls("place") == 0
