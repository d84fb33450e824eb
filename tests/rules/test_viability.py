"""What an entry costs in fees, and whether any size of it fits between the venue's minimum and our limits."""

from dataclasses import replace
from decimal import Decimal

import pytest

from models.reasons import Block
from models.risk import RiskLimits
from rules.entry import judge_entry
from rules.viability import allowed_amount, are_fees_too_high, fee_words, least_amount, round_trip_fraction
from tests.builders import a_market, a_policy
from tests.rules.test_entry import an_account, facts, holding

TWENTY = Decimal(20)
# What the venues take at their lowest tier, as ccxt tells it of each.
ORDINARY = ["0.0026", "0.004", "0.001", "0.0015", "0.0025", "0.012"]


# incident 20
@pytest.mark.parametrize("fee", ORDINARY)
def test_an_ordinary_entry_is_not_blocked_for_its_fees(fee: str) -> None:
    market = a_market("SOL/USD", taker_fee_fraction=fee)

    assert judge_entry(facts(an_account(markets=[market]), amount_quote=TWENTY)).blocks == ()
    assert fee_words(market, TWENTY, a_policy()) is None


# incident 20
@pytest.mark.parametrize(("fee", "is_blocked"), [("0.0125", False), ("0.01251", True), ("0.014", True)])
def test_fees_that_take_more_than_their_share_block_the_entry(fee: str, *, is_blocked: bool) -> None:
    market = a_market("SOL/USD", taker_fee_fraction=fee)

    verdict = judge_entry(facts(an_account(markets=[market]), amount_quote=TWENTY))

    assert verdict.blocks == (Block.FEES_TOO_HIGH,) * is_blocked


def test_the_share_is_the_policy_s_and_none_allows_any() -> None:
    market = a_market("SOL/USD", taker_fee_fraction="0.014")

    strict, any_fee = a_policy(max_round_trip_fee_fraction="0.0279"), a_policy(max_round_trip_fee_fraction=None)

    assert round_trip_fraction(market) == Decimal("0.028")
    assert [are_fees_too_high(market, policy) for policy in (strict, any_fee)] == [True, False]
    assert fee_words(market, TWENTY, any_fee) is None
    assert fee_words(market, TWENTY, strict) == (
        "buying SOL/USD and selling it again costs 2.8 % of 20.00 USD, 0.56; the policy allows 2.79 %"
    )


def test_a_fee_that_is_not_known_blocks_nothing_and_is_said() -> None:
    market = a_market("SOL/USD")

    assert judge_entry(facts(an_account(markets=[market]))).blocks == ()
    assert "names no fee for SOL/USD" in str(fee_words(market, TWENTY, a_policy()))
    assert fee_words(market, TWENTY, a_policy(max_round_trip_fee_fraction=None)) is None


@pytest.mark.parametrize(
    ("sizes", "least"),
    [
        ({"minimum_notional": "5"}, "5"),
        ({"minimum_notional": "5", "lot_step": "0.3"}, "6"),
        ({"minimum_quantity": "0.5"}, "10"),
        ({"lot_step": "2"}, "40"),
    ],
)
def test_the_smallest_purchase_is_whole_lots_above_every_minimum(sizes: dict[str, str], least: str) -> None:
    assert least_amount(a_market("SOL/USD", **sizes), Decimal(20)) == Decimal(least)


def test_of_a_market_without_a_lot_step_nothing_is_known() -> None:
    assert least_amount(a_market("SOL/USD", lot_step=0), Decimal(20)) is None


def test_the_ceiling_is_the_lowest_limit_that_nobody_set_aside() -> None:
    limits, at_stake = RiskLimits(position=Decimal(1000), exposure=Decimal(5000)), Decimal(4200)

    assert allowed_amount(limits, at_stake) == 800
    assert allowed_amount(limits, at_stake, {Block.EXPOSURE_LIMIT}) == 1000
    assert allowed_amount(limits, at_stake, {Block.EXPOSURE_LIMIT, Block.SIZE_LIMIT}) is None


# incident 20
def test_a_minimum_above_what_may_still_be_at_stake_leaves_no_amount_unless_it_is_set_aside() -> None:
    market = a_market("SOL/USD", minimum_notional=600)
    judged = facts(holding({"BTC": 4500}, cash=2000, markets=[market]), amount_quote=Decimal(600))

    aside = replace(judged, set_aside={Block.EXPOSURE_LIMIT})

    assert judge_entry(judged).blocks == (Block.FLOOR_ABOVE_CEILING, Block.EXPOSURE_LIMIT)
    assert judge_entry(aside).blocks == ()
