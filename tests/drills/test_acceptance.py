"""Acceptance cases by their own figures, each over the wire: limits that are touched hold, limits crossed do not."""

from decimal import Decimal
from typing import Any

import pytest

from models.adoption import Adoption
from models.exits import NEVER
from models.reasons import ActionKind, Block, HaltCause
from models.report import EntryReport
from models.store.halts import standing_halts
from tasks.runtime import Runtime
from tests.drills.desk import Desk, left
from tests.drills.test_adoption import adopt
from tests.drills.test_exits import holds, scan, seen_earlier, tells
from tests.drills.test_limits import LIMITS, a_day_later

pytestmark = pytest.mark.wire


# D1
def test_of_five_positions_each_leaves_by_its_own_reason_and_the_one_within_its_limits_stays(desk: Desk) -> None:
    kraken = holds(desk, "STOP", "GAIN", "TRAIL", "OLD", "HOLD")
    tells(desk, "TRAIL/USD", take_profit=NEVER)  # at 115 it would be gone
    kraken.set_price("TRAIL/USD", 115)
    peak = scan(desk)
    seen_earlier(desk, "OLD/USD", 25)
    for symbol, price in (("STOP", 95), ("GAIN", 110), ("TRAIL", 108), ("HOLD", 102)):
        kraken.set_price(f"{symbol}/USD", price)

    report = scan(desk)

    assert peak.actions == []
    assert {a.symbol: a.kind for a in report.actions} == {
        "STOP/USD": ActionKind.STOP_LOSS,
        "GAIN/USD": ActionKind.TAKE_PROFIT,
        "TRAIL/USD": ActionKind.TRAILING_STOP,
        "OLD/USD": ActionKind.TIME_LIMIT,
    }
    assert left(kraken) == {"HOLD"}


# E2
def test_what_a_position_cost_is_the_average_of_its_buys_with_their_fees_or_not_known(desk: Desk) -> None:
    bought = {
        "TWICE": [("buy", 1, 40_000, 0), ("buy", 1, 60_000, 0)],
        "PARTED": [("buy", 2, 50_000, 0), ("sell", 1, 70_000, 0)],
        "DEAR": [("buy", 1, 50_000, 50)],
        "GIVEN": [],
    }
    trades: list[dict[str, Any]] = [
        {"symbol": f"{asset}/USD", "side": side, "quantity": quantity, "price": price, "fee": fee, "hours_ago": 9 - n}
        for asset, made in bought.items()
        for n, (side, quantity, price, fee) in enumerate(made)
    ]
    desk.opens(
        prices=dict.fromkeys(bought, 42_000),
        holds={"platform": {"TWICE": 2, "PARTED": 1, "DEAR": 1, "GIVEN": 1}},
        trades={"platform": trades},
    )

    found = {p.symbol: (p.entry_price, p.code) for p in adopt(desk).accounts[0].positions}

    assert found == {
        "TWICE/USD": ("50000", Adoption.ADOPTED),
        "PARTED/USD": ("50000", Adoption.ADOPTED),
        "DEAR/USD": ("50050", Adoption.ADOPTED),
        "GIVEN/USD": (None, Adoption.NO_FILLS),
    }
    assert {symbol: t.entry_price for symbol, t in desk.tracked().items()} == {
        symbol: None if price is None else Decimal(price) for symbol, (price, _) in found.items()
    }


# J1
def test_each_limit_allows_what_touches_it_and_refuses_what_crosses_it(desk: Desk) -> None:
    desk.policy |= LIMITS | {"max_positions": 30, "entry_reservation_seconds": 0}
    ten = [f"P{n}" for n in range(10)]
    desk.opens(
        prices={"SOL": 100, "BTC": 4500} | dict.fromkeys(ten, 10),
        holds={
            "plain": {},
            "exposed": {"BTC": 1},
            "nine": dict.fromkeys(ten[:9], 1),
            "ten": dict.fromkeys(ten, 1),
        },
        cash=3000,
    )

    asked = _asked(
        desk,
        ("plain", "1000"),
        ("plain", "1000.01"),
        ("plain", "-9999"),
        ("exposed", "500"),
        ("exposed", "501"),
        ("nine", "20"),
        ("ten", "20"),
    )

    assert asked == [
        [],
        [Block.SIZE_LIMIT],
        [Block.BELOW_VENUE_MINIMUM, Block.SIZE_LIMIT],
        [],
        [Block.EXPOSURE_LIMIT],
        [],
        [Block.POSITIONS_LIMIT],
    ]


# J1
def test_a_day_and_a_drawdown_trip_beyond_their_limits_and_the_day_ends_in_utc(desk: Desk) -> None:
    desk.policy |= LIMITS | {"risk_max_exposure_usd": None}
    kraken = desk.opens(
        prices={"AAA": 9000, "BBB": 9000, "CCC": 900, "DDD": 900},
        holds={"lost": {"AAA": 1}, "platform": {"BBB": 1}, "fell": {"CCC": 1}, "fell-more": {"DDD": 1}},
        cash=100,
    )
    desk.normalize(live=False)
    # 500 and 500.01 of the day; 20 % and 20.1 % from the peak of 1000
    for asset, price in (("AAA", "8500"), ("BBB", "8499.99"), ("CCC", "700"), ("DDD", "699")):
        kraken.set_price(f"{asset}/USD", price)

    rows = [("lost", "AAA"), ("platform", "BBB"), ("fell", "CCC"), ("fell-more", "DDD")]
    asked = [desk.entry(f"{asset}/USD", account=name).reasons for name, asset in rows]
    halts = {halt.account: halt.cause for halt in desk.in_store(standing_halts)}
    a_day_later(desk)
    tomorrow = desk.entry("BBB/USD", account="platform").reasons

    assert asked == [[], [Block.HALTED, Block.DAILY_LOSS], [], [Block.HALTED, Block.DRAWDOWN]]
    assert halts == {"platform": HaltCause.DAILY_LOSS, "fell-more": HaltCause.DRAWDOWN}
    assert tomorrow == []


# J2
def test_at_90_positions_of_the_fleet_an_entry_is_allowed_and_at_91_it_is_refused(desk: Desk) -> None:
    desk.policy |= {"max_positions": 200, "entry_reservation_seconds": 0}
    assets = [f"A{n}" for n in range(46)]
    kraken = desk.opens(
        prices=dict.fromkeys([*assets, "SOL"], 20),
        holds={"alice": dict.fromkeys(assets[:45], 1), "bob": dict.fromkeys(assets[:45], 1)},
    )
    desk.normalize(live=False)

    at_90 = desk.entry("SOL/USD", account="alice")
    kraken.set_balances("alice", A45=1)
    at_91 = desk.entry("A0/USD", account="bob"), desk.entry("SOL/USD", account="alice")

    assert at_90.reasons == []
    assert at_91[1].reasons == [Block.GLOBAL_LIMIT]
    assert at_91[0].reasons == []  # what is held may grow


def _asked(desk: Desk, *entries: tuple[str, str]) -> list[list[str]]:
    """Ask for each entry into SOL in turn."""

    async def ask(runtime: Runtime) -> list[EntryReport]:
        return [await desk.entry_at(runtime, "SOL/USD", Decimal(usd), account) for account, usd in entries]

    return [report.reasons for report in desk.at_runtime(ask)]
