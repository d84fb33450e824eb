"""Symbols whose price fails, over the wire: counted, frozen, thawed by a probe or by a person, and never sold blind."""

import pytest

from models.freeze import Freeze
from models.reasons import AccountStatus, Block, FreezeCause, FreezeState
from models.report import AccountReport
from models.store.freezes import freezes, unfreeze
from tests.builders import NOW
from tests.drills.desk import Desk, codes, left, sold

pytestmark = pytest.mark.wire

HELD = {"BTC": 1000, "AUT": 20}


def frozen(desk: Desk) -> list[tuple[str, FreezeState, int]]:
    return [(f.symbol, f.state, f.failures) for f in found(desk)]


def found(desk: Desk) -> tuple[Freeze, ...]:
    return desk.in_store(freezes)


def named(report: AccountReport) -> list[str | None]:
    return [error.symbol for error in report.errors if error.code == "SYMBOL_FROZEN"]


# H1; each run is a process of its own to the store: its counts survive a restart
def test_three_runs_without_a_ticker_freeze_a_symbol_that_still_counts_and_is_never_sold(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
    kraken = desk.worth(HELD)
    kraken.set_price("AUT/USD", None)

    dry = desk.run(live=False)
    counted = [(desk.run(), frozen(desk)) for _ in range(3)]

    assert named(dry) == []
    assert [then for _, then in counted] == [
        [("AUT/USD", FreezeState.COUNTING, 1)],
        [("AUT/USD", FreezeState.COUNTING, 2)],
        [("AUT/USD", FreezeState.FROZEN, 3)],
    ]
    reports = [report for report, _ in counted]
    assert [named(report) for report in reports] == [[], [], ["AUT/USD"]]
    assert all("AUT" in left(kraken) and report.positions_after == 1 for report in reports)
    assert sold(kraken) == ["BTC"]  # over the cap of one, and the only one with a value
    answer = desk.entry("AUT/USD")
    assert {Block.SYMBOL_FROZEN, Block.UNVALUED_HOLDING, Block.NO_PRICE} <= set(answer.reasons)
    assert "no entries until a live run after" in answer.errors[0].message


def test_a_freeze_stops_entries_and_no_exit_and_ends_with_one_good_price_after_its_cool_down(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"symbol_freeze_threshold": 1, "symbol_freeze_cooldown_hours": 1}
    kraken = sqlite_desk.worth({"BTC": 1000, "AUT": None}, venue="binance")
    sqlite_desk.run()
    kraken.set_price("AUT/USDT", 5)  # below the minimum position: to be closed

    closed = sqlite_desk.run()
    during = sqlite_desk.entry("AUT/USDT")
    sqlite_desk.policy |= {"symbol_freeze_cooldown_hours": 0}
    kraken.set_price("AUT/USDT", None)
    sqlite_desk.in_store(lambda store: unfreeze(store, "platform", "AUT/USDT", by="ops", reason="a drill", now=NOW))
    kraken.set_balances("platform", AUT=1)
    sqlite_desk.run()  # frozen again, without a cool-down
    sqlite_desk.run()  # a probe that fails
    still = frozen(sqlite_desk)
    kraken.set_price("AUT/USDT", 50)
    thawed = sqlite_desk.run()

    assert (sold(kraken), named(closed)) == (["AUT"], ["AUT/USDT"])
    assert during.reasons == [Block.SYMBOL_FROZEN]
    assert still == [("AUT/USDT", FreezeState.FROZEN, 2)]
    assert (thawed.status, codes(thawed), found(sqlite_desk)) == (AccountStatus.COMPLIANT, set(), ())
    assert sqlite_desk.entry("AUT/USDT").allowed


# Incident 18
def test_a_delisted_symbol_waits_for_a_person_and_comes_back_by_nobody_else(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"symbol_freeze_threshold": 2, "symbol_freeze_cooldown_hours": 0}
    kraken = sqlite_desk.worth(HELD)
    kraken.set_market("AUT/USD", "delisted")
    delisted = [sqlite_desk.run() for _ in range(2)][-1]
    kraken.set_market("AUT/USD", "online")

    listed = sqlite_desk.run()
    (waiting,) = found(sqlite_desk)
    blocked = sqlite_desk.entry("AUT/USD")
    sqlite_desk.in_store(lambda store: unfreeze(store, "platform", "AUT/USD", by="ops", reason="listed", now=NOW))

    assert (delisted.status, delisted.positions_after, sold(kraken)) == (AccountStatus.COMPLIANT, 2, [])
    assert (waiting.state, waiting.cause, waiting.thaws_at) == (FreezeState.REVIEW, FreezeCause.NO_MARKET, None)
    assert codes(listed) == {"SYMBOL_FROZEN"}
    assert blocked.reasons == [Block.SYMBOL_FROZEN]
    assert sqlite_desk.entry("AUT/USD").allowed


def test_what_the_policy_restricts_is_not_entered_and_may_be_sold(sqlite_desk: Desk) -> None:
    sqlite_desk.policy["restricted_symbols"] = ["AUT/USD"]
    kraken = sqlite_desk.worth({"BTC": 1000, "AUT": 5})

    answer = sqlite_desk.entry("AUT/USD")
    sqlite_desk.run()

    assert answer.reasons == [Block.SYMBOL_RESTRICTED]
    assert sold(kraken) == ["AUT"]


def test_a_read_without_a_single_good_price_is_no_symbol_s_failure(sqlite_desk: Desk) -> None:
    sqlite_desk.policy["max_price_age_seconds"] = 0  # whatever the venue says is too old
    sqlite_desk.worth({"AUT": 20})

    report = sqlite_desk.run()

    assert report.unvalued == ["AUT/USD"]
    assert found(sqlite_desk) == ()
