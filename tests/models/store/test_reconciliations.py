"""What a comparison left standing is kept, replaced by the next, and accepted by a person."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from models.adoption import Entry, EntrySource, PositionSource
from models.position import Tracked
from models.reasons import Mode
from models.reconciliation import Difference, Finding
from models.store.decisions import decisions
from models.store.engine import Store
from models.store.reconciliations import (
    accept_mismatches,
    reconciliation_of,
    reconciliations,
    save_reconciliation,
    standing_mismatches,
)
from models.store.tracked import keep_entries, save_snapshot, tracked_positions
from rules.adoption import adopt
from tests.builders import NOW, a_position, a_snapshot

EQUITY = Difference(Finding.EQUITY, "", Decimal("100.10"), Decimal(90), value=Decimal("10.10"), detail="why")
QUANTITY = Difference(Finding.QUANTITY, "SOL/USD", Decimal(5), Decimal(2))


async def save(store: Store, *standing: Difference, account: str = "platform") -> None:
    await save_reconciliation(store, account, standing, mode=Mode.PLAN, policy_version="1", now=NOW)


async def test_what_stands_is_read_back_as_it_was_and_the_next_comparison_replaces_it(store: Store) -> None:
    await save(store, EQUITY, QUANTITY)
    await save(store, EQUITY, account="other")
    kept = await reconciliation_of(store, "platform")
    await save(store)

    assert kept is not None
    assert (kept.at, kept.standing) == (NOW, (EQUITY, QUANTITY))
    assert {name: found.mismatches for name, found in (await reconciliations(store)).items()} == {
        "other": (EQUITY,),
        "platform": (),
    }
    assert await reconciliation_of(store, "nobody") is None


async def test_what_a_person_accepts_stops_nothing_and_is_recorded(store: Store) -> None:
    await save(store, EQUITY, QUANTITY)

    accepted = [await accept_mismatches(store, "platform", by="ann", reason="fine", now=NOW) for _ in range(2)]

    kept = await reconciliation_of(store, "platform")
    assert accepted == [2, 0]
    assert await standing_mismatches(store, "platform") == ()
    assert kept is not None
    assert kept.standing == (replace(EQUITY, accepted=True), replace(QUANTITY, accepted=True))
    (decision,) = await decisions(store)
    assert (decision.by, decision.reason, decision.what) == (
        "ann",
        "fine",
        "accept 2 mismatches: equity, quantity SOL/USD",
    )


async def test_what_is_accepted_while_a_comparison_runs_stays_accepted(store: Store) -> None:
    await save(store, EQUITY)
    before = await reconciliation_of(store, "platform")
    await accept_mismatches(store, "platform", by="ann", reason="fine", now=NOW)

    await save_reconciliation(store, "platform", [EQUITY], before=before, mode=Mode.PLAN, policy_version="1", now=NOW)

    assert await standing_mismatches(store, "platform") == ()


async def test_an_entry_that_was_found_while_another_run_looked_is_not_lost(store: Store) -> None:
    snapshot = a_snapshot(a_position("ETH/USD", free=2), a_position("SOL/USD"))
    stale = adopt({}, snapshot, now=NOW)
    await keep(store, stale)
    entry = Entry(Decimal("1785.89673974"), EntrySource.FILLS, NOW - timedelta(days=9), PositionSource.NIJA_STRATEGY)
    unknown = Entry(None, None, None, PositionSource.BROKER_EXISTING)

    await keep_entries(store, "platform", {"ETH/USD": entry, "SOL/USD": unknown})
    await keep(store, stale)

    kept = await tracked_positions(store, "platform")
    eth, sol = kept["ETH/USD"], kept["SOL/USD"]
    assert Entry(eth.entry_price, eth.entry_source, eth.entry_at, eth.source or unknown.source) == entry
    assert (sol.entry_price, sol.entry_source, sol.source) == (None, None, PositionSource.BROKER_EXISTING)


async def keep(store: Store, tracked: dict[str, Tracked]) -> None:
    snapshot = a_snapshot(*(a_position(symbol) for symbol in tracked))
    await save_snapshot(store, snapshot, tracked, run_id="run", cycle=1, mode=Mode.PLAN, policy_version="1")
