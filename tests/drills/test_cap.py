"""The position cap, by its acceptance cases."""

import pytest

from models.reasons import AccountStatus, ActionKind
from tests.drills.desk import Desk, left, sold

pytestmark = pytest.mark.wire

LARGE = {f"LARGE{i}": 100 + 100 * i for i in range(10)}
MEDIUM = {f"MED{i}": 10 + 2 * i for i in range(20)}
DUST = {f"DUST{i}": f"{0.10 + 0.03 * i:.2f}" for i in range(29)}


# B2
@pytest.mark.parametrize(("cap", "kept"), [(5, range(5, 10)), (8, range(2, 10))])
def test_59_holdings_come_down_to_the_largest_the_cap_allows(desk: Desk, cap: int, kept: range) -> None:
    desk.policy["max_positions"] = cap
    kraken = desk.worth(LARGE | MEDIUM | DUST)

    report = desk.run()

    assert left(kraken) == {f"LARGE{i}" for i in kept}
    assert len(kraken.orders("platform")) == 59 - cap
    assert (report.status, report.positions_before, report.positions_after) == (AccountStatus.COMPLIANT, 30, cap)
    assert (report.holdings_before, report.holdings_after, len(report.dust)) == (59, cap, 29)


# B3
def test_of_twelve_positions_the_four_smallest_go(desk: Desk) -> None:
    kraken = desk.worth({f"P{i}": 1000 - 50 * i for i in range(12)})

    report = desk.run()

    assert sold(kraken) == ["P11", "P10", "P9", "P8"]
    assert {a.kind for a in report.actions} == {ActionKind.TRIM_CAP}


# B3
def test_of_fifteen_positions_the_eight_largest_stay(desk: Desk) -> None:
    kraken = desk.worth({f"P{i}": 100 + 10 * i for i in range(15)})

    desk.run()

    assert left(kraken) == {f"P{i}" for i in range(7, 15)}


# B1
def test_what_is_too_small_goes_before_the_cap_is_asked(desk: Desk) -> None:
    desk.policy["max_positions"] = 5
    values = {"BTC": 1000, "ETH": 500, "SOL": 200, "DOGE": 50, "SHIB": 10, "PEPE": 5, "XRP": 2, "ADA": "1.50"}
    kraken = desk.worth(values)

    desk.run()

    assert left(kraken) == {"BTC", "ETH", "SOL", "DOGE", "SHIB"}
    assert sorted(sold(kraken)) == ["ADA", "PEPE", "XRP"]


# B4
@pytest.mark.parametrize(
    ("count", "status"),
    [(7, AccountStatus.COMPLIANT), (8, AccountStatus.COMPLIANT), (10, AccountStatus.PENDING)],
)
def test_an_account_is_compliant_up_to_its_cap(desk: Desk, count: int, status: AccountStatus) -> None:
    desk.worth({f"P{i}": 100 + i for i in range(count)})

    assert desk.run(live=False).status is status


# B4
def test_two_accounts_of_one_owner_share_the_cap_over_both_venues(desk: Desk) -> None:
    kraken = desk.worth({f"K{i}": 500 + i for i in range(5)}, owner="ann")
    binance = desk.worth({f"B{i}": 100 + i for i in range(4)}, account="second", venue="binance", owner="ann")

    report = desk.normalize()

    assert (sold(kraken), sold(binance, "second")) == ([], ["B0"])
    assert [a.status for a in report.accounts] == [AccountStatus.COMPLIANT] * 2


# B8
def test_holdings_without_a_price_count_and_stay(desk: Desk) -> None:
    valued = {f"P{i}": 100 + 10 * i for i in range(9)}
    kraken = desk.worth(valued | {"AUT": None, "NOX": None, "OLD": None})

    report = desk.run()

    assert report.positions_before == 12
    assert report.unvalued == ["AUT/USD", "NOX/USD", "OLD/USD"]
    assert left(kraken) == {"AUT", "NOX", "OLD"} | {f"P{i}" for i in range(4, 9)}
