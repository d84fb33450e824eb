"""`nija orders`: what it prints, what it asks, its exit codes; what it does at a venue is in the drills."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.ledger import Ledger
from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Status
from models.order import Intent
from models.reasons import OrderState
from models.store.engine import Store
from models.store.leases import Holder, hold
from tests.brokers.simulator.clients import connected
from tests.builders import NOW, a_fill, a_venue_order, an_intent
from tests.cli.command import Nija
from tests.cli.test_normalize import (
    Is,
    check_fields,
    is_amount,
    is_any,
    is_count,
    is_instant,
    is_symbol,
    is_text,
    list_of,
    maybe,
    one_of,
)

pytestmark = pytest.mark.wire

FILLED, OPEN = "abcdef0" + "1" * 25, "abcdef1" + "2" * 25

ORDER: dict[str, Is] = {
    "client_order_id": is_text,
    "venue_order_id": maybe(is_text),
    "account": is_text,
    "symbol": is_symbol,
    "side": one_of("buy sell"),
    "quantity": is_amount,
    "state": is_text,
    "outcome": is_text,
    "filled": is_amount,
    "expected_price": is_amount,
    "average_price": maybe(is_amount),
    "slippage_bps": maybe(is_amount),
    "fee_quote": maybe(is_amount),
    "verification": list_of(is_text),
    "timed_out": lambda value: isinstance(value, bool),
    "created_at": is_instant,
    "sent_at": maybe(is_instant),
    "timed_out_at": maybe(is_instant),
    "ended_at": maybe(is_instant),
}
DETAILS: dict[str, Is] = ORDER | {"run_id": is_text, "plan_id": is_text, "fills": list_of(is_any)}
COUNTS = "orders filled partial canceled rejected unknown timeouts verified partial_fills failed_fills slippage_high"
SUMS: dict[str, Is] = dict.fromkeys(COUNTS.split(), is_count) | {
    "mean_slippage_bps": maybe(is_amount),
    "worst_slippage_bps": maybe(is_amount),
    "median_seconds": lambda value: value is None or isinstance(value, float),
}


def with_a_history(nija: Nija) -> None:
    """Give the machine a ledger: 40 of 100 ETH sold two percent too low, and a BTC order that is on its way."""

    async def write() -> None:
        async with await Store.open(f"sqlite:///{nija.home / 'nija.db'}") as store:
            ledger = Ledger(store)
            with Holder(nija.home) as holder:
                for intent in (
                    an_intent("ETH/USD", client_order_id=FILLED, expected_price=10),
                    an_intent("BTC/USD", client_order_id=OPEN),
                ):
                    await _send(store, ledger, holder, intent)
            (sold,) = (await ledger.by_id([FILLED])).values()
            found = a_venue_order(OrderState.CANCELED, symbol="ETH/USD", filled=40, average_price="9.8")
            found = replace(found, fills=(a_fill(40, "9.8", trade_id="T7", fee="0.3"),))
            await ledger.timed_out(FILLED, NOW)
            await ledger.seen(sold, found, Decimal("0.3"), NOW)

    asyncio.run(write())


async def _send(store: Store, ledger: Ledger, holder: Holder, intent: Intent) -> None:
    async with hold(store, intent.account, holder) as lease:
        await ledger.commit(lease, [intent], NOW)
        await ledger.about_to_send(lease, intent.client_order_id, NOW)


def others_offer(venue: RunningVenue) -> None:
    """Let an order rest that Nija did not place."""

    async def offer() -> None:
        async with connected(venue) as client:
            await client.create_order("SOL/USD", "limit", "sell", 1, 900)

    asyncio.run(offer())


def test_a_ledger_is_read_without_a_fleet_a_venue_or_prefect(offline: Nija) -> None:
    with_a_history(offline)

    listed = offline("orders", "list", "--json")
    shown = offline("orders", "show", FILLED[:7], "--json")
    told = offline("orders", "show", FILLED[:7])
    counted = offline("orders", "stats", "--account", "platform", "--json")

    assert {r.code for r in (listed, shown, told, counted)} == {0}
    for order in listed.report["orders"]:
        check_fields(order, ORDER)
    assert ([o["client_order_id"] for o in listed.report["orders"]], listed.report["resting"]) == ([FILLED, OPEN], None)
    check_fields(shown.report, DETAILS)
    assert (shown.report["slippage_bps"], shown.report["timed_out"]) == ("200", True)
    assert shown.report["verification"] == ["PARTIAL_FILL", "SLIPPAGE_HIGH"]
    assert [(f["trade_id"], f["quantity"], f["fee"]) for f in shown.report["fills"]] == [("T7", "40", "0.3")]
    assert all(word in told.out for word in ("PARTIAL_FILL, SLIPPAGE_HIGH", "200 bps", "0.3 USD", "T7"))
    check_fields(counted.report["total"], SUMS)
    (platform,) = counted.report["accounts"]
    assert (platform["account"], platform["orders"], platform["partial"], platform["unknown"]) == ("platform", 2, 1, 1)
    assert (platform["timeouts"], platform["worst_slippage_bps"]) == (1, "200")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "abcdef"], "CONFIG_ERROR ID: 'abcdef' means 2 orders (allowed: abcdef0"),
        (["cancel", "abc", "--yes"], "CONFIG_ERROR ID: no order of ours has the id 'abc'; the beginning of an id"),
        (["stats", "--account", "nobody"], "CONFIG_ERROR --account: 'nobody' is not in fleet.yaml (allowed: platform)"),
        (["list", "--since", "yesterday"], "CONFIG_ERROR --since: 'yesterday' is no date (allowed: a day as"),
    ],
)
def test_what_names_no_order_account_or_day_is_one_line(offline: Nija, arguments: list[str], words: str) -> None:
    offline.writes_fleet("version: 1\naccounts: [{id: platform, kind: platform, venue: kraken}]\n")
    with_a_history(offline)

    ran = offline("orders", *arguments)

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(words)


def test_what_rests_is_seen_asked_about_and_canceled(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform")
    others_offer(kraken)

    seen = offline("orders", "list", "--venue")
    unasked = offline("orders", "cancel-all", "--account", "platform")
    refused = offline.at_terminal("orders", "cancel-all", "--account", "platform", answer="n", prompt="[y/N]")
    (rests,) = kraken.orders("platform")
    agreed = offline.at_terminal("orders", "cancel", rests.id, "--account", "platform", answer="y", prompt="[y/N]")
    nothing = offline("orders", "cancel-all", "--account", "platform", "--yes", "--json")

    assert (seen.code, "not ours" in seen.out, rests.id in seen.out) == (0, True, True)
    assert (unasked.code, "--yes" in unasked.complaint) == (1, True)
    assert (refused.code, "sell 1 SOL/USD, not ours" in refused.err, "nothing was sent" in refused.err) == (
        2,
        True,
        True,
    )
    assert rests.status is Status.OPEN
    assert (agreed.code, "CANCELED" in agreed.out) == (0, True)
    assert kraken.orders("platform")[0].status is Status.CANCELED
    assert (nothing.code, nothing.report) == (0, {"account": "platform", "orders": [], "left": 0, "errors": []})
