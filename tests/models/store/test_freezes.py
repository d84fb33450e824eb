"""Freezes and the blacklist in the store: kept across restarts, right under a race, and never without who and why."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from models.freeze import Freeze
from models.position import Tracked
from models.reasons import FreezeCause, FreezeState, Mode, NoPrice, Reason
from models.store.decisions import decisions
from models.store.dust import blacklist, clear_marks, mark, mark_by_hand, standing_marks
from models.store.engine import Store
from models.store.freezes import Changes, freeze_by_hand, freezes, judge_freezes, unfreeze
from models.store.tracked import save_snapshot
from rules.freeze import judge_prices
from tests.builders import NOW, a_mark, a_policy, a_snapshot

AUT = "AUT/USD"
HOUR = timedelta(hours=1)


async def read(store: Store, hours: int = 0, **prices: NoPrice | None) -> None:
    """Let a run read these prices of what the account holds."""
    held = {f"{asset}/USD": problem for asset, problem in prices.items()}
    at = NOW + hours * HOUR

    def judge(known: Mapping[str, Freeze]) -> Changes:
        return judge_prices(known, account="alice", held=held, others={}, policy=a_policy(), now=at)

    await judge_freezes(store, "alice", judge, mode=Mode.LIVE, policy_version="p", now=at)


async def by_hand(store: Store, symbol: str = AUT) -> bool:
    why = {"by": "ops", "reason": "under investigation", "mode": Mode.LIVE, "policy_version": "p", "now": NOW}
    return await freeze_by_hand(store, "alice", symbol, **why)


async def put(store: Store, symbol: str) -> bool:
    why = {"by": "ops", "reason": "a keepsake", "mode": Mode.LIVE, "policy_version": "p", "now": NOW}
    return await mark_by_hand(store, "alice", symbol, **why)


async def told(store: Store) -> list[tuple[str, str]]:
    return [(d.what, d.by) for d in await decisions(store, "alice")]


async def test_two_runs_at_once_count_once_each(store: Store, other: Store) -> None:
    await asyncio.gather(read(store, AUT=NoPrice.STALE), read(other, AUT=NoPrice.STALE))

    assert [(f.symbol, f.failures, f.state) for f in await freezes(store)] == [(AUT, 2, FreezeState.COUNTING)]


async def test_a_freeze_and_its_end_are_kept_with_what_decided_them(store: Store, other: Store) -> None:
    for hours in range(3):
        await read(store if hours % 2 else other, hours, AUT=NoPrice.NO_TICKER, BTC=None)
    (frozen,) = await freezes(other, "alice")

    await read(store, 40, AUT=None, BTC=None)

    assert (frozen.state, frozen.thaws_at) == (FreezeState.FROZEN, NOW + 26 * HOUR)
    assert await freezes(store) == ()
    assert await told(store) == [(f"unfreeze {AUT}", "price check"), (f"freeze {AUT}", "price check")]


async def test_a_person_freezes_and_unfreezes_once_with_name_and_reason(store: Store, other: Store) -> None:
    await read(store, AUT=NoPrice.STALE, BTC=NoPrice.STALE)

    assert [await by_hand(store), await by_hand(other)] == [True, False]
    await read(store, 1, AUT=None, BTC=None)
    (frozen,) = await freezes(other)
    lifted = [await unfreeze(at, "alice", AUT, by="ops", reason="cleared", now=NOW) for at in (store, other)]

    assert frozen == Freeze("alice", AUT, FreezeState.REVIEW, FreezeCause.BY_HAND, 1, NOW)
    assert lifted == [True, False]
    assert await told(store) == [(f"unfreeze {AUT}", "ops"), (f"freeze {AUT}", "ops")]


async def test_what_is_only_counted_cannot_be_unfrozen(store: Store) -> None:
    await read(store, AUT=NoPrice.STALE)

    assert not await unfreeze(store, "alice", AUT, by="ops", reason="x", now=NOW)
    assert len(await freezes(store)) == 1


async def test_what_waits_for_a_person_is_listed_first_and_each_account_by_itself(store: Store) -> None:
    for hours in range(3):
        await read(store, hours, A=NoPrice.STALE, Z=NoPrice.NO_MARKET)
    await read(store, 3, B=NoPrice.STALE)

    assert [f.symbol for f in await freezes(store)] == ["Z/USD", "A/USD", "B/USD"]
    assert await freezes(store, "bob") == ()


async def test_a_symbol_put_on_the_blacklist_has_the_value_of_the_last_read_or_none(store: Store) -> None:
    tracked = {"DUST/USD": Tracked("DUST/USD", Decimal(1), None, NOW, Decimal("0.50"))}
    snapshot = a_snapshot(account="alice")
    await save_snapshot(store, snapshot, tracked, run_id="r", cycle=1, mode=Mode.LIVE, policy_version="p")

    assert [await put(store, "DUST/USD"), await put(store, "TINY/USD"), await put(store, "TINY/USD")] == [
        True,
        True,
        False,
    ]

    marks = await standing_marks(store, "alice")
    assert {s: (m.value, m.is_by_hand) for s, m in marks.items()} == {
        "DUST/USD": (Decimal("0.50"), True),
        "TINY/USD": (None, True),
    }
    assert await told(store) == [("put TINY/USD on the blacklist", "ops"), ("put DUST/USD on the blacklist", "ops")]


async def test_what_a_person_put_on_the_blacklist_stays_a_person_s_when_a_sale_is_refused(store: Store) -> None:
    refused = a_mark("DUST/USD", reason=Reason.REFUSED_BEFORE, retry_at=NOW + HOUR)
    await put(store, "DUST/USD")

    await mark(store, "alice", {"DUST/USD": refused}, mode=Mode.LIVE, policy_version="p")

    (found,) = (await standing_marks(store, "alice")).values()
    assert (found.is_by_hand, found.retry_at) == (True, NOW + HOUR)


async def test_a_person_s_word_replaces_the_reason_of_a_mark_and_keeps_its_value_and_time(store: Store) -> None:
    first = a_mark("DUST/USD", "0.25")
    await mark(store, "alice", {"DUST/USD": first}, mode=Mode.LIVE, policy_version="p")

    await put(store, "DUST/USD")

    assert await blacklist(store) == (("alice", replace(first, reason=Reason.BLACKLISTED)),)


async def test_clearing_takes_one_account_s_marks_and_says_which(store: Store) -> None:
    for symbol in ("B/USD", "A/USD"):
        await put(store, symbol)
    await mark(store, "bob", {"C/USD": a_mark("C/USD")}, mode=Mode.LIVE, policy_version="p")

    assert await clear_marks(store, "alice", by="ops", reason="minimums fell", now=NOW) == ("A/USD", "B/USD")
    assert await clear_marks(store, "alice", by="ops", reason="again", now=NOW) == ()

    assert [account for account, _ in await blacklist(store)] == ["bob"]
    assert {what for what, _ in (await told(store))[:2]} == {
        "take A/USD off the blacklist",
        "take B/USD off the blacklist",
    }
