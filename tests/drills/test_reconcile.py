"""An account's books are held to its venue: what contradicts them stops entries, what an owner did is only told."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from brokers.simulator.handle import RunningVenue
from flows.over_accounts import AccountsRequest
from flows.reconcile import reconcile_fleet
from models.reasons import Block
from models.reconcile_report import ReconciledAccount
from models.reconciliation import Finding
from models.store.alerts import alerts
from models.store.decisions import decisions
from models.store.reconciliations import accept_mismatches
from models.store.tables import ORDERS
from tests.drills.desk import Desk
from tests.drills.test_adoption import buy
from tests.drills.venues import each_venue_on_a_store

pytestmark = pytest.mark.wire


def reconcile(desk: Desk) -> ReconciledAccount:
    desk.write_fleet()
    (account,) = asyncio.run(reconcile_fleet(AccountsRequest(fleet=str(desk.fleet)))).accounts
    return account


def findings(account: ReconciledAccount) -> dict[Finding, str]:
    return {difference.finding: difference.symbol for difference in account.differences}


def says_equity(figure: str) -> dict[str, Any]:
    body = json.dumps({"error": [], "result": {"eb": figure}})
    return {"operation": "equity", "fault": "status", "status": 200, "body": body, "times": None}


def raised(desk: Desk) -> set[tuple[str, str]]:
    return {(a.alert.code, a.alert.symbol) for a in desk.in_store(alerts)}


def half_and_half(desk: Desk) -> RunningVenue:
    """Open a Kraken where 5,000 are cash and 5,000 are held."""
    return desk.opens(prices={"BTC": 50_000, "SOL": 100}, holds={"platform": {"BTC": "0.1"}}, cash=5000)


# E4
@pytest.mark.parametrize("reported", ["9910", "10090"])
def test_equity_within_one_percent_agrees(sqlite_desk: Desk, reported: str) -> None:
    half_and_half(sqlite_desk).set_faults(says_equity(reported))

    found = reconcile(sqlite_desk)

    assert (found.status, found.equity, found.equity_computed) == ("ok", "agrees", "10000.00")
    assert raised(sqlite_desk) == set()


# E4
def test_equity_beyond_one_percent_stops_entries_until_a_comparison_finds_none(desk: Desk) -> None:
    kraken = half_and_half(desk)
    assert reconcile(desk).status == "ok"
    kraken.set_faults(says_equity("9000"))
    tracked = desk.tracked()

    found = reconcile(desk)
    kraken.set_faults()
    blocked = desk.entry("SOL/USD")

    assert (found.status, found.equity, found.equity_reported) == ("mismatch", "mismatch", "9000.00")
    assert findings(found) == {Finding.EQUITY: ""}
    assert blocked.reasons == [Block.RECONCILIATION_FAILED]
    assert blocked.exits_allowed
    assert desk.tracked() == tracked  # a read whose worth is contradicted replaces nothing
    assert raised(desk) == {("RECONCILIATION_FAILED", "")}
    assert reconcile(desk).status == "ok"
    assert desk.entry("SOL/USD").allowed
    assert raised(desk) == set()


@each_venue_on_a_store
def test_every_venue_agrees_with_the_books_of_an_account_that_nobody_touched(desk: Desk, venue: str) -> None:
    desk.opens(venue, prices={"BTC": 50_000, "SOL": 100}, holds={"platform": {"BTC": "0.1", "SOL": 3}})

    reconcile(desk)
    buy(desk, desk.venues[0].world.markets[1].symbol, "2")
    found = reconcile(desk)

    assert (found.status, found.differences) == ("ok", [])
    assert found.compared_since is not None
    assert found.equity == ("not_comparable" if venue == "binance" else "agrees")


# E3, incident 13
def test_what_is_gone_is_closed_and_told_and_a_failed_read_changes_nothing(desk: Desk) -> None:
    holds = {"ONDO": "15.92884793", "RENDER": 2, "BTC": 1}
    kraken = desk.opens(prices=dict.fromkeys(holds, 100), holds={"platform": holds})
    desk.run(live=False)
    before = desk.tracked()
    kraken.set_balances("platform", ONDO=0, RENDER=0)
    kraken.set_faults({"operation": "balance", "fault": "empty_result", "times": None})

    failed = reconcile(desk)
    kept = desk.tracked()
    kraken.set_faults()
    found = reconcile(desk)

    assert (failed.status, failed.gone, kept) == ("failed", [], before)
    assert (found.status, found.gone, set(desk.tracked())) == ("ok", ["ONDO/USD", "RENDER/USD"], {"BTC/USD"})
    assert [(d.finding, d.expected, d.found) for d in found.differences] == [
        (Finding.MOVED_OUTSIDE, "15.92884793", "0"),
        (Finding.MOVED_OUTSIDE, "2", "0"),
    ]
    assert raised(desk) == {("MOVED_OUTSIDE", "ONDO/USD"), ("MOVED_OUTSIDE", "RENDER/USD")}
    assert desk.entry("BTC/USD").allowed


def test_what_somebody_else_traded_is_told_and_stops_nothing(sqlite_desk: Desk) -> None:
    kraken = half_and_half(sqlite_desk)
    reconcile(sqlite_desk)
    buy(sqlite_desk, "SOL/USD", "5")
    # The same account, by a program that our ledger knows nothing of.
    sqlite_desk.in_store(lambda store: store.execute(ORDERS.delete()))

    found = reconcile(sqlite_desk)

    assert (found.status, found.new) == ("ok", ["SOL/USD"])
    assert findings(found) == {Finding.TRADED_OUTSIDE: "SOL/USD"}
    assert len(kraken.orders("platform")) == 1


# incidents 2, 12
def test_where_our_own_fills_do_not_explain_what_is_held_entries_stop_until_a_person_accepts(desk: Desk) -> None:
    kraken = half_and_half(desk)
    reconcile(desk)
    buy(desk, "SOL/USD", "5")
    kraken.set_balances("platform", SOL=3)  # less would count as a balance that lags behind its fills

    found, again = reconcile(desk), reconcile(desk)

    assert (found.status, again.status) == ("mismatch", "mismatch")  # what was read once does not make it right
    assert [(d.symbol, d.expected, d.found) for d in again.differences] == [("SOL/USD", "5", "3")]
    assert desk.entry("SOL/USD").reasons == [Block.RECONCILIATION_FAILED]
    now = datetime.now(UTC)
    count = desk.in_store(lambda s: accept_mismatches(s, "platform", by="ann", reason="I moved it", now=now))
    assert count == 1
    assert desk.entry("SOL/USD").allowed
    assert reconcile(desk).status == "ok"
    (decision,) = desk.in_store(decisions)
    assert (decision.by, decision.reason) == ("ann", "I moved it")


def test_an_accepted_difference_stands_as_long_as_it_is_what_it_was(sqlite_desk: Desk) -> None:
    kraken = half_and_half(sqlite_desk)
    kraken.set_faults(says_equity("9000"))
    reconcile(sqlite_desk)
    now = datetime.now(UTC)
    sqlite_desk.in_store(lambda s: accept_mismatches(s, "platform", by="ann", reason="it is lent", now=now))

    same = reconcile(sqlite_desk)
    kraken.set_faults(says_equity("8000"))
    other = reconcile(sqlite_desk)

    assert (same.status, [d.accepted for d in same.differences]) == ("ok", [True])
    assert (other.status, [d.accepted for d in other.differences]) == ("mismatch", [False])


def test_orders_are_compared_with_what_rests_at_the_venue(desk: Desk) -> None:
    kraken = half_and_half(desk)
    kraken.set_fills("never")
    buy(desk, "SOL/USD", "1")  # its time is over, and nobody filled it: it is canceled
    reconcile(desk)

    def age(**values: Any) -> None:
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        desk.in_store(lambda s: s.execute(update(ORDERS).values(created_at=long_ago, **values)))

    age(state="unknown")
    lost = reconcile(desk)
    asyncio.run(_places_by_hand(kraken))
    (resting,) = [o for o in kraken.orders("platform") if o.is_open]
    foreign = reconcile(desk)
    age(state="canceled", venue_order_id=resting.id)
    still = reconcile(desk)

    assert findings(lost) == {Finding.ORDER_LOST: "SOL/USD"}
    assert lost.status == "mismatch"
    assert findings(foreign) == {Finding.ORDER_LOST: "SOL/USD", Finding.FOREIGN_ORDER: "SOL/USD"}
    assert (still.status, findings(still)) == ("mismatch", {Finding.ORDER_STILL_OPEN: "SOL/USD"})


async def _places_by_hand(venue: RunningVenue) -> None:
    from tests.brokers.simulator.clients import connected  # noqa: PLC0415 - the venue's own client, as a person has one

    async with connected(venue) as client:
        await client.create_order("SOL/USD", "limit", "buy", 1, 10)


def test_the_books_of_an_account_that_sells_agree_after_every_run(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
    desk.opens(prices={"BTC": 50_000, "SOL": 100}, holds={"platform": {"BTC": "0.1", "SOL": 3}})
    reconcile(desk)
    assert desk.run().positions_after == 1

    found = reconcile(desk)

    assert (found.status, found.differences) == ("ok", [])
    assert Decimal(str(found.equity_computed)) > 0
